//! Compares what a tool plans with the max-pods of the nodes, and adds the exceptions to an expression.

use super::instance_types::InstanceTypeRow;
use super::number::{Condition, Number};
use serde::Serialize;
use std::collections::BTreeMap;

/// An instance type for which a tool plans another max-pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Difference {
    pub instance_type: String,
    /// max-pods of the node; 0 if no network interface is left for pods.
    pub node: u32,
    /// max-pods in the plan of the tool.
    pub tool: i64,
}

/// Returns the instance types whose nodes have another max-pods than `planned`.
pub(crate) fn differences<'a>(
    rows: impl IntoIterator<Item = &'a InstanceTypeRow>,
    planned: impl Fn(&InstanceTypeRow) -> i64,
) -> Vec<Difference> {
    let each = rows.into_iter().filter_map(|row| {
        let (node, tool) = (node_value(row), planned(row));
        (i64::from(node) != tool).then(|| Difference {
            instance_type: row.name.clone(),
            node,
            tool,
        })
    });
    each.collect()
}

/// Returns max-pods of the nodes of an instance type; 0 if no network interface is left for pods.
pub(crate) fn node_value(row: &InstanceTypeRow) -> u32 {
    row.max_pods.as_ref().copied().unwrap_or(0)
}

/// Returns `number` with the values of the nodes where it is different. `condition` is that of the instance
/// types with one of these values, by a key. A key for which not all instance types have the same value
/// stays without exception.
pub(crate) fn with_exceptions<'a, K: Ord>(
    number: Number,
    rows: impl IntoIterator<Item = &'a InstanceTypeRow>,
    key: impl Fn(&InstanceTypeRow) -> K,
    condition: impl Fn(Vec<K>) -> Condition,
) -> Number {
    let mut by_key = BTreeMap::<K, (Option<u32>, bool)>::new();
    for row in rows {
        let node = node_value(row);
        let is_equal = i64::from(node) == number.value(row);
        let (value, all_equal) = by_key.entry(key(row)).or_insert((Some(node), true));
        *value = value.filter(|value| *value == node);
        *all_equal &= is_equal;
    }
    let mut by_value = BTreeMap::<u32, Vec<K>>::new();
    for (key, (value, all_equal)) in by_key {
        if let Some(value) = value.filter(|_| !all_equal) {
            by_value.entry(value).or_default().push(key);
        }
    }
    by_value.into_iter().rev().fold(number, |number, (value, keys)| {
        Number::choice(condition(keys), Number::Constant(value), number)
    })
}
