//! The exit status of every bad ending.

use super::Error;
use crate::adapter::Transient as _;
use crate::adapter::aws::AwsError;
use crate::adapter::aws::call::CallError;
use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::eks::EksError;
use crate::adapter::imds::ImdsError;
use crate::adapter::kubernetes::{AwsNodeError, ConnectError, KubernetesError};
use crate::observe::{ClusterError, ObserveError};
use crate::wait::{NotReady, Reason};
use eni_core::error::Advice as _;

// After `sysexits.h`, but for the first.
const CHECKS: u8 = 1;
const USAGE: u8 = 64;
const DATA: u8 = 65;
const UNAVAILABLE: u8 = 69;
const CANNOT_WRITE: u8 = 73;
const NOT_IN_TIME: u8 = 75;
const NOT_PERMITTED: u8 = 77;
const SETTINGS: u8 = 78;

/// Every exit status with its meaning: what `--help` and the README say.
pub const EXIT_STATUSES: [(u8, &str); 9] = [
    (0, "ready: the kubelet may start"),
    (CHECKS, "check found something that does not work"),
    (USAGE, "the command line makes no sense"),
    (DATA, "the machine says something that cannot be"),
    (UNAVAILABLE, "a service that is needed cannot be reached"),
    (CANNOT_WRITE, "a file could not be written; the old one is whole"),
    (NOT_IN_TIME, "the cluster did not have in time what the node needs"),
    (NOT_PERMITTED, "not permitted: RBAC in the cluster, or IAM"),
    (SETTINGS, "the settings are wrong, or do not fit this machine"),
];

impl Error {
    /// The exit status: the type of the error decides it, and nothing else.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Checks(_) => CHECKS,
            Self::Token(_) | Self::Cluster(ClusterError::Connect(ConnectError::Token(_))) => {
                NOT_PERMITTED
            }
            Self::Settings(_)
            | Self::Plan(_)
            | Self::NoCapacity { .. }
            | Self::Disk(DiskError::Row { .. })
            | Self::Cluster(ClusterError::Connect(_)) => SETTINGS,
            Self::Cluster(ClusterError::Eks(error)) => eks_status(error),
            Self::Runtime(_) => UNAVAILABLE,
            Self::Shrinks { .. } => DATA,
            Self::Observe(error) => match error {
                ObserveError::Imds(imds) => imds_status(imds),
                ObserveError::Host(error) => error.exit_code().number(),
                ObserveError::Bottlerocket(error) => error.exit_code().number(),
                ObserveError::Image(error) => error.exit_code().number(),
                ObserveError::Hardware(error) => error.exit_code().number(),
                ObserveError::UserData(_) => DATA,
                ObserveError::Limits { source, .. } => ec2_status(source),
            },
            Self::Ec2(error) => ec2_status(error),
            Self::Apply(error) => error.exit_code().number(),
            Self::Disk(_) | Self::Output(_) => CANNOT_WRITE,
            Self::NotReady(NotReady { reason, .. }) => match reason {
                Reason::Unknown
                | Reason::NotThere
                | Reason::NoSubnet
                | Reason::Unfit(_)
                | Reason::AwsNode(
                    AwsNodeError::NotThere
                    | AwsNodeError::NoContainer
                    | AwsNodeError::ConfigMapLacks { .. }
                    | AwsNodeError::Api(_),
                ) => NOT_IN_TIME,
                Reason::AwsNode(AwsNodeError::ConfigMapForbidden { .. }) => NOT_PERMITTED,
                Reason::AwsNode(AwsNodeError::OutOfReach { .. }) => SETTINGS,
                Reason::Api(error) => match error {
                    KubernetesError::Unauthorized
                    | KubernetesError::Forbidden(_)
                    | KubernetesError::Token(_) => NOT_PERMITTED,
                    KubernetesError::NoResourceType => NOT_IN_TIME,
                    _ => UNAVAILABLE,
                },
            },
        }
    }
}

fn imds_status(error: &ImdsError) -> u8 {
    match error {
        ImdsError::Endpoint { .. } => SETTINGS,
        ImdsError::Disabled { .. } => UNAVAILABLE,
        error if error.is_transient() => UNAVAILABLE,
        _ => DATA,
    }
}

fn ec2_status(error: &Ec2Error) -> u8 {
    match error {
        Ec2Error::Call(error) => call_status(error),
        Ec2Error::UnknownType(_) | Ec2Error::Incomplete { .. } => DATA,
    }
}

fn eks_status(error: &EksError) -> u8 {
    match error {
        EksError::Call(error) => call_status(error),
        EksError::NotReady { .. } => UNAVAILABLE,
        EksError::UnknownCluster { .. } | EksError::Aws(_) => SETTINGS,
    }
}

fn call_status(error: &CallError) -> u8 {
    match error {
        CallError::NotPermitted { .. } | CallError::NoCredentials { .. } => NOT_PERMITTED,
        CallError::Unreachable { .. } => UNAVAILABLE,
        CallError::Aws(AwsError::Endpoint { .. } | AwsError::Proxy(_)) => SETTINGS,
        CallError::Refused { .. } | CallError::Aws(AwsError::Trust(_)) => DATA,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::Awaited;
    use std::time::Duration;

    #[test]
    fn a_wait_in_vain_ends_by_its_last_reason() {
        let status = |reason| {
            let awaited = Awaited::AwsNode;
            Error::from(NotReady { awaited, allowed: Duration::ZERO, reason }).exit_status()
        };
        assert_eq!(status(Reason::NotThere), 75);
        assert_eq!(status(Reason::NoSubnet), 75);
        assert_eq!(status(Reason::Api(KubernetesError::NoResourceType)), 75);
        assert_eq!(status(Reason::Api(KubernetesError::Forbidden(String::new()))), 77);
        assert_eq!(status(Reason::Api(KubernetesError::Unauthorized)), 77);
        assert_eq!(status(Reason::Api(KubernetesError::Token(String::new()))), 77);
        assert_eq!(status(Reason::Api(KubernetesError::Unreachable(String::new()))), 69);
    }
}
