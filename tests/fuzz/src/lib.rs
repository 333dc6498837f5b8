//! Fuzz targets of eni-bootstrap: each target is a function of bytes.

pub mod archive;
pub mod client;
pub mod kubelet;
pub mod node;
pub mod readback;
pub mod systemd;
mod targets;

pub use targets::images::KUBEADM;
pub use targets::{TARGETS, Target, run};
