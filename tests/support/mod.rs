//! What the tests share: nodes to run the program on, stand-ins, real servers, golden files.

pub mod boot;
pub mod bottlerocket;
pub mod container;
pub mod golden;
pub mod kubelet;
pub mod node;
pub mod real_parts;
