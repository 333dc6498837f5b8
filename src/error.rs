//! Every way a run can end badly, each with what to do about it.
//!
//! `Display` says what failed, `source` says why, [`Advice`] says what to do and which exit code
//! follows. `eni_core::error::report` prints all of it.

use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::eks_token::TokenError;
use crate::apply::ApplyError;
use crate::observe::{ClusterError, ObserveError};
use crate::wait::NotReady;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::max_pods::NoCapacity;
use eni_core::domain::proxy::InvalidProxy;
use eni_core::error::{Advice, ExitCode};
use eni_core::plan::PlanError;
use eni_core::settings::SettingsError;
use std::borrow::Cow;

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

impl Error {
    /// The error that this one wraps, with its own advice.
    fn wrapped(&self) -> Option<&dyn Advice> {
        Some(match self {
            Self::Usage(error) => error,
            Self::Settings(error) => error,
            Self::Observe(error) => error,
            Self::Plan(error) => error,
            Self::Apply(error) => error,
            Self::Disk(error) => error,
            Self::Cluster(error) => error,
            Self::Token(error) => error,
            Self::NotReady(error) => error,
            Self::NoCapacity { source, .. } => source,
            Self::Ec2(error) => error,
            Self::Checks(_) | Self::Shrinks { .. } | Self::Runtime(_) | Self::Output(_) => {
                return None;
            }
        })
    }
}

impl Advice for Error {
    fn help(&self) -> Cow<'static, str> {
        match (self, self.wrapped()) {
            (_, Some(error)) => error.help(),
            (Self::Checks(_), _) => "see what each line that fails says to do".into(),
            (Self::Shrinks { .. }, _) => {
                "check that the region has every type (us-east-1 has); `--force` writes it all the same".into()
            }
            (Self::Runtime(_), _) => "raise the limit of open files (`ulimit -n`)".into(),
            (_, None) => "keep the reading end of the pipe open".into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match (self, self.wrapped()) {
            (_, Some(error)) => error.exit_code(),
            (Self::Checks(_), _) => ExitCode::CheckFailed,
            (Self::Shrinks { .. }, _) => ExitCode::InvalidData,
            (Self::Runtime(_), _) => ExitCode::Unavailable,
            (_, None) => ExitCode::CannotWrite,
        }
    }
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

impl Advice for UsageError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::NoInstanceType => {
                "name one: `eni-bootstrap max-pods --instance-type m5.large`; on the instance itself `--instance-type-from-imds` serves"
            }
            Self::NoSuchType(_) => {
                "`eni-bootstrap limits show` lists every type that is known; quote a pattern: --instance-type 'm7g.*'"
            }
            Self::NoRegion(_) | Self::NoRegionOfCluster => "add `--region us-west-2`",
            Self::NothingToWaitFor => "set cni.custom-networking = true, or leave the wait out",
            Self::NoKubeconfig => {
                "name one: `eni-bootstrap check --zones all --cluster-kubeconfig ~/.kube/config`"
            }
            Self::Proxy(_) => "correct it, or leave it out: `HTTPS_PROXY=` for one command",
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{Awaited, Reason};
    use eni_core::error::report;
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
             caused by: no pod could ever get an address on hpc6id.32xlarge\n  \
             caused by: custom networking sets the primary interface aside, and this type has no other\n  \
             help: choose an instance type with more network interfaces, or turn custom networking off (`cni.custom-networking = false`)"
        );
        assert_eq!(error.exit_code(), ExitCode::Settings);
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
             caused by: ENIConfig us-west-2a was not ready after 10m: it is not there\n  \
             help: create it: `kubectl apply -f - <<< '{\"apiVersion\":\"crd.k8s.amazonaws.com/v1alpha1\",\"kind\":\"ENIConfig\",\"metadata\":{\"name\":\"us-west-2a\"},\"spec\":{\"subnet\":\"SUBNET-ID\",\"securityGroups\":[\"SECURITY-GROUP-ID\"]}}'`"
        );
        assert_eq!(error.exit_code(), ExitCode::TimedOut);
    }
}
