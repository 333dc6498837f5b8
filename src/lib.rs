//! Prepares an EC2 instance to join an Amazon EKS cluster, once, before its kubelet starts.
//!
//! ```text
//! cli       parses the command line and the environment, and returns the exit code
//! command   runs the commands: run, plan, wait, check, undo, token, max-pods
//! error     the error type of all commands
//! report    prints log lines, plans and diffs
//! wait      waits for the CNI configuration and for the ENIConfig
//! verify    checks an ENIConfig or the subnets of the node against EC2 and the Node object
//! apply     writes the changes of a plan to the node
//! observe   collects the facts about the instance, and connects to the cluster
//! adapter   clients for files, IMDS, AWS, Kubernetes, Bottlerocket, systemd and commands of the host
//! ```
//!
//! A module uses only modules below it; `tests/repository/module_order.rs` checks this. The crate
//! `eni-core` computes the plan without I/O. Only the items that tests,
//! packaging and the kubectl plugin use are public.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod adapter;
pub mod apply;
pub mod cli;
pub mod command;
mod error;
mod observe;
pub mod report;
pub mod verify;
pub mod wait;
