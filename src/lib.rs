//! Prepares an EC2 instance to join an Amazon EKS cluster, once, before its kubelet starts.
//!
//! ```text
//! cli                            command line, environment, exit code
//! command                        run, plan, wait, check, undo, token, max-pods, limits
//! error  report                  the error of every command; log lines and printed plans
//! wait  verify  apply  observe   the steps of a run, each against the instance or the cluster
//! adapter                        all I/O: files, HTTP, subprocesses, sockets
//! ```
//!
//! Everything without I/O is in the crate `eni-core`. A module uses only modules below it;
//! `tests/repository/module_order.rs` checks this. Only the modules that the tests and the packaging
//! use are public.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod adapter;
pub mod apply;
pub mod cli;
pub mod command;
mod error;
mod observe;
mod report;
mod verify;
pub mod wait;
