//! Checks whether an existing ENIConfig fits this node: its subnet and security groups in EC2, and the
//! other objects in the cluster that affect which ENIConfig the CNI uses.
//!
//! A failed request skips its checks and reports why. Only a definite mismatch blocks kubelet startup.

mod free_addresses;
mod node_subnet;
mod pod_addresses;
mod pod_subnets;
mod registered_node;
mod security_groups;
mod subnet;
mod subnet_exclusion;

pub use free_addresses::AddressDemand;
use free_addresses::free_prefixes;
pub(crate) use pod_addresses::is_full;
pub(crate) use pod_subnets::{PodSubnets, check_pod_subnets};
pub use subnet_exclusion::SubnetExclusion;

use crate::adapter::Deadline;
use crate::adapter::aws::call::CallError;
use crate::adapter::ec2::Ec2;
use crate::adapter::kubernetes::{ApiServer, EniConfig, KnownNode, KubernetesError};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::{FALLBACK, default_exists};
use eni_core::facts::Instance;
use eni_core::failure::{Advice, one_line};
use std::time::Duration;
use tokio::join;

/// The time limit of one EC2 request with its retries, so that a cluster without access to EC2 is not delayed.
/// The SDK connects up to 3 times, for 3.1 seconds each time with random pauses between. The limit ends before
/// these attempts, so that the message does not depend on the pauses.
const REQUEST: Duration = Duration::from_secs(8);

/// The location of a node, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeLocation {
    pub zone: Option<String>,
    /// The zone ID, which is the same in every AWS account, unlike the zone name.
    pub zone_id: Option<String>,
    /// The VPC of the primary network interface.
    pub vpc: Option<String>,
    pub region: String,
}

/// The requirements of a node on the subnet in its ENIConfig.
#[derive(Clone, Debug)]
pub struct SubnetRequirements {
    /// The location of the node, which the subnet must match.
    pub location: NodeLocation,
    /// Whether the location is the one of this node, or the one that the ENIConfig is for.
    pub is_this_node: bool,
    pub eni_config: String,
    /// The addresses that the pods of a full node use.
    pub demand: AddressDemand,
    /// Whether the CNI assigns the addresses as `/28` prefixes.
    pub prefixes: bool,
    /// Security groups for pods: the node has a trunk network interface.
    pub pod_eni: bool,
    /// Which tags exclude the subnet from pods.
    pub exclusion: SubnetExclusion,
}

/// The objects in the cluster that are checked besides the ENIConfig. Their problems are warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClusterObjects {
    /// At the first boot: none, because the node has not registered.
    None,
    /// At a later boot: the Node object from an earlier registration.
    Node,
    /// For `check`: also an ENIConfig named `default`.
    All,
}

/// Checks the ENIConfig of this node. Without a client, `ec2` contains the reason for the skipped checks.
///
/// A subnet without a free address does not block a node that already has pod addresses: its network
/// interfaces stay attached across reboots, and the CNI needs no new one to start.
pub(crate) async fn for_node(
    requirements: &SubnetRequirements,
    instance: &Instance,
    eni_config: &EniConfig,
    ec2: Result<&Ec2, &str>,
    (api, aws_node, objects): (&ApiServer, Option<&AwsNode>, ClusterObjects),
) -> Vec<Diagnostic> {
    let (mut diagnostics, (cluster_diagnostics, node)) = join!(
        Box::pin(with_ec2(requirements, eni_config, ec2)),
        Box::pin(with_cluster(requirements, api, aws_node, objects))
    );
    diagnostics.extend(cluster_diagnostics);
    let (subnet, pod_eni) = (&eni_config.subnet, requirements.pod_eni);
    diagnostics.extend(node_subnet::check(instance, subnet, pod_eni, aws_node));
    if !diagnostics.iter().any(pod_addresses::is_shortage) {
        return diagnostics;
    }
    match existing_addresses(instance, &eni_config.subnet, api, node).await {
        Ok(Some(reason)) => {
            let shortages = diagnostics.iter_mut().filter(|it| pod_addresses::is_shortage(it));
            shortages.for_each(|diagnostic| pod_addresses::tolerate(diagnostic, &reason));
        }
        Ok(None) => {}
        Err(error) => {
            diagnostics.push(Diagnostic::skipped(Code::NodeNotChecked, one_line(&error), None));
        }
    }
    diagnostics
}

