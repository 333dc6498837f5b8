//! The kubectl plugin of eni-bootstrap. kubectl runs the program `kubectl-eni` as `kubectl eni`.
//!
//! ```text
//! cli             parses the command line and returns the exit code
//! capacity        shows how many more nodes fit into the subnets of the pods
//! check           checks the ENIConfigs of all zones and the IAM role of aws-node
//! configs         creates the ENIConfigs of a cluster
//! expressions     prints the configuration of Karpenter, nodeadm and Bottlerocket
//! limits          shows or refreshes the limits of instance types
//! max_pods        computes max-pods for instance types
//! nodes           compares the nodes of a cluster with what eni-bootstrap computes
//! report          shows what happened during the boot of a node
//! error           the error type of all commands
//! output          prints tables and results
//! scope           determines which nodes run the CNI, and where they are
//! instance_types  selects instance types by name and pattern
//! aws             configures the clients of the AWS APIs
//! cluster         connects to the API server, and finds the cluster's name and region
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
mod instance_types;
mod limits;
mod max_pods;
mod nodes;
mod output;
mod report;
mod scope;
