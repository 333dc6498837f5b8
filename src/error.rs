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
use crate::wait::WaitTimeout;
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
    #[error("the node is not ready for the kubelet")]
    NotReady(#[from] WaitTimeout),
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
    use crate::wait::{WaitReason, WaitTarget};
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
             because: hpc6id.32xlarge has no capacity for pods\n  \
             because: custom networking sets the primary interface aside, and this type has no other\n  \
             help: choose an instance type with more network interfaces, or turn custom networking off (`cni.custom-networking = false`)"
        );
        assert_eq!(error.exit_status(), 78);
    }

    #[test]
    fn a_missing_eniconfig_names_the_command_that_creates_it() {
        let error = Error::from(WaitTimeout {
            target: WaitTarget::EniConfig("us-west-2a".parse().unwrap()),
            limit: Duration::from_mins(10),
            reason: WaitReason::NotFound,
        });
        assert_eq!(
            report(&error),
            "error: the node is not ready for the kubelet\n  \
             because: timed out after 10m waiting for ENIConfig us-west-2a\n  \
             because: not found in the cluster\n  \
             help: create the ENIConfig with a subnet in the node's zone:\n\
             kubectl apply -f - <<'EOF'\n\
             apiVersion: crd.k8s.amazonaws.com/v1alpha1\n\
             kind: ENIConfig\n\
             metadata:\n  name: us-west-2a\n\
             spec:\n  subnet: SUBNET-ID\n  securityGroups:\n    - SECURITY-GROUP-ID\n\
             EOF"
        );
        assert_eq!(error.exit_status(), 75);
    }
}
