//! What nodeadm must be given in the `NodeConfig`.
//!
//! Its expressions contain only the network interfaces and their addresses, and neither the vCPUs nor the
//! instance type.

use super::comparison::{Difference, differences, with_exceptions};
use super::formula::{self, Conditions};
use super::instance_types::{InstanceTypeRow, NodeConfiguration};
use super::number::{Condition, DEFAULT_ENIS, Number};
use eni_core::domain::capacity::HOST_NETWORK_PODS;
use serde::Serialize;

/// The configuration with which nodeadm sets the max-pods of the nodes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Nodeadm {
    /// `spec.kubelet.maxPodsExpression` of the `NodeConfig`.
    pub max_pods_expression: String,
    /// The instance types on which the expression differs from the node. Those without a network interface for
    /// pods are not included, because no value is right for them.
    pub differences: Vec<Difference>,
}

impl Nodeadm {
    pub(crate) fn of(node: &NodeConfiguration, rows: &[InstanceTypeRow]) -> Self {
        let number = max_pods(node, rows);
        Self {
            max_pods_expression: number.to_string(),
            differences: differences(with_capacity(rows), |row| number.value(row)),
        }
    }
}

fn with_capacity(rows: &[InstanceTypeRow]) -> impl Iterator<Item = &InstanceTypeRow> {
    rows.iter().filter(|row| row.max_pods.is_ok())
}

/// Returns the expression for max-pods. Where instance types with the same network interfaces have different
/// values, the expression is that of a Nitro instance type with a trunk, and the lower ceiling.
fn max_pods(node: &NodeConfiguration, rows: &[InstanceTypeRow]) -> Number {
    let conditions = Conditions {
        xen: Condition::Constant(false),
        no_trunk: Condition::Constant(false),
        many_vcpus: many_vcpus(rows),
    };
    // nodeadm uses its default for a result of 0. Without a network interface for pods, the node starts only
    // host-network pods.
    let number = formula::max_pods(node, &conditions, HOST_NETWORK_PODS);
    let number = with_exceptions(
        number,
        with_capacity(rows),
        InstanceTypeRow::interfaces,
        Condition::Interfaces,
    );
    number.without_functions()
}

/// Returns the condition that every instance type with as many network interfaces has more than 30 vCPUs.
fn many_vcpus(rows: &[InstanceTypeRow]) -> Condition {
    let interfaces = |row: &&InstanceTypeRow| row.limits.interfaces;
    let few = rows.iter().filter(|row| row.limits.vcpus <= 30);
    let most = rows.iter().map(|row| row.limits.interfaces).max();
    match (few.map(|row| interfaces(&row)).max(), most) {
        (None, _) => Condition::Constant(true),
        (Some(few), Some(most)) if few < most => {
            Condition::above(DEFAULT_ENIS, Number::Constant(few))
        }
        _ => Condition::Constant(false),
    }
}
