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
//!
//! Only in tests, so that no binary contains them:
//!
//! ```text
//! reference             the generated pages of docs/ and the JSON Schema of the settings
//! sources               the source code of both programs
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
#[cfg(test)]
mod reference;
pub mod run_result;
pub mod settings;
#[cfg(test)]
mod sources;
