//! Real servers and programs that tests run against: EC2, EKS and STS ([`moto()`]), the instance
//! metadata service ([`metadata_mock()`]), a Kubernetes API server ([`cluster()`]), the AWS CLI
//! ([`aws_get_token`]), nodeadm ([`nodeadm()`]) and the kubelet ([`kubelet_program`]). Also a root with a
//! newer glibc ([`trixie_root`]), a bootable root ([`boot_root`]), the static binary ([`static_binary`])
//! and a file system ([`tmpfs()`]).
//!
//! `tests/real/install.sh` and `make static` install them. If a part is missing, its function logs the
//! skipped test to stderr and to `target/real-parts/not-run.log`, and returns `None`; the test then
//! returns at once. With `REQUIRE_REAL=1` a missing part fails the test.

#![expect(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "helpers of tests")]

pub use aws::Account;
pub use aws_api::aws_api;
pub use awscli::aws_get_token;
pub use cluster::{Allowed, Cluster, Request, Who, collection, service_account};
pub use metadata_mock::{
    ADDRESS, INSTANCE_ID, MAC, MetadataMock, ROLE, SUBNET, VPC, instance, metadata_mock,
};
pub use moto::{Moto, ec2_record, moto, own_moto};
pub use nodeadm::{NODEADM_INPUT_FILES, Nodeadm, nodeadm, with_ec2_instance_id};
pub use parts::{
    arm64_binary, boot_records, boot_root, cargo_cyclonedx, cluster, cni_limits, container_image,
    cyclonedx_python, device, documents, helm, karpenter_cel, kubelet_program, nfpm,
    nodeadm_max_pods, nodeadm_program, not_run, operator_image, part, program, promlint, regctl,
    require_root, runner_for, soak_records, static_binary, toxiproxy, trixie_root,
};
pub use python::{cfn_lint, file_server, python};
pub use server::{Server, free_address};
pub use tmpfs::tmpfs;

mod aws;
mod aws_api;
mod awscli;
pub mod cluster;
pub mod http;
mod metadata_mock;
mod moto;
mod nodeadm;
mod parts;
mod python;
pub mod server;
pub mod systemd_socket;
mod tmpfs;
