//! The EC2 actions that aws-node needs, depending on its version and its configuration.
//!
//! Source: the calls of EC2 in `pkg/awsutils/awsutils.go` and `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.

use eni_core::diagnostic::Severity;
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
/// From v1.22.0, aws-node reads the tags of the subnet of each network interface.
pub(super) const DESCRIBE_SUBNETS: &str = "ec2:DescribeSubnets";
/// v1.22.0 and v1.22.1 read the tags of the security groups.
const DESCRIBE_SECURITY_GROUPS: &str = "ec2:DescribeSecurityGroups";

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
    /// The effects of the actions that not every version needs.
    pub effects: Vec<Effect>,
}

/// What happens if a role does not allow an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub action: &'static str,
    /// Such as `aws-node does not start without ec2:DescribeSubnets`.
    pub text: String,
    /// The severity if the role allows all other actions.
    pub severity: Severity,
}

impl RequiredActions {
    /// Returns the actions for `aws_node`. If its version is unknown, the result contains the actions of every
    /// version except those that only v1.22.0 and v1.22.1 need: `AmazonEKS_CNI_Policy` does not contain them.
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
        let effects = [without_subnets(aws_node), without_security_groups(aws_node)];
        let effects: Vec<Effect> = effects.into_iter().flatten().collect();
        actions.extend(effects.iter().map(|effect| effect.action));
        actions.sort_unstable();
        let (describe, change) =
            actions.into_iter().partition(|action| action.starts_with("ec2:Describe"));
        Self { describe, change, effects }
    }

    /// Returns all actions in alphabetical order.
    pub(super) fn all(&self) -> Vec<&'static str> {
        let mut all = [self.describe.as_slice(), &self.change].concat();
        all.sort_unstable();
        all
    }
}

/// Returns what happens without [`DESCRIBE_SUBNETS`]; `None` if aws-node does not call it.
///
/// Source: `setupENI`, `nodeInit` and `excludedENIBasedOnSubnetTags`, `pkg/ipamd/ipamd.go`, and `createENI`,
/// `pkg/awsutils/awsutils.go`, aws/amazon-vpc-cni-k8s v1.22.0 and v1.23.2.
fn without_subnets(aws_node: &AwsNode) -> Option<Effect> {
    let cni = &aws_node.cni;
    let first = CniVersion::SUBNET_EXCLUSION;
    if !aws_node.subnet_discovery || !cni.may_be_since(first) {
        return None;
    }
    let action = DESCRIBE_SUBNETS;
    let is_optional = cni.custom_networking || cni.uses_attached_only();
    let (severity, text) = match (cni.version, cni.ip_family) {
        (None, IpFamily::Ipv6) => (
            Severity::Warning,
            format!(
                "the version of the CNI is unknown; from {first}, aws-node does not start without {action}"
            ),
        ),
        (None, IpFamily::Ipv4) if is_optional => (
            Severity::Warning,
            format!(
                "the version of the CNI is unknown; from {first} and before {}, aws-node does not start without {action}",
                CniVersion::SUBNET_TAGS_OPTIONAL
            ),
        ),
        (None, IpFamily::Ipv4) => (
            Severity::Warning,
            format!(
                "the version of the CNI is unknown; from {first}, aws-node does not start or creates no network interface without {action}"
            ),
        ),
        (Some(version), family)
            if family == IpFamily::Ipv6 || version < CniVersion::SUBNET_TAGS_OPTIONAL =>
        {
            (Severity::Failed, format!("aws-node does not start without {action}"))
        }
        (Some(_), _) if is_optional => (
            Severity::Warning,
            format!("without {action}, aws-node assumes that no tag excludes the subnets"),
        ),
        (Some(_), _) => {
            (Severity::Failed, format!("aws-node creates no network interface without {action}"))
        }
    };
    Some(Effect { action, text, severity })
}