/// Returns why the CNI of this node needs no new address from `subnet`; `None` if it needs one.
async fn existing_addresses(
    instance: &Instance,
    subnet: &str,
    api: &ApiServer,
    node: NodeObject,
) -> Result<Option<String>, KubernetesError> {
    let of_interfaces =
        pod_addresses::of_interfaces(instance.interfaces.as_deref().unwrap_or_default(), subnet);
    if of_interfaces.is_some() {
        return Ok(of_interfaces);
    }
    let node = match node {
        NodeObject::Read(node) => node,
        NodeObject::NotRead => api.known_node().await?,
    };
    match node.filter(|node| pod_addresses::is_of_instance(node, &instance.instance_id)) {
        Some(node) => Ok(pod_addresses::of_pods(api.pods_with_addresses(&node.name).await?)),
        None => Ok(None),
    }
}

/// Checks the subnet and the security groups of an ENIConfig. Without a client, `ec2` contains the reason
/// for the skipped checks.
pub async fn with_ec2(
    requirements: &SubnetRequirements,
    eni_config: &EniConfig,
    ec2: Result<&Ec2, &str>,
) -> Vec<Diagnostic> {
    let ec2 = match ec2 {
        Ok(ec2) => ec2,
        Err(reason) => {
            let skipped = |code| Diagnostic::skipped(code, reason, None);
            return vec![skipped(Code::SubnetNotChecked), skipped(Code::SecurityGroupsNotChecked)];
        }
    };
    let deadline = Deadline::after(REQUEST);
    let subnet_ids = [eni_config.subnet.clone()];
    let group_ids = &eni_config.security_groups;
    let (subnets, groups) = join!(ec2.subnets(&subnet_ids, deadline), async {
        if group_ids.is_empty() {
            return Ok(Vec::new());
        }
        ec2.security_groups(group_ids, deadline).await
    });
    let mut diagnostics = Vec::new();
    let subnet = match subnets {
        Err(error) => {
            diagnostics.push(skipped(Code::SubnetNotChecked, &error));
            None
        }
        Ok(subnets) => {
            let subnet = subnets.into_iter().next();
            diagnostics.push(subnet::check(requirements, &eni_config.subnet, subnet.as_ref()));
            diagnostics.extend(subnet.as_ref().and_then(|it| subnet::check_tags(requirements, it)));
            subnet
        }
    };
    if let Some(subnet) = &subnet
        && requirements.prefixes
        && !diagnostics.iter().any(Diagnostic::is_failure)
    {
        let deadline = Deadline::after(REQUEST);
        diagnostics.extend(free_prefixes(&[subnet], requirements.demand, ec2, deadline).await);
    }
    diagnostics.push(match groups {
        Ok(groups) => {
            let vpc = subnet.as_ref().map(|subnet| subnet.vpc.as_str());
            security_groups::check(requirements, group_ids, &groups, vpc)
        }
        Err(error) => skipped(Code::SecurityGroupsNotChecked, &error),
    });
    diagnostics
}

/// The Node object of this node.
enum NodeObject {
    NotRead,
    /// `None` if it does not exist, or if it cannot be read, which is a diagnostic.
    Read(Option<KnownNode>),
}

/// Checks the objects in the cluster that can make the CNI use another ENIConfig: an ENIConfig named
/// `default`, and a Node object from an earlier registration. Also returns that object.
async fn with_cluster(
    requirements: &SubnetRequirements,
    api: &ApiServer,
    aws_node: Option<&AwsNode>,
    objects: ClusterObjects,
) -> (Vec<Diagnostic>, NodeObject) {
    let mut diagnostics = Vec::new();
    if objects == ClusterObjects::None {
        return (diagnostics, NodeObject::NotRead);
    }
    let default = async {
        match objects {
            ClusterObjects::All => Some(api.eni_config(FALLBACK).await),
            _ => None,
        }
    };
    let (default, node) = join!(default, api.known_node());
    match default {
        Some(Ok(Some(_))) if requirements.eni_config != FALLBACK => {
            diagnostics.push(default_exists());
        }
        Some(Err(error)) => {
            let code = Code::EniConfigDefaultNotChecked;
            diagnostics.push(Diagnostic::skipped(code, one_line(&error), None));
        }
        Some(Ok(_)) | None => {}
    }
    let node = node.unwrap_or_else(|error| {
        diagnostics.push(Diagnostic::skipped(Code::NodeNotChecked, one_line(&error), None));
        None
    });
    if let Some(node) = &node {
        diagnostics.extend(registered_node::check(&requirements.eni_config, node, aws_node));
    }
    (diagnostics, NodeObject::Read(node))
}

fn skipped(code: Code, error: &CallError) -> Diagnostic {
    Diagnostic::skipped(code, one_line(error), Some(error.help().into_owned()))
}
