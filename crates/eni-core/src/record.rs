//! The record of the last successful run, to which a later boot of the same instance falls back, and
//! the marker of the instance for which the kubelet is configured.

mod age;
mod identity;
mod recorded_cluster;

pub use identity::{Hardware, Identity};

use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::PrimarySubnet;
use crate::domain::eni_config::EniConfigName;
use crate::domain::identifier::InstanceType;
use crate::domain::instance_limits::{InstanceLimits, NamedRow};
use crate::facts::{Facts, ZoneSubnets};
use crate::plan::{ClusterAccess, Plan, access, plan, read_primary_subnet};
use crate::settings::{CniSource, Settings};
use recorded_cluster::RecordedCluster;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The directory of the record and the marker. It survives reboots.
pub const DIRECTORY: &str = "/var/lib/eni-bootstrap";
/// The record of the last successful run.
pub const RECORD: &str = "/var/lib/eni-bootstrap/last-run.json";
/// The record in a bootstrap container of Bottlerocket, in the directory that survives reboots.
pub const BOTTLEROCKET_RECORD: &str =
    "/.bottlerocket/bootstrap-containers/current/eni-bootstrap-last-run.json";
/// The instance for which the kubelet is configured.
pub const MARKER: &str = "/var/lib/eni-bootstrap/configured-for.json";

/// The version of both formats. A file with another version is ignored.
const FORMAT_VERSION: u64 = 1;

/// A file that is not a record or a marker of this version.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRecord {
    /// The file is not JSON, or a field is missing or has the wrong type.
    #[error("the file is invalid")]
    Json(#[from] serde_json::Error),
    /// Another version of eni-bootstrap wrote the file.
    #[error("format version {0} is not supported")]
    FormatVersion(Value),
}

/// The values of the last successful run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunRecord {
    /// When the run succeeded.
    #[serde(with = "age::rfc3339")]
    time: SystemTime,
    /// The version of eni-bootstrap that wrote the record.
    eni_bootstrap_version: String,
    instance: Identity,
    limits: RecordedLimits,
    /// The cluster; `None` if the run did not connect to one.
    cluster: Option<RecordedCluster>,
    /// The variables of the aws-node DaemonSet; `None` with `cni.source = "settings"`.
    aws_node: Option<BTreeMap<String, String>>,
    /// The image of the aws-node DaemonSet. Empty in a record of an earlier version.
    #[serde(default)]
    aws_node_image: String,
    /// Whether a tag excludes the subnet of the node; `None` if max-pods did not depend on it, or if EC2
    /// has never returned the tags. Missing in a record of an earlier version.
    #[serde(default)]
    primary_subnet: Option<PrimarySubnet>,
    /// The ENIConfig; `None` without custom networking.
    eni_config: Option<RecordedEniConfig>,
    /// The number of pods that the kubelet accepts.
    max_pods: u32,
}

/// The limits of the instance type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RecordedLimits {
    /// A row in the format of `kubectl eni limits show`.
    row: String,
    /// Such as `embedded-table`.
    source: Value,
}

/// An ENIConfig that fits the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecordedEniConfig {
    pub name: String,
    pub subnet: String,
    pub security_groups: Vec<String>,
}

/// The values of a successful run for the record.
#[derive(Debug)]
pub struct SuccessfulRun<'a> {
    pub facts: &'a Facts,
    pub hardware: Hardware,
    pub cluster: Option<&'a ClusterAccess>,
    pub aws_node: Option<&'a AwsNode>,
    pub plan: &'a Plan,
    /// The subnet and the security groups of the plan's ENIConfig.
    pub eni_config: Option<RecordedEniConfig>,
}

impl RunRecord {
    /// Returns the record of a run that succeeded at `time`.
    #[must_use]
    pub fn new(run: SuccessfulRun<'_>, time: SystemTime) -> Self {
        let SuccessfulRun { facts, hardware, cluster, aws_node, plan, eni_config } = run;
        let name = facts.instance.instance_type.to_string();
        Self {
            time,
            eni_bootstrap_version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: Identity::new(&facts.instance, hardware),
            limits: RecordedLimits {
                row: NamedRow(name, facts.limits.row()).to_string(),
                source: serde_json::json!(facts.limits_source),
            },
            cluster: cluster.and_then(RecordedCluster::new),
            aws_node: aws_node.map(|aws_node| aws_node.variables.clone()),
            aws_node_image: aws_node.map(|it| it.image.clone()).unwrap_or_default(),
            primary_subnet: match facts.zone_subnets {
                // EC2 did not return the tags, so the previous record remains the source.
                ZoneSubnets::Recorded(recorded) => Some(recorded),
                _ => aws_node
                    .and_then(|aws_node| read_primary_subnet(facts, &plan.cni.config, aws_node)),
            },
            eni_config,
            max_pods: plan.max_pods_in_force(),
        }
    }

