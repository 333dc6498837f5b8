//! Simulated services that eni-bootstrap calls, for tests and the demo: an instance metadata service, a
//! Kubernetes API with ENIConfigs, an EC2 API with subnets, a DNS server, and the settings API of
//! Bottlerocket on a Unix socket. Also the EKS and STS APIs and an HTTP proxy.
//! The servers listen on loopback.
//!
//! Each server runs on a separate thread and stops when its handle is dropped. The responses are the same
//! as those of the real services, including the texts that a client may depend on.

#![expect(
    clippy::missing_panics_doc,
    reason = "if a simulated service cannot start, the test must fail"
)]

mod aws_api;
mod aws_node;
mod bottlerocket;
mod connect_proxy;
mod control;
mod dns;
mod ec2;
pub mod example_cluster;
mod faults;
pub mod fleet;
mod imds;
mod kubernetes;
mod object_api;
mod operator_sandbox;
mod server;
mod server_thread;
mod state;
mod status;
mod tls;
mod token_bucket;
mod watch;

pub use aws_api::AwsApi;
pub use bottlerocket::{ApiRequest, Applied, Applier, Bottlerocket};
pub use connect_proxy::ConnectProxy;
pub use control::Control;
pub use dns::{Dns, DnsFault};
pub use ec2::{Ec2, Subnet};
pub use faults::{Fault, Faults, Held};
pub use imds::{Imds, Instance, Interface};
pub use kubernetes::{Access, KubernetesApi, KubernetesRequest};
pub use object_api::ObjectApi;
pub use operator_sandbox::OperatorSandbox;
pub use tls::{Certificate, Identity};
