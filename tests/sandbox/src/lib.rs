//! Stand-ins for what eni-bootstrap talks to, on loopback, for tests and the demo: an instance
//! metadata service, a Kubernetes API that knows ENIConfigs, a name server, and Bottlerocket's
//! settings API on a Unix socket.
//!
//! Each server runs on a thread of its own, so that a test can wait for the real binary; it stops
//! when its handle is dropped. Their answers are those of the real ones, word for word where a
//! client may depend on the words.

#![expect(
    clippy::missing_panics_doc,
    reason = "a stand-in that cannot start has no better way to say so than to end the test"
)]

mod bottlerocket;
mod control;
mod dns;
mod faults;
mod imds;
mod kubernetes;
mod server;
mod serving;
mod state;
mod status;
mod tls;
mod watch;

pub use bottlerocket::{ApiRequest, Applied, Applier, Bottlerocket};
pub use control::Control;
pub use dns::Dns;
pub use faults::{Fault, Faults};
pub use imds::{Imds, Instance};
pub use kubernetes::{Access, KubernetesApi, Seen};
pub use tls::Identity;
