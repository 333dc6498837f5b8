//! The addresses that a node of an instance type takes, from its limits and the settings of the CNI.

use super::ipamd::{NodeLimits, WarmTargets, slots_of_full_node};
use super::pool::Interface;
use super::zone::{Demand, NodeDemand};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::capacity::{Capacity, CapacityOptions, NodeNetwork, PrimarySubnet};
use eni_core::domain::instance_limits::InstanceLimits;
use std::collections::BTreeMap;

/// Network interfaces in addition to the primary one, for free addresses.
const WARM_ENI_TARGET: &str = "WARM_ENI_TARGET";
/// Prefixes without a pod.
const WARM_PREFIX_TARGET: &str = "WARM_PREFIX_TARGET";
/// The variables that this module reads in addition to those of [`AwsNode`].
pub(super) const VARIABLES: [&str; 1] = [WARM_ENI_TARGET];

impl WarmTargets {
    /// Returns the targets in the environment of aws-node. ipamd uses its default for a negative or invalid
    /// number.
    ///
    /// Source: `getWarmENITarget` and `getWarmPrefixTarget`, `pkg/ipamd/ipamd.go`,
    /// aws/amazon-vpc-cni-k8s.
    pub(super) fn of(aws_node: &AwsNode, environment: &BTreeMap<String, String>) -> Self {
        let number = |name: &str, default: u32| {
            let value = environment.get(name).and_then(|value| value.parse().ok());
            value.unwrap_or(default)
        };
        Self {
            interfaces: number(WARM_ENI_TARGET, 1),
            prefixes: number(WARM_PREFIX_TARGET, 0),
            addresses: aws_node.cni.warm_ip_target,
            minimum: aws_node.cni.minimum_ip_target,
        }
    }
}

/// An instance type and what its nodes take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeType {
    /// Such as `m5.large`.
    pub name: String,
    /// max-pods as eni-bootstrap computes it.
    pub max_pods: u32,
    /// The demand in a subnet that serves pods.
    pub usual: NodeDemand,
    /// The demand in a subnet that a tag excludes from pods; `None` if such a node has no addresses for
    /// pods.
    pub excluded: Option<NodeDemand>,
}

impl NodeType {
    /// Returns the demand of the nodes of `name`.
    ///
    /// # Errors
    /// Returns the reason if the demand is unknown, or if the nodes have no addresses for pods.
    pub(super) fn new(
        name: &str,
        limits: &InstanceLimits,
        aws_node: &AwsNode,
        targets: WarmTargets,
    ) -> Result<Self, String> {
        if aws_node.cni.multi_nic && limits.interfaces_of_other_cards > 0 {
            return Err(format!(
                "{name}: with ENABLE_MULTI_NIC, the network interfaces of the other network cards are not counted"
            ));
        }
        let compute = |primary_subnet: PrimarySubnet| {
            let network = NodeNetwork { primary_subnet, ..NodeNetwork::default() };
            let options = CapacityOptions { network, ..CapacityOptions::default() };
            Capacity::compute(limits, aws_node.cni, options)
        };
        let usual = compute(PrimarySubnet::Included).map_err(|error| format!("{name}: {error}"))?;
        let excluded = compute(PrimarySubnet::Excluded).ok();
        let has_trunk = usual.trunk > 0 && limits.trunking;
        let demand = |capacity: &Capacity| full_node(capacity, has_trunk, targets);
        Ok(Self {
            name: name.to_owned(),
            max_pods: usual.max_pods,
            usual: demand(&usual),
            excluded: excluded.as_ref().map(demand),
        })
    }

    /// Returns the demand by the subnet of the node.
    pub(super) fn demand(&self) -> Demand<'_> {
        Demand { usual: &self.usual, excluded: self.excluded.as_ref() }
    }
}

