//! What the cluster remembers of a node that registers again, and what that does to its ENIConfig.

use super::Fit;
use crate::adapter::kubernetes::KnownNode;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::{DEFAULT_LABEL, LookedUp, looked_up};
use eni_core::domain::finding::Finding;

/// Labels and annotations of the last registration stay; so does a cordon.
pub(super) fn judge(fit: &Fit, node: &KnownNode, aws_node: Option<&AwsNode>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if node.is_cordoned && !aws_node.is_some_and(|aws_node| aws_node.serves_cordoned_nodes) {
        findings.push(Finding::warning(
            "cordon",
            "this node is cordoned: the CNI attaches no interface to it, so it does not become ready",
            "uncordon it, or set AWS_MANAGE_ENIS_NON_SCHEDULABLE=true on the aws-node DaemonSet",
        ));
    }
    let label_def = aws_node.map_or(DEFAULT_LABEL, |aws_node| &aws_node.eni_config_label);
    let annotation_def = aws_node.map_or(DEFAULT_LABEL, |aws_node| &aws_node.eni_config_annotation);
    let LookedUp { name, by } = looked_up(
        (label_def, |key: &str| node.labels.get(key).cloned()),
        (annotation_def, |key: &str| node.annotations.get(key).cloned()),
    );
    if name != fit.name {
        let by = by.map_or_else(
            || format!("it has no label {label_def}"),
            |by| format!("its {by} says so"),
        );
        findings.push(Finding::warning(
            "node",
            format!(
                "this node is in the cluster already, and for new interfaces the CNI looks for ENIConfig {name:?} and not for {:?}: {by}",
                fit.name
            ),
            "delete the Node object, so that it registers anew, or correct it by kubectl",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Place;
    use std::collections::BTreeMap;

    fn judged(
        labels: &[(&str, &str)],
        annotations: &[(&str, &str)],
        cordoned: bool,
    ) -> Vec<String> {
        let fit = Fit {
            place: Place::default(),
            name: "us-west-2a".to_owned(),
            addresses: 1,
            prefixes: false,
            subnet_discovery: true,
            cluster: None,
        };
        let owned = |of: &[(&str, &str)]| -> BTreeMap<String, String> {
            of.iter().map(|one| (one.0.to_owned(), one.1.to_owned())).collect()
        };
        let node = KnownNode {
            labels: owned(labels),
            annotations: owned(annotations),
            is_cordoned: cordoned,
        };
        let found = judge(&fit, &node, None);
        found.into_iter().map(|finding| finding.says).collect()
    }

    const LABEL: (&str, &str) = (DEFAULT_LABEL, "us-west-2a");

    #[test]
    fn what_a_node_kept_from_its_last_registration_is_said() {
        assert_eq!(judged(&[LABEL], &[], false), Vec::<String>::new());
        assert_eq!(
            judged(&[LABEL], &[(DEFAULT_LABEL, "blue")], false),
            [
                "this node is in the cluster already, and for new interfaces the CNI looks for ENIConfig \"blue\" and not for \"us-west-2a\": its annotation k8s.amazonaws.com/eniConfig says so"
            ]
        );
        assert_eq!(
            judged(&[], &[], false),
            [
                "this node is in the cluster already, and for new interfaces the CNI looks for ENIConfig \"default\" and not for \"us-west-2a\": it has no label k8s.amazonaws.com/eniConfig"
            ]
        );
        assert_eq!(
            judged(&[LABEL], &[], true),
            [
                "this node is cordoned: the CNI attaches no interface to it, so it does not become ready"
            ]
        );
    }
}
