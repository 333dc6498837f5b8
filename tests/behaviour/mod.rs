//! Whole runs of the program against stand-ins.

mod bad_cluster;
mod bad_disk;
mod bad_metadata;
mod bad_settings;
mod bottlerocket;
mod check;
pub mod cli;
mod cluster_sources;
mod conformance;
mod documentation;
mod floors;
mod golden;
mod hosts;
mod imds;
mod kubernetes;
mod limits;
mod max_pods;
mod other_figures;
mod proxy;
mod token;
pub mod user_data;