/// Returns what happens without [`DESCRIBE_SECURITY_GROUPS`]; `None` if aws-node does not call it, or if its version is
/// unknown.
///
/// Source: `nodeInit`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.22.0 and v1.22.1.
fn without_security_groups(aws_node: &AwsNode) -> Option<Effect> {
    let cni = &aws_node.cni;
    let first = CniVersion::SUBNET_EXCLUSION;
    let calls = (first..CniVersion::NO_SECURITY_GROUP_DISCOVERY).contains(&cni.version?);
    // From v1.22.1, only nodes without custom networking call it.
    let calls = calls && (!cni.custom_networking || cni.version == Some(first));
    let action = DESCRIBE_SECURITY_GROUPS;
    (calls && aws_node.subnet_discovery && !cni.uses_attached_only()).then(|| Effect {
        action,
        text: format!("aws-node does not start without {action}"),
        severity: Severity::Failed,
    })
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

    fn actions(variables: &[(&str, &str)], version: &str) -> RequiredActions {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: BTreeMap<String, String> = pairs.collect();
        RequiredActions::of(&AwsNode::read(&environment, &format!("cni:{version}")))
    }

    fn required(variables: &[(&str, &str)], version: &str) -> String {
        actions(variables, version).all().join(" ").replace("ec2:", "")
    }

    const MANAGED: &str = "AssignPrivateIpAddresses AttachNetworkInterface CreateNetworkInterface CreateTags DeleteNetworkInterface DescribeInstances DescribeNetworkInterfaces DetachNetworkInterface ModifyNetworkInterfaceAttribute UnassignPrivateIpAddresses";

    #[test]
    fn the_version_and_subnet_discovery_decide_about_describe_subnets() {
        let with_subnets =
            MANAGED.replace("Interfaces Detach", "Interfaces DescribeSubnets Detach");
        assert_eq!(required(&[], "v1.21.1"), MANAGED);
        assert_eq!(required(&[], "v1.22.2"), with_subnets);
        assert_eq!(required(&[], "stable"), with_subnets, "unknown: the careful side");
        assert_eq!(required(&[("ENABLE_SUBNET_DISCOVERY", "false")], "v1.23.2"), MANAGED);
        let custom = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")];
        assert_eq!(required(&custom, "v1.23.2"), with_subnets);
        let prefixes = [("ENABLE_PREFIX_DELEGATION", "true")];
        assert_eq!(required(&prefixes, "v1.23.2"), with_subnets);
    }

    #[test]
    fn two_versions_need_describe_security_groups() {
        let with_groups = MANAGED.replace(
            "Interfaces Detach",
            "Interfaces DescribeSecurityGroups DescribeSubnets Detach",
        );
        let custom = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")];
        assert_eq!(required(&[], "v1.22.0"), with_groups);
        assert_eq!(required(&custom, "v1.22.0"), with_groups);
        assert_eq!(required(&[], "v1.22.1"), with_groups);
        for (variables, version) in [
            (&custom[..], "v1.22.1"),
            (&[], "v1.22.2"),
            (&[("ENABLE_SUBNET_DISCOVERY", "false")], "v1.22.1"),
            (&[("DISABLE_NETWORK_RESOURCE_PROVISIONING", "true")], "v1.22.1"),
        ] {
            let actions = required(variables, version);
            assert!(!actions.contains("DescribeSecurityGroups"), "{variables:?} {version}");
        }
    }

    #[test]
    fn the_effect_of_a_denied_action_depends_on_the_version_and_the_configuration() {
        const SUBNETS: &str = "ec2:DescribeSubnets";
        let custom = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")];
        let attached = [("DISABLE_NETWORK_RESOURCE_PROVISIONING", "true")];
        let ipv6 = [("ENABLE_IPv6", "true"), ("ENABLE_PREFIX_DELEGATION", "true")];
        let does_not_start = format!("aws-node does not start without {SUBNETS}");
        let assumes =
            format!("without {SUBNETS}, aws-node assumes that no tag excludes the subnets");
        let unknown = |text: &str| {
            format!("the version of the CNI is unknown; from 1.22.0{text} without {SUBNETS}")
        };
        for (variables, version, severity, text) in [
            (&[][..], "v1.22.2", Severity::Failed, does_not_start.clone()),
            (&custom, "v1.23.1", Severity::Failed, does_not_start.clone()),
            (&attached, "v1.23.1", Severity::Failed, does_not_start.clone()),
            (&ipv6, "v1.23.2", Severity::Failed, does_not_start),
            (
                &[],
                "v1.23.2",
                Severity::Failed,
                format!("aws-node creates no network interface without {SUBNETS}"),
            ),
            (&custom, "v1.23.2", Severity::Warning, assumes.clone()),
            (&attached, "v1.23.2", Severity::Warning, assumes),
            (
                &[],
                "stable",
                Severity::Warning,
                unknown(", aws-node does not start or creates no network interface"),
            ),
            (
                &custom,
                "stable",
                Severity::Warning,
                unknown(" and before 1.23.2, aws-node does not start"),
            ),
            (&ipv6, "stable", Severity::Warning, unknown(", aws-node does not start")),
        ] {
            let expected = vec![Effect { action: SUBNETS, text, severity }];
            assert_eq!(actions(variables, version).effects, expected, "{variables:?} {version}");
        }
        let groups = &actions(&[], "v1.22.1").effects[1];
        assert_eq!(groups.text, "aws-node does not start without ec2:DescribeSecurityGroups");
        assert_eq!(groups.severity, Severity::Failed);
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
