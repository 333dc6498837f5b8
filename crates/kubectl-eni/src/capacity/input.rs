//! Reads what the prediction depends on from the API server and from EC2.

mod nodes;
mod pod_subnets;
mod usage;

use super::demand::{NodeType, VARIABLES};
use super::error::CapacityError;
use super::ipamd::WarmTargets;
use super::predict::{Input, ZoneInput};
use crate::cluster::Cluster;
use crate::error::Error;
use eni_bootstrap::adapter::ec2::{Ec2, Ec2Error};
use eni_bootstrap::adapter::kubernetes::ApiServer;
use eni_bootstrap::adapter::{Context, Deadline};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::{Addressing, IpFamily};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::InstanceLimits;
use eni_core::facts::Subnet;
use eni_core::failure::one_line;
use ipnet::Ipv4Net;
use nodes::Nodes;
use pod_subnets::PodSubnets;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The time limit of all requests to EC2.
const TIME: Duration = Duration::from_mins(5);
/// The time limit of the requests for instance types, a part of [`TIME`]. The rest is left for the subnets.
const TYPES_TIME: Duration = Duration::from_secs(30);

/// Reads the cluster. `types` are the instance types of the prediction; those of the running nodes if empty.
pub(super) async fn read(
    cluster: &Cluster,
    context: &Context,
    types: &[InstanceType],
) -> Result<Input, Error> {
    let region = cluster.region()?;
    let deadline = Deadline::after(TIME);
    let api = ApiServer::with_client(cluster.client.clone());
    let cni = api.cluster_cni(&VARIABLES).await.map_err(CapacityError::AwsNode)?;
    let (mut aws_node, environment) = (cni.aws_node, cni.environment);
    check_ipv4(&aws_node)?;
    let nodes = nodes::nodes(&cluster.client, &cni.node_selector, &aws_node).await?;
    let ec2 = Ec2::new(context, region).await.map_err(CapacityError::Ec2)?;
    let reader = Reader { ec2, context, deadline };
    let (found, vpc_subnets) = if aws_node.cni.custom_networking {
        reader.of_eni_configs(&api, &nodes, &aws_node).await?
    } else {
        reader.of_nodes(&nodes, &aws_node, region.as_str()).await?
    };
    let targets = WarmTargets::of(&aws_node, &environment);
    let mut input = Input {
        cluster: cluster.identity.name.clone(),
        region: region.to_string(),
        cni: settings(&aws_node, targets),
        diagnostics: std::mem::take(&mut aws_node.diagnostics),
        custom_networking: aws_node.cni.custom_networking,
        discovers: pod_subnets::discovers(&aws_node),
        types: BTreeMap::new(),
        selected: Vec::new(),
        zones: zones(&nodes, &found),
        vpc: found.subnets.first().map(|it| it.subnet.vpc.clone()).map(|id| (id, vpc_subnets)),
        ignored_nodes: nodes.ignored,
        skipped: nodes.skipped().into_iter().chain(found.skipped).collect(),
        notes: found.notes,
    };
    reader.read_types(&mut input, &nodes, types, &aws_node, targets).await;
    for subnet in found.subnets {
        reader.read_subnet(&mut input, subnet).await;
    }
    Ok(input)
}

/// Returns the zones with nodes or pod subnets, still without the subnets.
fn zones(nodes: &Nodes, found: &PodSubnets) -> Vec<ZoneInput> {
    let of_nodes = nodes.all.iter().map(|node| node.zone.as_str());
    let names = of_nodes.chain(found.subnets.iter().map(|it| it.subnet.zone.as_str()));
    let names: BTreeSet<&str> = names.collect();
    let zone = |name: &str| ZoneInput {
        name: name.to_owned(),
        nodes: nodes.types_in(name),
        subnets: Vec::new(),
        has_unknown_subnet: false,
    };
    names.into_iter().map(zone).collect()
}

/// Returns an error if the CNI takes no IPv4 addresses for pods.
fn check_ipv4(aws_node: &AwsNode) -> Result<(), CapacityError> {
    let cni = &aws_node.cni;
    if cni.ip_family == IpFamily::Ipv6 {
        Err(CapacityError::NoIpv4("ENABLE_IPv6"))
    } else if cni.disable_provisioning {
        Err(CapacityError::NoIpv4("DISABLE_NETWORK_RESOURCE_PROVISIONING"))
    } else if cni.uses_attached_only() {
        Err(CapacityError::NoIpv4("ENABLE_IMDS_ONLY_MODE"))
    } else {
        Ok(())
    }
}

