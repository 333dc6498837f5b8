//! The check of a Node object from an earlier registration.

use crate::adapter::kubernetes::KnownNode;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::{DEFAULT_LABEL, Selection, select};

/// Returns the problems of a node that registers again. Kubernetes keeps its labels and annotations and
/// its cordon from the earlier registration.
pub(super) fn check(
    eni_config: &str,
    node: &KnownNode,
    aws_node: Option<&AwsNode>,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if node.is_cordoned && !aws_node.is_some_and(|aws_node| aws_node.serves_cordoned_nodes) {
        diagnostics.push(Diagnostic::warning(
            Code::NodeCordoned,
            "the node is cordoned, so the CNI attaches no network interfaces and the node stays NotReady",
            "run `kubectl uncordon NODE`, or `kubectl -n kube-system set env daemonset aws-node AWS_MANAGE_ENIS_NON_SCHEDULABLE=true`",
        ));
    }
    let label_def = aws_node.map_or(DEFAULT_LABEL, |aws_node| &aws_node.eni_config_label);
    let annotation_def = aws_node.map_or(DEFAULT_LABEL, |aws_node| &aws_node.eni_config_annotation);
    let reads_external = aws_node.is_none_or(|aws_node| aws_node.cni.reads_external_label());
    let Selection { name, source } = select(
        reads_external,
        (label_def, |key: &str| node.labels.get(key).cloned()),
        (annotation_def, |key: &str| node.annotations.get(key).cloned()),
    );
    if name != eni_config {
        let reason = match source {
            Some(source) => format!("the Node object has {source}"),
            None => format!("the Node object has no label {label_def}"),
        };
        diagnostics.push(Diagnostic::warning(
            Code::NodeSelectsOtherEniConfig,
            format!(
                "the CNI uses ENIConfig {name:?} instead of {eni_config:?} for new network interfaces, because {reason}"
            ),
            "run `kubectl delete node NODE` so that the node registers again, or correct its label or annotation",
        ));
    }
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn checked(
        labels: &[(&str, &str)],
        annotations: &[(&str, &str)],
        is_cordoned: bool,
    ) -> Vec<(Code, String)> {
        let owned = |of: &[(&str, &str)]| -> BTreeMap<String, String> {
            of.iter().map(|one| (one.0.to_owned(), one.1.to_owned())).collect()
        };
        let (labels, annotations) = (owned(labels), owned(annotations));
        let node = KnownNode { labels, annotations, is_cordoned, ..KnownNode::default() };
        let diagnostics = check("us-west-2a", &node, None);
        diagnostics.into_iter().map(|it| (it.code, it.text)).collect()
    }

    const LABEL: (&str, &str) = (DEFAULT_LABEL, "us-west-2a");

    #[test]
    fn labels_annotations_and_a_cordon_of_the_last_registration_are_warnings() {
        assert_eq!(checked(&[LABEL], &[], false), []);
        assert_eq!(
            checked(&[LABEL], &[(DEFAULT_LABEL, "blue")], false),
            [(
                Code::NodeSelectsOtherEniConfig,
                "the CNI uses ENIConfig \"blue\" instead of \"us-west-2a\" for new network interfaces, because the Node object has annotation k8s.amazonaws.com/eniConfig".to_owned()
            )]
        );
        assert_eq!(
            checked(&[], &[], false),
            [(
                Code::NodeSelectsOtherEniConfig,
                "the CNI uses ENIConfig \"default\" instead of \"us-west-2a\" for new network interfaces, because the Node object has no label k8s.amazonaws.com/eniConfig".to_owned()
            )]
        );
        assert_eq!(
            checked(&[LABEL], &[], true),
            [(
                Code::NodeCordoned,
                "the node is cordoned, so the CNI attaches no network interfaces and the node stays NotReady".to_owned()
            )]
        );
    }
}