    /// Parses a record.
    pub fn parse(text: &str) -> Result<Self, InvalidRecord> {
        Ok(serde_json::from_value(versioned(text)?)?)
    }

    /// Returns the text of the record.
    pub fn to_text(&self) -> Result<String, InvalidRecord> {
        with_version(self)
    }

    /// Returns the instance that wrote the record.
    #[must_use]
    pub fn instance(&self) -> &Identity {
        &self.instance
    }

    /// Returns how long ago the run succeeded, such as `3d 4h ago`.
    #[must_use]
    pub fn age(&self, now: SystemTime) -> String {
        age::text(self.time, now)
    }

    /// Returns the limits of `instance_type`; `None` if the record is of another type.
    #[must_use]
    pub fn limits(&self, instance_type: &InstanceType) -> Option<InstanceLimits> {
        let NamedRow(name, row) = self.limits.row.parse().ok()?;
        (name == instance_type.as_str()).then(|| InstanceLimits::new(instance_type, row))
    }

    /// Returns the cluster; `None` without one, or with a kubeconfig.
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterAccess> {
        self.cluster.clone()?.access()
    }

    /// Returns the configuration of the CNI.
    #[must_use]
    pub fn aws_node(&self) -> Option<AwsNode> {
        let variables = self.aws_node.as_ref()?;
        Some(AwsNode { is_recorded: true, ..AwsNode::read(variables, &self.aws_node_image) })
    }

    /// Returns whether a tag excludes the subnet of the node; `None` if the run did not read it.
    #[must_use]
    pub fn primary_subnet(&self) -> Option<PrimarySubnet> {
        self.primary_subnet
    }

    /// Returns the ENIConfig if it has this name.
    #[must_use]
    pub fn eni_config(&self, name: &EniConfigName) -> Option<&RecordedEniConfig> {
        self.eni_config.as_ref().filter(|it| it.name == name.as_str())
    }

    /// Returns why the record does not contain what this node needs now; `None` if it does.
    #[must_use]
    pub fn mismatch(&self, facts: &Facts, settings: &Settings) -> Option<String> {
        let aws_node = match settings.cni.source() {
            CniSource::Settings => None,
            CniSource::Cluster => match self.aws_node() {
                None => return Some("it does not contain the CNI configuration".to_owned()),
                aws_node => aws_node,
            },
        };
        if let (Ok(access), Some(cluster)) = (access(facts, settings), &self.cluster)
            && !cluster.is_reached_by(&access)
        {
            return Some("it belongs to another cluster".to_owned());
        }
        // `run` reports this error itself.
        let plan = plan(facts, settings, aws_node.as_ref()).ok()?;
        let recorded = self.eni_config.as_ref().map(|it| it.name.as_str());
        let name = plan.wait.as_ref().map(EniConfigName::as_str);
        (name != recorded).then(|| match name {
            Some(name) => format!("it does not contain ENIConfig {name}"),
            None => "it is from a run with custom networking".to_owned(),
        })
    }
}

/// Parses JSON whose `format-version` is the current one.
fn versioned(text: &str) -> Result<Value, InvalidRecord> {
    let value: Value = serde_json::from_str(text)?;
    match value.get("format-version") {
        Some(version) if *version == FORMAT_VERSION => Ok(value),
        version => Err(InvalidRecord::FormatVersion(version.cloned().unwrap_or_default())),
    }
}

/// Returns `value` as indented JSON with `format-version` and a final newline.
fn with_version(value: &impl Serialize) -> Result<String, InvalidRecord> {
    let mut value = serde_json::to_value(value)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("format-version".to_owned(), FORMAT_VERSION.into());
    }
    Ok(format!("{value:#}\n"))
}

#[cfg(test)]
mod tests;