/// Returns the addresses of a node that runs max-pods pods.
fn full_node(capacity: &Capacity, has_trunk: bool, targets: WarmTargets) -> NodeDemand {
    let uses_primary = capacity.primary_set_aside == 0;
    let primary_serves = uses_primary && capacity.primary_excluded == 0;
    let limits = NodeLimits {
        interfaces: capacity.interfaces_for_pods,
        primary_serves,
        slots: capacity.slots_per_interface,
        per_slot: capacity.addresses_per_slot,
        max_pods: capacity.max_pods,
        pods: capacity.max_pods.saturating_sub(capacity.host_network_pods),
    };
    let interface = |slots: u32| match capacity.addresses_per_slot {
        1 => Interface { addresses: 1 + slots, prefixes: 0 },
        _ => Interface { addresses: 1, prefixes: slots },
    };
    let slots = slots_of_full_node(limits, targets);
    let mut interfaces = slots.into_iter().map(interface);
    let primary = match (uses_primary, primary_serves) {
        (false, _) => None,
        (true, true) => interfaces.next(),
        (true, false) => Some(interface(0)),
    };
    // The trunk has only its primary address.
    let trunk = has_trunk.then_some(Interface { addresses: 1, prefixes: 0 });
    NodeDemand { primary, others: interfaces.chain(trunk).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::domain::instance_limits::embedded;

    fn node(name: &str, variables: &[(&str, &str)]) -> Result<NodeType, String> {
        let manifest = [("WARM_ENI_TARGET", "1"), ("WARM_PREFIX_TARGET", "1")];
        let all = manifest.iter().chain(variables);
        let environment: BTreeMap<String, String> =
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let aws_node = AwsNode::read(&environment, "amazon-k8s-cni:v1.23.2");
        let limits = embedded(&name.parse().unwrap()).unwrap();
        NodeType::new(name, &limits, &aws_node, WarmTargets::of(&aws_node, &environment))
    }

    /// The addresses and prefixes of a network interface.
    type Pair = (u32, u32);

    /// Returns max-pods, and the demand of each network interface, the primary one first.
    fn of(name: &str, variables: &[(&str, &str)]) -> (u32, Option<Pair>, Vec<Pair>) {
        let node = node(name, variables).unwrap();
        let pair = |it: &Interface| (it.addresses, it.prefixes);
        let NodeDemand { primary, others } = &node.usual;
        (node.max_pods, primary.as_ref().map(pair), others.iter().map(pair).collect())
    }

    const CUSTOM: (&str, &str) = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
    const PREFIXES: (&str, &str) = ("ENABLE_PREFIX_DELEGATION", "true");
    const TRUNK: (&str, &str) = ("ENABLE_POD_ENI", "true");

    #[test]
    fn every_interface_has_a_primary_address() {
        assert_eq!(of("m5.large", &[]), (29, Some((10, 0)), vec![(10, 0), (10, 0)]));
        assert_eq!(of("m5.large", &[CUSTOM]), (20, None, vec![(10, 0), (10, 0)]));
        assert_eq!(of("m5.large", &[PREFIXES]), (110, Some((1, 7)), vec![]));
        assert_eq!(of("m5.large", &[CUSTOM, PREFIXES]), (110, None, vec![(1, 7)]));
        assert_eq!(of("m5.4xlarge", &[CUSTOM]), (110, None, vec![(30, 0); 4]));
    }

    #[test]
    fn a_trunk_takes_an_address() {
        assert_eq!(of("m5.large", &[CUSTOM, TRUNK]), (11, None, vec![(10, 0), (1, 0)]));
        assert_eq!(of("t3.large", &[CUSTOM, TRUNK]).2, [(12, 0), (12, 0)], "it has no trunk");
    }

    #[test]
    fn the_primary_interface_of_an_excluded_subnet_has_one_address() {
        let excluded = node("m5.large", &[]).unwrap().excluded.unwrap();
        let pair = |addresses| Interface { addresses, prefixes: 0 };
        assert_eq!(excluded.primary, Some(pair(1)));
        assert_eq!(excluded.others, [pair(10), pair(10)]);
    }

    #[test]
    fn a_type_without_addresses_for_pods_has_no_demand() {
        let error = node("c7g.medium", &[CUSTOM, TRUNK]).unwrap_err();
        assert!(error.starts_with("c7g.medium: "), "{error}");
        let error = node("p4d.24xlarge", &[("ENABLE_MULTI_NIC", "true")]).unwrap_err();
        assert_eq!(
            error,
            "p4d.24xlarge: with ENABLE_MULTI_NIC, the network interfaces of the other network cards are not counted"
        );
    }

    #[test]
    fn invalid_targets_are_the_defaults() {
        let targets = |variables: &[(&str, &str)]| {
            let environment: BTreeMap<String, String> =
                variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            WarmTargets::of(&AwsNode::read(&environment, ""), &environment)
        };
        let defaults = WarmTargets { interfaces: 1, prefixes: 0, addresses: 0, minimum: 0 };
        assert_eq!(targets(&[]), defaults);
        assert_eq!(targets(&[(WARM_ENI_TARGET, "-1"), (WARM_PREFIX_TARGET, "x")]), defaults);
        let set = [(WARM_ENI_TARGET, "0"), ("WARM_IP_TARGET", "5"), ("MINIMUM_IP_TARGET", "9")];
        let expected = WarmTargets { interfaces: 0, prefixes: 0, addresses: 5, minimum: 9 };
        assert_eq!(targets(&set), expected);
    }
}
