//! The EC2 actions that aws-node needs, depending on its version and its configuration.
//!
//! Source: the calls of EC2 in `pkg/awsutils/awsutils.go` and `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.

use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::IpFamily;
use eni_core::domain::cni_version::CniVersion;
use serde_json::json;

/// Creates, attaches, changes and deletes network interfaces and their IPv4 addresses.
const MANAGE_INTERFACES: [&str; 9] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:AttachNetworkInterface",
    "ec2:CreateNetworkInterface",
    "ec2:CreateTags",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeInstances", // reads the free device numbers before a network interface is attached
    "ec2:DetachNetworkInterface",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:UnassignPrivateIpAddresses",
];
/// With IPv6, a node uses one prefix of its primary network interface.
const MANAGE_IPV6_PREFIX: [&str; 2] = ["ec2:AssignIpv6Addresses", "ec2:CreateTags"];
/// Reads the attached network interfaces.
const DESCRIBE_INTERFACES: &str = "ec2:DescribeNetworkInterfaces";
/// From v1.22.0, aws-node reads the tags of the subnet of each network interface, and does not start if IAM
/// denies this call.
pub(super) const DESCRIBE_SUBNETS: &str = "ec2:DescribeSubnets";

/// Reads the limits of an instance type that is not in the table of the CNI, in every mode.
///
/// Source: `FetchInstanceTypeLimits`, `pkg/awsutils/awsutils.go`, aws/amazon-vpc-cni-k8s v1.23.2.
pub(super) const DESCRIBE_INSTANCE_TYPES: &str = "ec2:DescribeInstanceTypes";

/// The actions that aws-node needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequiredActions {
    /// Actions without a resource, in alphabetical order.
    pub describe: Vec<&'static str>,
    /// Actions for a network interface, in alphabetical order.
    pub change: Vec<&'static str>,
}

impl RequiredActions {
    /// Returns the actions for `aws_node`. If its version is unknown, the result contains the actions of every
    /// version.
    pub(super) fn of(aws_node: &AwsNode) -> Self {
        let cni = &aws_node.cni;
        let mut actions: Vec<&'static str> = Vec::new();
        if !cni.reads_imds_only() {
            actions.push(DESCRIBE_INTERFACES);
        }
        if !cni.uses_attached_only() {
            match cni.ip_family {
                IpFamily::Ipv4 => actions.extend(MANAGE_INTERFACES),
                IpFamily::Ipv6 => actions.extend(MANAGE_IPV6_PREFIX),
            }
        }
        let reads_tags = cni.version.is_none_or(|version| version >= CniVersion::SUBNET_EXCLUSION);
        if aws_node.subnet_discovery && reads_tags {
            actions.push(DESCRIBE_SUBNETS);
        }
        actions.sort_unstable();
        let (describe, change) =
            actions.into_iter().partition(|action| action.starts_with("ec2:Describe"));
        Self { describe, change }
    }

    /// Returns all actions in alphabetical order.
    pub(super) fn all(&self) -> Vec<&'static str> {
        let mut all = [self.describe.as_slice(), &self.change].concat();
        all.sort_unstable();
        all
    }
}

/// Returns the policy statement that allows `actions`, as JSON.
pub(super) fn statement(actions: &[impl AsRef<str>]) -> String {
    let actions: Vec<&str> = actions.iter().map(AsRef::as_ref).collect();
    format!("{:#}", json!({ "Effect": "Allow", "Action": actions, "Resource": "*" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn required(variables: &[(&str, &str)], version: &str) -> String {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: BTreeMap<String, String> = pairs.collect();
        let aws_node = AwsNode::read(&environment, &format!("cni:{version}"));
        let actions = RequiredActions::of(&aws_node).all();
        actions.join(" ").replace("ec2:", "")
    }

    const MANAGED: &str = "AssignPrivateIpAddresses AttachNetworkInterface CreateNetworkInterface CreateTags DeleteNetworkInterface DescribeInstances DescribeNetworkInterfaces DetachNetworkInterface ModifyNetworkInterfaceAttribute UnassignPrivateIpAddresses";

    #[test]
    fn the_version_and_subnet_discovery_decide_about_describe_subnets() {
        let with_subnets =
            MANAGED.replace("Interfaces Detach", "Interfaces DescribeSubnets Detach");
        assert_eq!(required(&[], "v1.21.1"), MANAGED);
        assert_eq!(required(&[], "v1.22.0"), with_subnets);
        assert_eq!(required(&[], "stable"), with_subnets, "unknown: the careful side");
        assert_eq!(required(&[("ENABLE_SUBNET_DISCOVERY", "false")], "v1.23.2"), MANAGED);
        let custom = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")];
        assert_eq!(required(&custom, "v1.23.2"), with_subnets);
        let prefixes = [("ENABLE_PREFIX_DELEGATION", "true")];
        assert_eq!(required(&prefixes, "v1.23.2"), with_subnets);
    }

    #[test]
    fn other_modes_need_fewer_actions() {
        let ipv6 = [("ENABLE_IPv6", "true"), ("ENABLE_PREFIX_DELEGATION", "true")];
        assert_eq!(
            required(&ipv6, "v1.23.2"),
            "AssignIpv6Addresses CreateTags DescribeNetworkInterfaces DescribeSubnets"
        );
        let imds_only = [("ENABLE_IMDS_ONLY_MODE", "true")];
        assert_eq!(required(&imds_only, "v1.23.2"), "DescribeSubnets");
        let both = [imds_only[0], ("ENABLE_SUBNET_DISCOVERY", "false")];
        assert_eq!(required(&both, "v1.23.2"), "");
        let no_provisioning = [("DISABLE_NETWORK_RESOURCE_PROVISIONING", "true")];
        assert_eq!(required(&no_provisioning, "v1.20.4"), "DescribeNetworkInterfaces");
    }

    #[test]
    fn a_statement_is_valid_json_of_several_lines() {
        assert_eq!(
            statement(&["ec2:CreateTags", "ec2:DescribeSubnets"]),
            "{\n  \"Action\": [\n    \"ec2:CreateTags\",\n    \"ec2:DescribeSubnets\"\n  ],\n  \"Effect\": \"Allow\",\n  \"Resource\": \"*\"\n}"
        );
    }
}
