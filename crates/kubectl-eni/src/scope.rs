//! The nodes on which the Amazon VPC CNI runs, and where they are.

use eni_core::domain::label::{INSTANCE_TYPE, ZONE};
use eni_core::domain::zone::Zone;
use eni_core::host::COMPUTE_TYPE;
use std::collections::BTreeMap;

/// The label of the zone before Kubernetes 1.17.
pub(crate) const OLD_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";
/// The label of the instance type before Kubernetes 1.17.
pub(crate) const OLD_INSTANCE_TYPE: &str = "beta.kubernetes.io/instance-type";
/// The label of the operating system.
pub(crate) const OS: &str = "kubernetes.io/os";

/// The fields of a Node that determine its zone, its instance, and whether it runs the CNI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeScope<'a> {
    pub labels: &'a BTreeMap<String, String>,
    /// `spec.providerID`, such as `aws:///us-west-2a/i-0123456789abcdef0`.
    pub provider_id: Option<&'a str>,
}

impl<'a> NodeScope<'a> {
    fn label(self, key: &str) -> Option<&'a str> {
        self.labels.get(key).map(String::as_str)
    }

    /// Returns the name of the zone: from the labels, or else from `spec.providerID`.
    pub(crate) fn zone(self) -> Option<&'a str> {
        let of_provider = || {
            let (zone, _) = self.provider_id?.strip_prefix("aws:///")?.split_once('/')?;
            // A kubelet sets it without validation, and the zone becomes part of a command to paste.
            zone.parse::<Zone>().is_ok().then_some(zone)
        };
        let label = self.label(ZONE).or_else(|| self.label(OLD_ZONE));
        label.or_else(of_provider).filter(|zone| !zone.is_empty())
    }

    /// Returns the instance type from the labels.
    pub(crate) fn instance_type(self) -> Option<&'a str> {
        self.label(INSTANCE_TYPE).or_else(|| self.label(OLD_INSTANCE_TYPE))
    }

    /// Returns the instance ID; `None` if the provider ID is not one of EC2.
    pub(crate) fn instance(self) -> Option<&'a str> {
        let id = self.provider_id?.strip_prefix("aws:///")?.rsplit('/').next()?;
        id.starts_with("i-").then_some(id)
    }

    /// Returns why the Amazon VPC CNI does not run on the node; `None` if it does. `selector` is the node
    /// selector of the aws-node DaemonSet.
    ///
    /// aws-node's own node affinity excludes the compute types of EKS and other operating systems than Linux.
    ///
    /// Source: `config/master/aws-k8s-cni.yaml`, aws/amazon-vpc-cni-k8s.
    pub(crate) fn out_of_scope(self, selector: &BTreeMap<String, String>) -> Option<String> {
        match self.label(COMPUTE_TYPE) {
            Some("fargate") => return Some("this is a Fargate node".to_owned()),
            Some("auto") => return Some("this is an EKS Auto Mode node".to_owned()),
            Some("hybrid") => return Some("this is an EKS hybrid node".to_owned()),
            _ => {}
        }
        match self.label(OS) {
            Some("windows") => {
                return Some("this is a Windows node, whose addresses EKS manages".to_owned());
            }
            Some("linux") | None => {}
            Some(other) => return Some(format!("the operating system is {other}")),
        }
        if let Some((key, value)) =
            selector.iter().find(|(key, value)| self.label(key) != Some(value.as_str()))
        {
            return Some(format!(
                "another CNI serves the node: aws-node runs only on nodes with label {key}={value}"
            ));
        }
        match self.provider_id {
            Some(id) if !id.starts_with("aws://") => {
                let provider = id.split_once("://").map_or(id, |(provider, _)| provider);
                Some(format!("this is not an EC2 instance (provider {provider})"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(labels: &[(&str, &str)], provider_id: &str) -> Option<String> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let provider_id = Some(provider_id).filter(|it| !it.is_empty());
        let selector = [("io.cilium/aws-node-enabled".to_owned(), "true".to_owned())];
        NodeScope { labels: &labels.collect(), provider_id }.out_of_scope(&selector.into())
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