/// Returns the settings of the CNI and the warm targets in force.
fn settings(aws_node: &AwsNode, targets: WarmTargets) -> String {
    let is_prefix = aws_node.cni.addressing == Addressing::Prefixes;
    let warm = match (targets.addresses + targets.minimum, is_prefix) {
        (1.., _) => String::new(), // part of the settings
        (0, true) => format!(", WARM_PREFIX_TARGET {}", targets.prefixes),
        (0, false) => format!(", WARM_ENI_TARGET {}", targets.interfaces),
    };
    format!("{}{warm}", aws_node.cni)
}

/// The client of EC2.
struct Reader<'a> {
    ec2: Ec2,
    context: &'a Context,
    deadline: Deadline,
}

impl Reader<'_> {
    async fn of_eni_configs(
        &self,
        api: &ApiServer,
        nodes: &Nodes,
        aws_node: &AwsNode,
    ) -> Result<(PodSubnets, Vec<Ipv4Net>), Error> {
        let configs = api.eni_configs().await.map_err(CapacityError::EniConfigs)?;
        let ids: BTreeMap<String, String> =
            configs.into_iter().map(|(name, config)| (name, config.subnet)).collect();
        let used: BTreeSet<&String> = ids.values().filter(|id| !id.is_empty()).collect();
        let used: Vec<String> = used.into_iter().cloned().collect();
        let subnets = if used.is_empty() {
            Vec::new()
        } else {
            self.ec2.subnets(&used, self.deadline).await.map_err(call)?
        };
        let vpc = match subnets.first() {
            Some(subnet) => self.vpc_subnets(&subnet.vpc).await?,
            None => Vec::new(),
        };
        Ok((pod_subnets::of_eni_configs(&ids, subnets, nodes, aws_node), ranges(&vpc)))
    }

    async fn of_nodes(
        &self,
        nodes: &Nodes,
        aws_node: &AwsNode,
        region: &str,
    ) -> Result<(PodSubnets, Vec<Ipv4Net>), Error> {
        let instance = nodes.all.iter().find_map(|node| node.instance.as_deref());
        let instance = instance.ok_or(CapacityError::NoNodes)?;
        let vpc = self.ec2.vpc_of_instance(instance, self.deadline).await.map_err(call)?;
        let vpc = vpc.ok_or_else(|| CapacityError::UnknownInstance {
            instance: instance.to_owned(),
            region: region.to_owned(),
        })?;
        let subnets = self.vpc_subnets(&vpc).await?;
        Ok((pod_subnets::of_nodes(nodes, &subnets, aws_node), ranges(&subnets)))
    }

    async fn vpc_subnets(&self, vpc: &str) -> Result<Vec<Subnet>, Error> {
        Ok(self.ec2.subnets_in_vpc(vpc, self.deadline).await.map_err(call)?)
    }

    /// Reads the limits of the instance types.
    async fn read_types(
        &self,
        input: &mut Input,
        nodes: &Nodes,
        types: &[InstanceType],
        aws_node: &AwsNode,
        targets: WarmTargets,
    ) {
        let running: BTreeSet<&str> =
            nodes.all.iter().map(|node| node.instance_type.as_str()).collect();
        let given: Vec<&str> = types.iter().map(InstanceType::as_str).collect();
        let selected = if given.is_empty() { running.iter().copied().collect() } else { given };
        let all: BTreeSet<&str> = running.into_iter().chain(selected.iter().copied()).collect();
        let deadline = Deadline::after(TYPES_TIME);
        for name in all {
            let node_type = match self.limits(name, deadline).await {
                Ok(limits) => NodeType::new(name, &limits, aws_node, targets),
                Err(reason) => Err(format!("{name}: {reason}")),
            };
            match node_type {
                Ok(node_type) => drop(input.types.insert(name.to_owned(), node_type)),
                Err(reason) => input.skipped.push(reason),
            }
        }
        let mut selected: Vec<String> = selected.into_iter().map(str::to_owned).collect();
        selected.retain(|name| input.types.contains_key(name));
        input.selected = selected;
        if input.selected.is_empty() && input.skipped.is_empty() {
            input.skipped.push("no instance type: no node runs, and no --instance-type".to_owned());
        }
    }

    /// Returns the limits of an instance type from the embedded table, or else from EC2.
    async fn limits(&self, name: &str, deadline: Deadline) -> Result<InstanceLimits, String> {
        let instance_type: InstanceType = name.parse().map_err(|error| one_line(&error))?;
        if let Some((limits, _)) = self.context.table.find(&instance_type) {
            return Ok(limits);
        }
        let limits = self.ec2.limits(&instance_type, deadline).await;
        limits.map_err(|error| one_line(&error))
    }
}

fn ranges(subnets: &[Subnet]) -> Vec<Ipv4Net> {
    subnets.iter().filter_map(|subnet| subnet.cidr).collect()
}

fn call(error: impl Into<Ec2Error>) -> CapacityError {
    CapacityError::Ec2(error.into())
}

#[cfg(test)]
mod tests;
