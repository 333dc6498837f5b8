//! What Karpenter must be given, in the `EC2NodeClass` or as an option of its controller.

use super::comparison::{Difference, differences, with_exceptions};
use super::formula::{self, Conditions};
use super::instance_types::{InstanceTypeRow, NodeConfiguration};
use super::number::{Condition, Number, Variable};
use super::type_set::TypeSet;
use eni_core::domain::capacity::{Capacity, CapacityOptions, Ceiling};
use eni_core::domain::cni::IpFamily;
use eni_core::domain::instance_limits::Platform;
use eni_core::domain::quantity::Quantity;
use eni_core::domain::reserved::ReserveOverrides;
use serde::Serialize;
use std::collections::BTreeMap;

/// The feature gate of the expressions.
pub(crate) const FEATURE_GATE: &str = "NodeClassCEL";

/// The configuration with which Karpenter plans the max-pods of the nodes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Karpenter {
    /// The feature gate of the expressions; absent if every value is a number or a quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_gate: Option<&'static str>,
    /// `spec.kubelet.maxPods` of the `EC2NodeClass`: an expression or a number.
    pub max_pods: String,
    /// `spec.kubelet.kubeReserved` of the `EC2NodeClass`.
    pub kube_reserved: BTreeMap<&'static str, String>,
    /// The instance types whose values `max_pods` contains by name, because it cannot compute them: Karpenter has
    /// no variable for the network interfaces of other network cards.
    pub by_name: Vec<String>,
    /// The instance types on which `max_pods` differs from the node.
    pub differences: Vec<Difference>,
    pub reserved_enis: ReservedEnis,
}

/// The option `RESERVED_ENIS` of the controller, as an alternative to an expression.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ReservedEnis {
    pub value: u32,
    /// The instance types on which Karpenter's own max-pods differs from the node.
    pub differences: Vec<Difference>,
    /// The same with `pods.ceiling = "none"` in the settings of eni-bootstrap.
    pub differences_without_ceiling: Vec<Difference>,
}

impl Karpenter {
    pub(crate) fn of(
        node: &NodeConfiguration,
        reserve: &ReserveOverrides,
        rows: &[InstanceTypeRow],
    ) -> Self {
        let computed = formula::max_pods(node, &conditions(rows), 0);
        let by_name = differences(rows, |row| computed.value(row));
        let by_name = by_name.into_iter().map(|it| it.instance_type).collect();
        let max_pods = exact(computed, rows);
        let is_fixed = matches!(max_pods, Number::Constant(_)) && reserve.memory.is_some();
        Self {
            feature_gate: (!is_fixed).then_some(FEATURE_GATE),
            differences: differences(rows, |row| max_pods.value(row)),
            max_pods: max_pods.to_string(),
            by_name,
            kube_reserved: kube_reserved(reserve),
            reserved_enis: ReservedEnis::of(node, rows),
        }
    }
}

/// Returns `computed` with the values of the nodes where it differs.
fn exact(computed: Number, rows: &[InstanceTypeRow]) -> Number {
    with_exceptions(
        computed,
        rows,
        |row| row.name.clone(),
        |names| Condition::Types(TypeSet::of_names(names)),
    )
}

fn conditions(rows: &[InstanceTypeRow]) -> Conditions {
    let types = |is_member: fn(&InstanceTypeRow) -> bool| {
        let set = TypeSet::of(rows.iter().map(|row| (row.name.as_str(), is_member(row))));
        if set.is_empty() { Condition::Constant(false) } else { Condition::Types(set) }
    };
    Conditions {
        xen: types(|row| row.limits.platform == Platform::Xen),
        no_trunk: types(|row| !row.limits.trunking),
        many_vcpus: Condition::above(Number::Variable(Variable::Vcpus), Number::Constant(30)),
    }
}

