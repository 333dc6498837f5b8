//! The one integration test binary: linking it once is most of what it costs.

mod bad_cluster;
mod bad_disk;
mod bad_metadata;
mod bad_settings;
mod calculator;
mod cli;
mod cluster_sources;
mod ec2_fit;
mod floors;
mod golden;
mod hosts;
mod iam;
mod imds;
mod kubernetes;
mod limits;
mod max_pods;
mod node;
mod nodeadm;
mod packaging;
mod readme;
mod real_aws_node;
mod real_cluster;
mod real_parts;
mod real_run;
mod static_binary;
mod token;
