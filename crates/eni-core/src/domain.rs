//! Rules of EKS, Kubernetes and the VPC CNI. No I/O, no clock, no environment.

pub mod aws_node;
pub mod capacity;
pub mod cluster;
pub mod cni;
pub mod cni_version;
pub mod eni_config;
pub mod identifier;
pub mod instance_limits;
pub mod kubelet;
pub mod label;
pub(crate) mod named_values;
pub mod plural;
pub mod prefixes;
pub mod proxy;
pub mod quantity;
pub mod reserved;
pub mod subnet_tags;
pub mod zone;
