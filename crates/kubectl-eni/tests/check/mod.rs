//! `kubectl eni check` against a real API server and moto.

#![allow(clippy::unwrap_used)]

pub mod aws;
mod identity;
mod node_use;
mod site;
mod skipped;
mod zones;
