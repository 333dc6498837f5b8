//! Nodes on which the Amazon VPC CNI does not run.

use eni_core::host::COMPUTE_TYPE;
use std::collections::BTreeMap;

/// The label of the operating system.
pub(crate) const OS: &str = "kubernetes.io/os";

/// Returns why the Amazon VPC CNI does not run on a node with `labels` and `provider_id`; `None` if it does.
/// `selector` is the node selector of the aws-node DaemonSet.
///
/// aws-node's own node affinity excludes the compute types of EKS and other operating systems than Linux.
///
/// Source: `config/master/aws-k8s-cni.yaml`, aws/amazon-vpc-cni-k8s.
pub(crate) fn out_of_scope(
    labels: &BTreeMap<String, String>,
    provider_id: Option<&str>,
    selector: &BTreeMap<String, String>,
) -> Option<String> {
    let label = |key: &str| labels.get(key).map(String::as_str);
    match label(COMPUTE_TYPE) {
        Some("fargate") => return Some("this is a Fargate node".to_owned()),
        Some("auto") => return Some("this is an EKS Auto Mode node".to_owned()),
        Some("hybrid") => return Some("this is an EKS hybrid node".to_owned()),
        _ => {}
    }
    match label(OS) {
        Some("windows") => {
            return Some("this is a Windows node, whose addresses EKS manages".to_owned());
        }
        Some("linux") | None => {}
        Some(other) => return Some(format!("the operating system is {other}")),
    }
    if let Some((key, value)) =
        selector.iter().find(|(key, value)| label(key) != Some(value.as_str()))
    {
        return Some(format!(
            "another CNI serves the node: aws-node runs only on nodes with label {key}={value}"
        ));
    }
    match provider_id {
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
        let provider_id = Some(provider_id).filter(|it| !it.is_empty());
        let selector = [("io.cilium/aws-node-enabled".to_owned(), "true".to_owned())];
        out_of_scope(&labels.collect(), provider_id, &selector.into())
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
