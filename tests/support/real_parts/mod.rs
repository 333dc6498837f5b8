//! The real servers that tests run against: EC2, EKS and STS ([`moto()`]), the instance metadata
//! service ([`metadata_mock()`]), a Kubernetes API server ([`cluster()`]), the AWS CLI
//! ([`aws_get_token`]), nodeadm ([`nodeadm()`]); and what is no server: a root with a newer glibc
//! ([`trixie_root`]), one to boot ([`boot_root`]), the static binary ([`static_binary`]), a file
//! system of its own ([`tmpfs()`]).
//!
//! `tests/real/install.sh` and `make static` make them. Each function gives `None` where its part
//! is missing, after saying so on stderr and in `target/real-parts/not-run.log`: the test returns
//! at once. With `REQUIRE_REAL=1` a missing part is a failure.

pub use aws::Account;
pub use awscli::aws_get_token;
pub use cluster::{Cluster, Request, Who, cluster};
pub use metadata_mock::{
    ADDRESS, INSTANCE_ID, MAC, MetadataMock, ROLE, SUBNET, VPC, instance, metadata_mock,
};
pub use moto::{Moto, ec2_record, moto, own_moto};
pub use nodeadm::{NODEADM_READS, Nodeadm, known_to_ec2, nodeadm};
pub use parts::{
    arm64_binary, boot_records, boot_root, container_image, nfpm, nodeadm_program, program, regctl,
    root_rights, runs_by, static_binary, trixie_root,
};
pub use python::{cfn_lint, file_server, python};
pub use server::Server;
pub use tmpfs::tmpfs;

mod aws;
mod awscli;
pub mod cluster;
pub mod http;
mod metadata_mock;
mod moto;
mod nodeadm;
mod parts;
mod python;
mod server;
mod tmpfs;
