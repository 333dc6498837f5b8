//! The one integration test binary: linking it once is most of what it costs.

mod bad_cluster;
mod bad_disk;
mod bad_metadata;
mod bad_settings;
mod calculator;
mod cli;
mod floors;
mod golden;
mod imds;
mod kubernetes;
mod limits;
mod max_pods;
mod node;
mod packaging;
mod readme;
mod real_parts;
mod real_run;
mod static_binary;
