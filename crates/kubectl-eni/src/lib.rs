//! The kubectl plugin of eni-bootstrap. kubectl runs the program `kubectl-eni` as `kubectl eni`.
//!
//! ```text
//! cli       parses the command line and returns the exit code
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
pub mod cli;
pub mod cluster;
mod error;
mod output;
