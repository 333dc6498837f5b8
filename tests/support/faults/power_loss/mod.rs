//! Records every write and every flush of a disk, and mounts the disk as it can be after a power loss.
//!
//! `qemu-storage-daemon` serves a disk image with its FUSE export. Its block driver `blklogwrites` logs each
//! write and each flush in the order in which the kernel sends them. The file system is mounted from a loop
//! device on that export.

pub mod file_tree;
pub mod image;
pub mod recorder;
pub mod traced;
pub mod write_log;
