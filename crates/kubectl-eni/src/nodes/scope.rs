//! Nodes on which the Amazon VPC CNI does not run.

use super::node::{Node, OS};
use eni_core::host::COMPUTE_TYPE;
use std::collections::BTreeMap;

/// Returns why the Amazon VPC CNI does not run on `node`; `None` if it does. `selector` is the node selector
/// of the aws-node DaemonSet.
///
/// aws-node's own node affinity excludes the compute types of EKS and other operating systems than Linux.
///
/// Source: `config/master/aws-k8s-cni.yaml`, aws/amazon-vpc-cni-k8s.
pub(super) fn out_of_scope(node: &Node, selector: &BTreeMap<String, String>) -> Option<String> {
    match node.label(COMPUTE_TYPE) {
        Some("fargate") => return Some("this is a Fargate node".to_owned()),
        Some("auto") => return Some("this is an EKS Auto Mode node".to_owned()),
        Some("hybrid") => return Some("this is an EKS hybrid node".to_owned()),
        _ => {}
    }
    match node.label(OS) {
        Some("windows") => {
            return Some("this is a Windows node, whose addresses EKS manages".to_owned());
        }
        Some("linux") | None => {}
        Some(other) => return Some(format!("the operating system is {other}")),
    }
    if let Some((key, value)) =
        selector.iter().find(|(key, value)| node.label(key) != Some(value.as_str()))
    {
        return Some(format!(
            "another CNI serves the node: aws-node runs only on nodes with label {key}={value}"
        ));
    }
    match node.provider_id.as_deref() {
        Some(id) if !id.starts_with("aws://") => {
            let provider = id.split_once("://").map_or(id, |(provider, _)| provider);
            Some(format!("this is not an EC2 instance (provider {provider})"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(labels: &[(&str, &str)], provider_id: &str) -> Option<String> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let provider_id = Some(provider_id.to_owned()).filter(|it| !it.is_empty());
        let node = Node { labels: labels.collect(), provider_id, ..Node::default() };
        let selector = [("io.cilium/aws-node-enabled".to_owned(), "true".to_owned())];
        out_of_scope(&node, &selector.into())
    }

    #[test]
    fn nodes_without_the_cni_are_out_of_scope() {
        const ENABLED: (&str, &str) = ("io.cilium/aws-node-enabled", "true");
        let aws = "aws:///us-west-2a/i-1";
        for (labels, provider_id, expected) in [
            (vec![(COMPUTE_TYPE, "fargate")], aws, "this is a Fargate node"),
            (vec![(COMPUTE_TYPE, "auto")], aws, "this is an EKS Auto Mode node"),
            (vec![(COMPUTE_TYPE, "hybrid")], "eks-hybrid:///a", "this is an EKS hybrid node"),
            (vec![(OS, "windows")], aws, "this is a Windows node, whose addresses EKS manages"),
            (vec![(OS, "plan9")], aws, "the operating system is plan9"),
            (
                vec![(OS, "linux")],
                aws,
                "another CNI serves the node: aws-node runs only on nodes with label io.cilium/aws-node-enabled=true",
            ),
            (vec![ENABLED], "kind://a", "this is not an EC2 instance (provider kind)"),
        ] {
            assert_eq!(reason(&labels, provider_id).as_deref(), Some(expected));
        }
        for provider_id in [aws, ""] {
            assert_eq!(reason(&[ENABLED, (OS, "linux"), (COMPUTE_TYPE, "ec2")], provider_id), None);
        }
    }
}
