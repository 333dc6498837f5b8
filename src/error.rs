//! Every way a run can end badly, each with what to do about it.
//!
//! Three sentences, each said once: `Display` says what failed, `source` says why, [`Error::help`]
//! says what to do. [`report`] prints the whole chain.

mod help;
mod status;

pub use status::EXIT_STATUSES;

use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::token::TokenError;
use crate::apply::ApplyError;
use crate::observe::{ClusterError, ObserveError};
use crate::wait::NotReady;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::max_pods::NoCapacity;
use eni_core::domain::proxy::InvalidProxy;
use eni_core::plan::PlanError;
use eni_core::settings::SettingsError;
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
    #[error("the new table lacks {} of the existing table, such as {example}", eni_core::domain::plural::counted(u64::try_from(*.count).unwrap_or(0), "instance type"))]
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
    /// An instance type that is neither in the embedded table nor in the override file.
    #[error("instance type {instance_type} is unknown")]
    UnknownType {
        /// The instance type.
        instance_type: InstanceType,
        /// The known instance type most similar to it.
        nearest: Option<String>,
    },
    /// `max-pods` does not know in which region to call EC2 for an unknown instance type.
    #[error(
        "instance type {instance_type} is not in the embedded table, and no region is set for ec2:DescribeInstanceTypes"
    )]
    NoRegion {
        /// The instance type.
        instance_type: InstanceType,
        /// The known instance type most similar to it.
        nearest: Option<String>,
    },
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
    use crate::wait::{Awaited, Reason};
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
}
