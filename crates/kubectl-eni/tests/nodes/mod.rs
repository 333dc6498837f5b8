//! `kubectl eni nodes` against a real API server.

mod clusters;
mod fleet;
mod measure;
mod permissions;
pub mod support;
mod verify_subnets;