/// Returns the reserves. On Amazon Linux, Karpenter computes that of memory from all network interfaces unless
/// the `EC2NodeClass` contains it. The other two are equal on the node unless the settings contain them.
fn kube_reserved(reserve: &ReserveOverrides) -> BTreeMap<&'static str, String> {
    let ReserveOverrides { cpu, memory, ephemeral_storage } = reserve;
    let by_pods = || {
        let pods = Number::Constant(11).times(Number::Variable(Variable::MaxPods));
        Number::Constant(255).plus(pods).to_string()
    };
    let memory = memory.as_ref().map_or_else(by_pods, Quantity::to_string);
    let fixed = [("cpu", cpu), ("ephemeral-storage", ephemeral_storage)];
    let fixed =
        fixed.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?.to_string())));
    fixed.chain([("memory", memory)]).collect()
}

impl ReservedEnis {
    /// Returns the value with which Karpenter's own calculation differs on the fewest instance types.
    fn of(node: &NodeConfiguration, rows: &[InstanceTypeRow]) -> Self {
        let options = CapacityOptions { ceiling: Ceiling::Unlimited, ..node.options.clone() };
        let without_ceiling: Vec<InstanceTypeRow> = rows
            .iter()
            .map(|row| InstanceTypeRow {
                max_pods: Capacity::compute(&row.limits, node.cni, options.clone())
                    .map(|capacity| capacity.max_pods),
                ..row.clone()
            })
            .collect();
        let of = |value: u32| {
            let planned = |row: &InstanceTypeRow| i64::from(row.eni_limited_pods(value));
            Self {
                value,
                differences: differences(rows, planned),
                differences_without_ceiling: differences(&without_ceiling, planned),
            }
        };
        // In an IPv6 cluster, the node has no value without a ceiling.
        let most = match node.cni.ip_family {
            IpFamily::Ipv4 => node.cni.reserved_enis.saturating_add(2),
            IpFamily::Ipv6 => 0,
        };
        let candidates = (1..=most).map(of);
        candidates.fold(of(0), |best, next| {
            let counts = |it: &Self| (it.differences_without_ceiling.len(), it.differences.len());
            if counts(&next) < counts(&best) { next } else { best }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expressions::instance_types::rows;
    use crate::expressions::selection::Selection;
    use eni_core::domain::cni::{Addressing, Cni};

    /// The configuration without a version exists only if the image of aws-node has no version in its tag, so the
    /// integration tests cannot set it with a file.
    #[test]
    fn the_formula_is_exact_without_a_version_of_the_cni() {
        let selection = Selection::of(&[]).unwrap();
        let mut compared = 0;
        for number in 0..96 {
            let is = |bit: u32| number >> bit & 1 == 1;
            let cni = Cni {
                custom_networking: is(0),
                addressing: if is(1) { Addressing::Prefixes } else { Addressing::default() },
                pod_eni: is(2),
                reserved_enis: u32::from(is(3)),
                max_eni: Some(number >> 4).filter(|it| *it > 0),
                version: None,
                ..Cni::default()
            };
            let options =
                CapacityOptions { ceiling: Ceiling::At(1_000), ..CapacityOptions::default() };
            let node = NodeConfiguration { cni, options };
            let rows = rows(&selection, &node);
            let number = formula::max_pods(&node, &conditions(&rows), 0);
            assert_eq!(differences(&rows, |row| number.value(row)), [], "{cni}");
            compared += rows.len();
        }
        assert_eq!(compared, 96 * 1_446);
    }

    #[test]
    fn reserves_in_the_settings_replace_the_expression() {
        let quantity = |text: &str| Some(text.parse().unwrap());
        let memory = |reserve: &ReserveOverrides| {
            kube_reserved(reserve)
                .into_iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(memory(&ReserveOverrides::default()), ["memory=255 + 11 * max_pods"]);
        let reserve = ReserveOverrides {
            cpu: quantity("100m"),
            memory: quantity("1Gi"),
            ephemeral_storage: quantity("2Gi"),
        };
        assert_eq!(memory(&reserve), ["cpu=100m", "ephemeral-storage=2Gi", "memory=1Gi"]);
    }
}
