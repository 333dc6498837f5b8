//! Every way a run can end badly, each with what to do about it.
//!
//! Three sentences, each said once: `Display` says what failed, `source` says why, [`Error::help`]
//! says what to do. [`report`] prints the whole chain.

mod help;

use crate::adapter::Transient as _;
use crate::adapter::aws::AwsError;
use crate::adapter::aws::call::CallError;
use crate::adapter::bottlerocket::{BottlerocketError, Request};
use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::eks::EksError;
use crate::adapter::imds::ImdsError;
use crate::adapter::kubernetes::{AwsNodeError, ConnectError, KubernetesError};
use crate::adapter::token::TokenError;
use crate::apply::ApplyError;
use crate::domain::identifier::InstanceType;
use crate::domain::max_pods::NoCapacity;
use crate::domain::proxy::InvalidProxy;
use crate::host::HostError;
use crate::observe::{ClusterError, ObserveError};
use crate::plan::PlanError;
use crate::settings::SettingsError;
use crate::wait::{NotReady, Reason};
use std::fmt::Write as _;

/// A command that did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line makes no sense.
    #[error("the command line cannot be used")]
    Usage(#[source] UsageError),
    /// The settings are wrong; trying again cannot help.
    #[error("the settings cannot be used")]
    Settings(#[from] SettingsError),
    /// The machine would not say what it is.
    #[error("this machine could not be identified")]
    Observe(#[from] ObserveError),
    /// Facts and settings contradict each other.
    #[error("no plan fits this machine")]
    Plan(#[from] PlanError),
    /// The plan is good but could not be carried out.
    #[error("the node could not be configured")]
    Apply(#[from] ApplyError),
    /// The disk would not do what it should.
    #[error("a file could not be used")]
    Disk(#[from] DiskError),
    /// The API server cannot even be asked.
    #[error("the cluster could not be asked")]
    Cluster(#[from] ClusterError),
    /// No token can be made.
    #[error("no token could be made")]
    Token(#[from] TokenError),
    /// A check found something that does not work.
    #[error("{0}")]
    Checks(String),
    /// The cluster did not say what is needed in time.
    #[error("the kubelet must not start yet")]
    NotReady(#[from] NotReady),
    /// No pod count exists.
    #[error("no pod count can be given for {instance_type}")]
    NoCapacity {
        /// The type.
        instance_type: String,
        /// Why not.
        source: NoCapacity,
    },
    /// The table of instance types could not be made.
    #[error("the table of instance types could not be made")]
    Ec2(#[from] Ec2Error),
    /// A new table that lacks types which the old one had.
    #[error("the new table lacks {count} types that the old one has, such as {example}")]
    Shrinks {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// The operating system gives no event loop.
    #[error("no event loop could be started")]
    Runtime(#[source] std::io::Error),
    /// Nobody reads our output.
    #[error("the result could not be printed")]
    Output(#[source] std::io::Error),
}

/// A command line that parses and still makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// Nothing says which type is meant.
    #[error("no instance type is named")]
    NoInstanceType,
    /// A pattern that is none, or a name that is no type's.
    #[error("{0}")]
    NoSuchType(String),
    /// EC2 must be asked, and nothing says in which region.
    #[error("the embedded table has no {0}, and no region is named in which to ask EC2")]
    NoRegion(InstanceType),
    /// There is nothing to wait for.
    #[error("there is no ENIConfig to wait for: custom networking is off")]
    NothingToWaitFor,
    /// A whole cluster is to be checked, and nothing says which.
    #[error("--zones needs a kubeconfig: this machine need not be a node of the cluster")]
    NoKubeconfig,
    /// A proxy that is none.
    #[error("HTTPS_PROXY or --https-proxy cannot be used")]
    Proxy(#[source] InvalidProxy),
    /// Nothing says in which region the cluster is.
    #[error("no region is named, in which the cluster is")]
    NoRegionOfCluster,
}

/// Exit statuses, after `sysexits.h`.
mod status {
    pub const CHECKS: u8 = 1;
    pub const USAGE: u8 = 64;
    pub const DATA: u8 = 65;
    pub const UNAVAILABLE: u8 = 69;
    pub const CANNOT_WRITE: u8 = 73;
    pub const NOT_IN_TIME: u8 = 75;
    pub const NOT_PERMITTED: u8 = 77;
    pub const SETTINGS: u8 = 78;
}

/// Every exit status with its meaning: what `--help` and the README say.
pub const EXIT_STATUSES: [(u8, &str); 9] = [
    (0, "ready: the kubelet may start"),
    (status::CHECKS, "check found something that does not work"),
    (status::USAGE, "the command line makes no sense"),
    (status::DATA, "the machine says something that cannot be"),
    (status::UNAVAILABLE, "a service that is needed cannot be reached"),
    (status::CANNOT_WRITE, "a file could not be written; the old one is whole"),
    (status::NOT_IN_TIME, "the cluster did not have in time what the node needs"),
    (status::NOT_PERMITTED, "not permitted: RBAC in the cluster, or IAM"),
    (status::SETTINGS, "the settings are wrong, or do not fit this machine"),
];

impl Error {
    /// The exit status: the type of the error decides it, and nothing else.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) => status::USAGE,
            Self::Checks(_) => status::CHECKS,
            Self::Token(_) | Self::Cluster(ClusterError::Connect(ConnectError::Token(_))) => {
                status::NOT_PERMITTED
            }
            Self::Settings(_)
            | Self::Plan(_)
            | Self::NoCapacity { .. }
            | Self::Disk(DiskError::Row { .. })
            | Self::Cluster(ClusterError::Connect(_)) => status::SETTINGS,
            Self::Cluster(ClusterError::Eks(error)) => eks_status(error),
            Self::Runtime(_) => status::UNAVAILABLE,
            Self::Shrinks { .. } => status::DATA,
            Self::Observe(error) => match error {
                ObserveError::Imds(imds) => imds_status(imds),
                ObserveError::Host(HostError::NoSettingsApi) => status::UNAVAILABLE,
                ObserveError::Bottlerocket(error) => bottlerocket_status(error),
                ObserveError::Host(_) | ObserveError::Machine(_) | ObserveError::UserData(_) => {
                    status::DATA
                }
                ObserveError::Limits { source, .. } => ec2_status(source),
            },
            Self::Ec2(error) => ec2_status(error),
            Self::Apply(ApplyError::Bottlerocket(error)) => bottlerocket_status(error),
            Self::Apply(_) | Self::Disk(_) | Self::Output(_) => status::CANNOT_WRITE,
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
                ) => status::NOT_IN_TIME,
                Reason::AwsNode(AwsNodeError::ConfigMapForbidden { .. }) => status::NOT_PERMITTED,
                Reason::AwsNode(AwsNodeError::OutOfReach { .. }) => status::SETTINGS,
                Reason::Api(error) => match error {
                    KubernetesError::Unauthorized
                    | KubernetesError::Forbidden(_)
                    | KubernetesError::Token(_) => status::NOT_PERMITTED,
                    KubernetesError::NoResourceType => status::NOT_IN_TIME,
                    _ => status::UNAVAILABLE,
                },
            },
        }
    }
}

fn imds_status(error: &ImdsError) -> u8 {
    match error {
        ImdsError::Endpoint { .. } => status::SETTINGS,
        ImdsError::Disabled { .. } => status::UNAVAILABLE,
        error if error.is_transient() => status::UNAVAILABLE,
        _ => status::DATA,
    }
}

fn bottlerocket_status(error: &BottlerocketError) -> u8 {
    match error {
        BottlerocketError::Unreachable { .. } | BottlerocketError::NotRendered(_) => {
            status::UNAVAILABLE
        }
        BottlerocketError::Nonsense { .. } => status::DATA,
        // The applier: a PATCH that fails so is one that cannot be stored.
        BottlerocketError::Refused {
            request: Request::Commit | Request::Apply, status, ..
        } if status.is_server_error() => status::UNAVAILABLE,
        BottlerocketError::Refused { .. } => status::SETTINGS,
    }
}

fn ec2_status(error: &Ec2Error) -> u8 {
    match error {
        Ec2Error::Call(error) => call_status(error),
        Ec2Error::UnknownType(_) | Ec2Error::Incomplete { .. } => status::DATA,
    }
}

fn eks_status(error: &EksError) -> u8 {
    match error {
        EksError::Call(error) => call_status(error),
        EksError::NotReady { .. } => status::UNAVAILABLE,
        EksError::UnknownCluster { .. } | EksError::Aws(_) => status::SETTINGS,
    }
}

fn call_status(error: &CallError) -> u8 {
    match error {
        CallError::NotPermitted { .. } | CallError::NoCredentials { .. } => status::NOT_PERMITTED,
        CallError::Unreachable { .. } => status::UNAVAILABLE,
        CallError::Aws(AwsError::Endpoint { .. } | AwsError::Proxy(_)) => status::SETTINGS,
        CallError::Refused { .. } | CallError::Aws(AwsError::Trust(_)) => status::DATA,
    }
}

/// The whole story for the journal: what, why, and what to do.
#[must_use]
pub fn report(error: &Error) -> String {
    let mut text = format!("error: {error}\n");
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(why) = cause {
        let why_text = why.to_string();
        // A transparent error and some libraries say the same as their source.
        if !said.ends_with(&why_text) {
            let _ = writeln!(text, "  because: {why_text}");
        }
        said = why_text;
        cause = why.source();
    }
    let _ = write!(text, "  help: {}", error.help());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::Awaited;
    use std::time::Duration;

    #[test]
    fn a_report_says_what_why_and_what_to_do_once_each() {
        let error = Error::from(PlanError::NoCapacity {
            instance_type: "hpc6id.32xlarge".to_owned(),
            source: NoCapacity::OnlyThePrimaryInterface,
        });
        assert_eq!(
            report(&error),
            "error: no plan fits this machine\n  \
             because: no pod could ever get an address on hpc6id.32xlarge\n  \
             because: custom networking sets the primary interface aside, and this type has no other\n  \
             help: choose an instance type with more network interfaces, or turn custom networking off (`cni.custom-networking = false`)"
        );
        assert_eq!(error.exit_status(), 78);
    }

    #[test]
    fn a_missing_eniconfig_names_the_command_that_makes_it() {
        let error = Error::from(NotReady {
            awaited: Awaited::EniConfig("us-west-2a".parse().unwrap()),
            allowed: Duration::from_mins(10),
            reason: Reason::NotThere,
        });
        assert_eq!(
            report(&error),
            "error: the kubelet must not start yet\n  \
             because: ENIConfig us-west-2a was not ready after 10m: it is not there\n  \
             help: create it: `kubectl apply -f - <<< '{\"apiVersion\":\"crd.k8s.amazonaws.com/v1alpha1\",\"kind\":\"ENIConfig\",\"metadata\":{\"name\":\"us-west-2a\"},\"spec\":{\"subnet\":\"SUBNET-ID\",\"securityGroups\":[\"SECURITY-GROUP-ID\"]}}'`"
        );
        assert_eq!(error.exit_status(), 75);
    }

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
