//! Rules of EKS, Kubernetes and the VPC CNI. No I/O, no clock, no environment.

pub mod aws_node;
pub mod cni;
pub mod eni_config;
pub mod finding;
pub mod identifier;
pub mod kubelet;
pub mod label;
pub mod limits;
pub mod max_pods;
pub mod plural;
pub mod prefixes;
pub mod proxy;
pub mod quantity;
pub mod reserved;
pub mod zone;
