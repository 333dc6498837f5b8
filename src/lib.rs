//! Prepares an EC2 instance to join an Amazon EKS cluster, once, before its kubelet starts.
//!
//! ```text
//! cli                                  arguments, environment, exit status
//! command                              run: the straight line; plan, wait, max-pods, limits
//! error  report                        how it ended, and what happened, in words
//! wait  verify  apply  observe         the machine and the cluster, one step each
//! adapter                              the only code that talks to anything
//! plan                                 facts + settings → what this node should be; pure
//! settings  facts                      what was asked for; what the machine is
//! host                                 what each family of images wants to be told; text out
//! domain                               arithmetic and vocabulary
//! ```
//!
//! A module uses only what stands below it; `tests/floors.rs` keeps the order.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod adapter;
pub mod apply;
pub mod cli;
pub mod command;
pub mod error;
pub mod observe;
pub mod report;
pub mod verify;
pub mod wait;
