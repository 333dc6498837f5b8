//! The only modules that perform I/O: files, HTTP, subprocesses and sockets.

pub mod aws;
pub mod bottlerocket;
mod context;
pub mod disk;
pub mod dns;
pub mod ec2;
pub mod eks;
pub mod eks_token;
pub mod https_proxy;
pub mod imds;
pub mod kubernetes;
pub mod machine;
mod retry;
pub mod snap;
pub mod systemd;

pub use context::Context;
pub use retry::{Deadline, Transient, pauses, retry};

use std::error::Error;
use std::sync::Arc;

/// The source of an error that is cloned to detect a change of state.
pub type SharedError = Arc<dyn Error + Send + Sync>;
