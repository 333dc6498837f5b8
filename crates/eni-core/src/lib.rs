//! The part of eni-bootstrap without I/O: no clock, no environment, no network, no async runtime.
//!
//! ```text
//! record                the values of the last successful run
//! run_result            the result of a run: outcome, plan, times and checks
//! plan                  facts + settings → the configuration of this node
//! settings  facts       the operator's settings; the properties of the instance
//! host                  families of node images: detection, rendering, removal
//! domain                calculations and vocabulary of EKS, Kubernetes and the VPC CNI
//! failure  diagnostic   presentation of errors and of notes to the operator
//! nearest               suggestions for misspelled words
//! ```

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod diagnostic;
pub mod domain;
pub mod facts;
pub mod failure;
pub mod host;
pub mod nearest;
pub mod plan;
pub mod record;
pub mod run_result;
pub mod settings;
