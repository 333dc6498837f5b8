//! Whole runs of the program against stand-ins.

mod apply;
mod aws_calls;
mod bad_cluster;
mod bad_disk;
mod bad_metadata;
mod bad_settings;
mod body_limits;
mod bottlerocket;
mod check;
pub mod cli;
mod cluster_sources;
mod conformance;
mod exec_plugin;
mod existing_labels;
mod existing_max_pods;
mod hosts;
mod image_changes;
mod imds;
mod interfaces;
mod kubelet_arguments;
mod kubernetes;
mod limits;
mod max_pods;
mod proxy;
mod shared_files;
mod token;
pub mod user_data;
