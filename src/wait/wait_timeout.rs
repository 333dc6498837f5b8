//! Why the node is not ready yet, and what to do about it.

use crate::adapter::kubernetes::{AwsNodeError, KubernetesError};
use eni_core::domain::eni_config::EniConfigName;
use eni_core::domain::finding::Finding;
use std::fmt;
use std::time::Duration;

/// What is awaited from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// What the VPC CNI is set to.
    AwsNode,
    /// This ENIConfig.
    EniConfig(EniConfigName),
}

impl fmt::Display for Awaited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwsNode => formatter.write_str("the aws-node DaemonSet"),
            Self::EniConfig(name) => write!(formatter, "ENIConfig {name}"),
        }
    }
}

/// Why the node is not ready yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not asked yet.
    Unknown,
    /// There is no ENIConfig of this name.
    NotThere,
    /// There is one, and it names no subnet.
    NoSubnet,
    /// There is one, and this keeps it from serving the node's pods.
    Unfit(Finding),
    /// The API server did not say.
    Api(KubernetesError),
    /// The API server says something of the DaemonSet that is of no use.
    AwsNode(AwsNodeError),
}

impl From<AwsNodeError> for Reason {
    fn from(error: AwsNodeError) -> Self {
        match error {
            AwsNodeError::Api(error) => Self::Api(error),
            other => Self::AwsNode(other),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("nobody has been asked yet"),
            Self::NotThere => formatter.write_str("it is not there"),
            Self::NoSubnet => formatter.write_str("it is there, but its spec.subnet is empty"),
            Self::Unfit(finding) => write!(formatter, "it is there, but {}", finding.says),
            Self::Api(error) => error.fmt(formatter),
            Self::AwsNode(error) => error.fmt(formatter),
        }
    }
}

/// Not what is needed in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{awaited} was not ready after {}: {reason}", humantime::format_duration(*allowed))]
pub struct NotReady {
    /// What was awaited.
    pub awaited: Awaited,
    /// How long was waited.
    pub allowed: Duration,
    /// The last reason.
    pub reason: Reason,
}

impl NotReady {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> String {
        help(&self.awaited, &self.reason)
    }
}

/// What lets nodes read what they need to.
const RBAC: &str =
    "`kubectl apply -f rbac.yaml`, the file of this package (/usr/share/eni-bootstrap/rbac.yaml)";

/// What to do about `reason`.
pub(super) fn help(awaited: &Awaited, reason: &Reason) -> String {
    let by_hand = match awaited {
        Awaited::AwsNode => ", or set the keys of [cni] by hand and cni.source = \"settings\"",
        Awaited::EniConfig(_) => "",
    };
    match reason {
        Reason::Unknown | Reason::NotThere => {
            let Awaited::EniConfig(name) = awaited else {
                return format!("install the Amazon VPC CNI before the first node{by_hand}");
            };
            format!(
                "create it: `kubectl apply -f - <<< '{{\"apiVersion\":\"crd.k8s.amazonaws.com/v1alpha1\",\"kind\":\"ENIConfig\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{{\"subnet\":\"SUBNET-ID\",\"securityGroups\":[\"SECURITY-GROUP-ID\"]}}}}'`"
            )
        }
        Reason::NoSubnet => format!("name its subnet: `kubectl edit {awaited}`, field spec.subnet")
            .replace("edit ENIConfig", "edit eniconfig"),
        Reason::Unfit(finding) => finding.help.clone().unwrap_or_default(),
        Reason::Api(error) => api_help(awaited, error, by_hand),
        Reason::AwsNode(error) => match error {
            AwsNodeError::ConfigMapForbidden { config_map, .. } => format!(
                "let nodes read it: `kubectl -n kube-system create role eni-bootstrap-{config_map} --verb=get --resource=configmaps --resource-name={config_map}` and `kubectl -n kube-system create rolebinding eni-bootstrap-{config_map} --role=eni-bootstrap-{config_map} --group=system:nodes`{by_hand}"
            ),
            AwsNodeError::ConfigMapLacks { config_map, .. } => {
                format!("create it: `kubectl -n kube-system edit configmap {config_map}`{by_hand}")
            }
            AwsNodeError::NotThere | AwsNodeError::NoContainer => {
                format!("install the Amazon VPC CNI before the first node{by_hand}")
            }
            AwsNodeError::OutOfReach { .. } | AwsNodeError::Api(_) => {
                "set the keys of [cni] by hand and cni.source = \"settings\"".to_owned()
            }
        },
    }
}

fn api_help(awaited: &Awaited, error: &KubernetesError, by_hand: &str) -> String {
    match error {
        KubernetesError::NoResourceType => {
            "install the Amazon VPC CNI, which brings the ENIConfig resource type, before the first node".to_owned()
        }
        KubernetesError::Forbidden(_) => match awaited {
            Awaited::EniConfig(_) => format!("let nodes read ENIConfigs: {RBAC}"),
            Awaited::AwsNode => format!("let nodes read it: {RBAC}{by_hand}"),
        },
        KubernetesError::Unauthorized => {
            "map the node's role in the cluster: an EKS access entry of type EC2_LINUX, or aws-auth; and check the instance's clock".to_owned()
        }
        KubernetesError::Token(_) => "give the instance a role (an instance profile)".to_owned(),
        KubernetesError::Expired
        | KubernetesError::Answered { .. }
        | KubernetesError::Unreachable(_) => {
            "check the cluster's endpoint, that its security group lets this node in, and that its name can be resolved from here".to_owned()
        }
    }
}
