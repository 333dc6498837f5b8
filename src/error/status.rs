//! The exit status of every bad ending.

use super::Error;
use crate::adapter::Transient as _;
use crate::adapter::aws::AwsError;
use crate::adapter::aws::call::CallError;
use crate::adapter::bottlerocket::{BottlerocketError, Request};
use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::eks::EksError;
use crate::adapter::imds::ImdsError;
use crate::adapter::kubernetes::ConnectError;
use crate::apply::ApplyError;
use crate::observe::{ClusterError, ObserveError};
use eni_core::error::Advice as _;
use eni_core::host::HostError;

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
                ObserveError::Host(HostError::NoSettingsApi) => UNAVAILABLE,
                ObserveError::Bottlerocket(error) => bottlerocket_status(error),
                ObserveError::Host(_) | ObserveError::Machine(_) | ObserveError::UserData(_) => {
                    DATA
                }
                ObserveError::Limits { source, .. } => ec2_status(source),
            },
            Self::Ec2(error) => ec2_status(error),
            Self::Apply(ApplyError::Bottlerocket(error)) => bottlerocket_status(error),
            Self::Apply(_) | Self::Disk(_) | Self::Output(_) => CANNOT_WRITE,
            Self::NotReady(error) => error.exit_code().number(),
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

fn bottlerocket_status(error: &BottlerocketError) -> u8 {
    match error {
        BottlerocketError::Unreachable { .. } | BottlerocketError::NotRendered(_) => UNAVAILABLE,
        BottlerocketError::Nonsense { .. } => DATA,
        // A PATCH that fails so is one that cannot be stored.
        BottlerocketError::Refused {
            request: Request::Get | Request::Commit | Request::Apply,
            status,
            ..
        } if status.is_server_error() => UNAVAILABLE,
        BottlerocketError::Refused { .. } => SETTINGS,
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
