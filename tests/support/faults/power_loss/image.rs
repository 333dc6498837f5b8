//! Disk images with an ext4 or an XFS file system.

use crate::support::real_parts::program;
use nix::unistd::syncfs;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The bytes of a block of an [`Image`].
const BLOCK: usize = 4096;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// A journaling file system of the supported hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// Ubuntu and Bottlerocket.
    Ext4,
    /// Amazon Linux 2 and Amazon Linux 2023.
    Xfs,
}

impl FileSystem {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }

    /// Returns the program that creates this file system, and its Debian package.
    pub fn formatter(self) -> (&'static str, &'static str) {
        match self {
            Self::Ext4 => ("mkfs.ext4", "e2fsprogs"),
            Self::Xfs => ("mkfs.xfs", "xfsprogs"),
        }
    }

    /// Returns the bytes of a small disk. mkfs.xfs rejects a disk below 300 MiB. The images are sparse.
    fn disk_size(self) -> u64 {
        let mebibytes: u64 = match self {
            Self::Ext4 => 24,
            Self::Xfs => 300,
        };
        mebibytes << 20
    }

    /// Creates an image file with this file system at `path`. All blocks are written now, not after the first
    /// mount.
    pub fn format(self, path: &Path) {
        File::create(path).unwrap().set_len(self.disk_size()).unwrap();
        let (formatter, package) = self.formatter();
        let mut command = Command::new(program(formatter, package).unwrap());
        // A new disk of this size would have blocks of 1 KiB, other than the disk of a node.
        if self == Self::Ext4 {
            command.args(["-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"]);
        }
        assert!(command.arg("-q").arg(path).status().unwrap().success(), "{command:?}");
    }

    /// Returns the mount options of a disk.
    fn options(self) -> &'static str {
        match self {
            // By default, ext4 writes the data of a file before it renames the file over another one. The
            // program must not depend on that.
            Self::Ext4 => "loop,noatime,noauto_da_alloc",
            // The previous image may still be mounted in a mount namespace of another program.
            Self::Xfs => "loop,noatime,nouuid",
        }
    }

    /// Mounts the disk image `file` on `folder` with a loop device.
    pub fn mount(self, file: &Path, folder: &Path) -> Result<Mounted, String> {
        let mut mount = Command::new("mount");
        mount.args(["-t", self.name(), "-o", self.options()]).arg(file).arg(folder);
        let output = mount.output().unwrap();
        if output.status.success() {
            return Ok(Mounted(folder.to_owned()));
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// A mounted disk image. Dropping it unmounts it, and the kernel then detaches the loop device.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    /// Writes all changes to the disk. Unmounting does not, if another mount namespace has the file system.
    pub fn sync(&self) {
        syncfs(File::open(&self.0).unwrap()).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a process that another test starts has the open files of this process until exec.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// The contents of a disk. Blocks that contain only zeros are not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    size: u64,
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Image {
    /// Reads an image file.
    pub fn read(path: &Path) -> Self {
        let mut file = File::open(path).unwrap();
        let size = file.metadata().unwrap().len();
        let mut blocks = BTreeMap::new();
        let mut block = Box::new([0; BLOCK]);
        for index in 0..size / BLOCK as u64 {
            file.read_exact(&mut *block).unwrap();
            if *block != ZEROS {
                blocks.insert(index, block.clone());
            }
        }
        Self { size, blocks }
    }

    /// Writes the image to a new sparse file. Replaces a file at `path`.
    pub fn save(&self, path: &Path) {
        let _ = fs::remove_file(path);
        let file = File::create(path).unwrap();
        file.set_len(self.size).unwrap();
        for (index, block) in &self.blocks {
            file.write_all_at(&**block, index * BLOCK as u64).unwrap();
        }
    }

    /// Writes `data` at the byte `offset`.
    pub fn write(&mut self, offset: u64, mut data: &[u8]) {
        let block_bytes = BLOCK as u64;
        let (mut index, mut start) =
            (offset / block_bytes, usize::try_from(offset % block_bytes).unwrap());
        while !data.is_empty() {
            let (now, later) = data.split_at(data.len().min(BLOCK - start));
            let block = self.blocks.entry(index).or_insert_with(|| Box::new([0; BLOCK]));
            block[start..start + now.len()].copy_from_slice(now);
            if **block == ZEROS {
                self.blocks.remove(&index);
            }
            (data, index, start) = (later, index + 1, 0);
        }
    }
}
