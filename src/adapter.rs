//! The only modules that perform I/O: files, HTTP, subprocesses and sockets.

pub(crate) mod aws;
pub(crate) mod bottlerocket;
mod context;
pub mod disk;
pub(crate) mod dns;
pub mod ec2;
pub(crate) mod eks;
pub mod eks_token;
pub(crate) mod https_proxy;
pub mod imds;
pub mod kubernetes;
pub(crate) mod machine;
mod retry;
pub(crate) mod snap;
pub(crate) mod systemd;

pub use context::Context;
pub use retry::{Deadline, Transient, pauses, retry};

use std::error::Error;
use std::sync::Arc;

/// The source of an error that is cloned to detect a change of state.
pub type SharedError = Arc<dyn Error + Send + Sync>;
