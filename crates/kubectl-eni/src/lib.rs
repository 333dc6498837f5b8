//! The kubectl plugin of eni-bootstrap. kubectl runs the program `kubectl-eni` as `kubectl eni`.
//!
//! ```text
//! cli       parses the command line and returns the exit code
//! check     checks the ENIConfigs of all zones and the IAM role of aws-node
//! nodes     compares the nodes of a cluster with what eni-bootstrap computes
//! configs   creates the ENIConfigs of a cluster
//! expressions  the configuration of Karpenter, nodeadm and Bottlerocket
//! capacity  how many more nodes fit into the pod subnets
//! error     the error type of all commands
//! output    prints tables and results
//! aws       configures the clients of the AWS APIs
//! cluster   connects to the API server, and finds the cluster's name and region
//! ```
//!
//! A module uses only modules below it.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod aws;
mod capacity;
mod check;
pub mod cli;
pub mod cluster;
pub mod configs;
mod error;
pub mod expressions;
mod nodes;
mod output;
