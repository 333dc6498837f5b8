//! Clients of everything outside the process: files, HTTP services, subprocesses and sockets.

pub mod aws;
pub(crate) mod body_limit;
pub(crate) mod bottlerocket_api;
pub(crate) mod bottlerocket_commit;
mod context;
pub(crate) mod core_dumps;
pub mod disk;
pub(crate) mod dns;
pub mod ec2;
pub mod eks;
pub mod eks_token;
pub(crate) mod hardware;
pub(crate) mod host_command;
pub mod https_proxy;
pub(crate) mod image_files;
pub mod imds;
pub(crate) mod kubelet_files;
pub mod kubernetes;
pub(crate) mod prefetch;
pub(crate) mod proxy_failure;
pub(crate) mod recorder;
pub(crate) mod rejected_certificate;
#[doc(hidden)]
pub mod replay;
mod retry;
#[cfg(test)]
mod secret_types;
pub(crate) mod shared_attempt;
pub(crate) mod systemd;
pub(crate) mod unit_files;

pub use context::Context;
pub use recorder::Recorder;
pub use retry::{Deadline, Transient};
pub(crate) use retry::{pauses, pauses_from, retry};

use std::error::Error;
use std::sync::Arc;

/// The source of an error that can be cloned.
pub(crate) type SharedError = Arc<dyn Error + Send + Sync>;
