//! Runs against real servers and tools, and tests of these.

mod answers;
mod calculator;
mod cluster_answers;
pub mod ec2_fit;
mod iam;
mod metrics;
mod nodeadm_corpus;
mod other_cni;
mod primary_subnet;
mod rbac_rights;
mod real_aws_node;
pub mod real_cluster;
mod real_nodeadm;
mod real_run;
