//! The kubectl plugin of eni-bootstrap. kubectl runs the program `kubectl-eni` as `kubectl eni`.
//!
//! ```text
//! cli       parses the command line and returns the exit code
//! limits, max_pods          the commands
//! error     the error type of all commands
//! output    prints tables and results
//! aws       configures the clients of the AWS APIs
//! instance_types  selects instance types by name and pattern
//! cluster   connects to the API server, and finds the cluster's name and region
//! ```
//!
//! A module uses only modules below it.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod aws;
pub mod cli;
pub mod cluster;
mod error;
mod instance_types;
mod limits;
mod max_pods;
mod output;
