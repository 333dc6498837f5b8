//! What a run measures: its phases, requests and waits.

use serde::{Deserialize, Serialize};

/// A part of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Phase {
    pub name: PhaseName,
    pub start_us: u64,
    pub duration_us: u64,
}

impl Phase {
    /// Returns the time of its end.
    #[must_use]
    pub fn end_us(&self) -> u64 {
        self.start_us.saturating_add(self.duration_us)
    }
}

/// What a run does in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    /// Reads the settings, the instance metadata and the files of the image.
    Instance,
    /// Connects to the cluster, and reads the aws-node `DaemonSet` and the subnets of the zone.
    Cluster,
    /// Computes the configuration.
    Plan,
    /// Changes the node.
    Apply,
    /// Compares the configuration with EC2 and with the units.
    Verify,
    /// Waits for the ENIConfig.
    Wait,
}

impl PhaseName {
    /// Returns the name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Cluster => "cluster",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Verify => "verify",
            Self::Wait => "wait",
        }
    }
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Request {
    pub service: Service,
    /// The method and the path without its query, or the action of an AWS API.
    pub operation: String,
    pub start_us: u64,
    /// The time until the header of the response.
    pub duration_us: u64,
    /// The HTTP status, or [`NO_RESPONSE`](Self::NO_RESPONSE).
    pub result: String,
}

impl Request {
    /// The result of a request without a response: it failed, timed out or was cancelled.
    pub const NO_RESPONSE: &str = "no response";

    /// Returns the time of its end.
    #[must_use]
    pub fn end_us(&self) -> u64 {
        self.start_us.saturating_add(self.duration_us)
    }

    /// Returns whether there is no response, or one with an error status other than 404: an item or an object that does
    /// not exist is an answer.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.result.starts_with(['1', '2', '3']) && self.result != "404"
    }
}

/// A service that receives requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// The instance metadata service.
    Imds,
    /// The API server of the cluster.
    Kubernetes,
    Ec2,
    Eks,
    Sts,
    /// The settings API of Bottlerocket.
    Bottlerocket,
}

impl Service {
    /// Every service, in the order of the report.
    pub const ALL: [Self; 6] =
        [Self::Imds, Self::Kubernetes, Self::Ec2, Self::Eks, Self::Sts, Self::Bottlerocket];

    /// Returns the name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Imds => "imds",
            Self::Kubernetes => "kubernetes",
            Self::Ec2 => "ec2",
            Self::Eks => "eks",
            Self::Sts => "sts",
            Self::Bottlerocket => "bottlerocket",
        }
    }
}

/// A state of a wait for an object in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WaitState {
    /// Such as `ENIConfig us-west-2a`.
    pub target: String,
    /// Why the object is not ready, such as `ENIConfig us-west-2a not found`.
    pub reason: String,
    pub start_us: u64,
    pub duration_us: u64,
}
