//! What Bottlerocket must be given in its user data.

use super::instance_types::InstanceTypeRow;
use serde::Serialize;
use std::collections::BTreeMap;

/// Instance types with the same `settings.kubernetes.max-pods`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Bottlerocket {
    pub max_pods: u32,
    pub instance_types: Vec<String>,
}

/// Returns the instance types by their max-pods, the lowest one first.
pub(crate) fn bottlerocket(rows: &[InstanceTypeRow]) -> Vec<Bottlerocket> {
    let mut by_value = BTreeMap::<u32, Vec<String>>::new();
    for row in rows {
        if let Ok(max_pods) = row.max_pods {
            by_value.entry(max_pods).or_default().push(row.name.clone());
        }
    }
    let each = by_value.into_iter();
    each.map(|(max_pods, instance_types)| Bottlerocket { max_pods, instance_types }).collect()
}
