//! Everything in eni-bootstrap that does no I/O: no clock, no environment, no network, no async
//! runtime.
//!
//! ```text
//! plan               facts + settings → the configuration of this node
//! settings  facts    the operator's settings; the properties of the instance
//! host               what each image family reads, and how to render it; text in, text out
//! domain             arithmetic and vocabulary
//! error  diagnostic  how a failure and a note to the operator are presented
//! nearest            the word that an operator probably meant
//! ```

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod diagnostic;
pub mod domain;
pub mod error;
pub mod facts;
pub mod host;
pub mod nearest;
pub mod plan;
pub mod settings;
