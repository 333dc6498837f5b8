//! Helpers that several tests use: nodes to run eni-bootstrap on, real servers, golden files.

pub mod boot;
pub mod bottlerocket;
pub mod container;
pub mod faults;
pub mod file_list;
pub mod golden;
pub mod image_builder;
pub mod kubelet;
pub mod lines;
pub mod manual;
pub mod node;
pub mod packages;
pub mod pod;
pub mod sbom;
pub mod stall;
pub mod trace;

pub use eni_bootstrap_real_parts as real_parts;
