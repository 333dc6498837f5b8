//! Whole runs of the program against stand-ins.

mod apply;
mod bad_cluster;
mod bad_disk;
mod bad_metadata;
mod bad_settings;
mod bottlerocket;
mod check;
pub mod cli;
mod cluster_sources;
mod conformance;
mod existing_max_pods;
mod hosts;
mod imds;
mod kubernetes;
mod last_run;
mod limits;
mod max_pods;
mod proxy;
mod start_timeout;
mod token;
pub mod user_data;
