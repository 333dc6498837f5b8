//! The configuration of the VPC CNI, parsed from the environment of its `aws-node` DaemonSet.
//!
//! Each variable is parsed as the CNI parses it; the CNI uses its default for an invalid value.
//!
//! Source: `pkg/ipamd/ipamd.go`, `pkg/eniconfig/eniconfig.go` and `cmd/aws-vpc-cni/main.go`,
//! aws/amazon-vpc-cni-k8s.

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::cni::{Addressing, Cni, IpFamily};
use crate::domain::cni_version::CniVersion;
use crate::domain::eni_config::DEFAULT_LABEL;
use std::collections::BTreeMap;

/// Custom networking: pods use the subnet of an ENIConfig.
pub(crate) const CUSTOM_NETWORKING: &str = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG";
/// Prefix delegation: network interfaces get `/28` prefixes.
pub(crate) const PREFIX_DELEGATION: &str = "ENABLE_PREFIX_DELEGATION";
/// Security groups for pods.
pub(crate) const POD_ENI: &str = "ENABLE_POD_ENI";
/// The number of network interfaces that the CNI uses at most.
pub const MAX_ENI: &str = "MAX_ENI";
/// IPv6 addresses for pods.
pub(crate) const IPV6: &str = "ENABLE_IPv6";
/// Network interfaces on network cards other than the default one.
pub(crate) const MULTI_NIC: &str = "ENABLE_MULTI_NIC";
/// The number of addresses that the CNI keeps at least.
pub const MINIMUM_IP_TARGET: &str = "MINIMUM_IP_TARGET";
/// The number of unused addresses that the CNI keeps.
pub const WARM_IP_TARGET: &str = "WARM_IP_TARGET";
/// Network interfaces as IMDS shows them, without calls to EC2.
pub(crate) const IMDS_ONLY: &str = "ENABLE_IMDS_ONLY_MODE";
/// No new network interfaces and addresses.
pub(crate) const DISABLE_PROVISIONING: &str = "DISABLE_NETWORK_RESOURCE_PROVISIONING";
const WARM_PREFIX_TARGET: &str = "WARM_PREFIX_TARGET";
const LABEL: &str = "ENI_CONFIG_LABEL_DEF";
const ANNOTATION: &str = "ENI_CONFIG_ANNOTATION_DEF";
const WHILE_CORDONED: &str = "AWS_MANAGE_ENIS_NON_SCHEDULABLE";
const SUBNET_DISCOVERY: &str = "ENABLE_SUBNET_DISCOVERY";
const CLUSTER_NAME: &str = "CLUSTER_NAME";
const MANAGE_UNTAGGED_ENI: &str = "MANAGE_UNTAGGED_ENI";

/// Every variable that this module reads. All others can be ignored, wherever they come from.
pub const VARIABLES: [&str; 17] = [
    CUSTOM_NETWORKING,
    PREFIX_DELEGATION,
    POD_ENI,
    MAX_ENI,
    IPV6,
    MULTI_NIC,
    MINIMUM_IP_TARGET,
    WARM_IP_TARGET,
    WARM_PREFIX_TARGET,
    LABEL,
    ANNOTATION,
    WHILE_CORDONED,
    SUBNET_DISCOVERY,
    CLUSTER_NAME,
    MANAGE_UNTAGGED_ENI,
    IMDS_ONLY,
    DISABLE_PROVISIONING,
];

/// The configuration of the VPC CNI.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a variable of aws-node")]
pub struct AwsNode {
    /// The part that max-pods depends on.
    pub cni: Cni,
    /// `ENI_CONFIG_LABEL_DEF`: the node label that the CNI reads the ENIConfig name from.
    pub eni_config_label: String,
    /// `ENI_CONFIG_ANNOTATION_DEF`: the node annotation that takes precedence over the label.
    pub eni_config_annotation: String,
    /// `AWS_MANAGE_ENIS_NON_SCHEDULABLE=true`: the CNI also attaches network interfaces to
    /// a cordoned node.
    pub serves_cordoned_nodes: bool,
    /// `ENABLE_SUBNET_DISCOVERY`: the CNI also uses other subnets of the zone, selected by tags.
    pub subnet_discovery: bool,
    /// `CLUSTER_NAME`, with which the CNI compares the cluster tags of subnets.
    pub cluster_name: Option<String>,
    /// `MANAGE_UNTAGGED_ENI`: the CNI also uses network interfaces that it did not create.
    pub manages_untagged: bool,
    /// The container image, whose tag contains the version of the CNI.
    pub image: String,
    /// The variables that this configuration was read from.
    pub variables: BTreeMap<String, String>,
    /// Whether the configuration comes from the record of the last successful run.
    pub is_recorded: bool,
    /// Variables that do not have the effect that their value suggests, and labels that cannot be read.
    pub diagnostics: Vec<Diagnostic>,
}

impl AwsNode {
    /// Parses the environment and the image of the `aws-node` container.
    #[must_use]
    pub fn read(environment: &BTreeMap<String, String>, image: &str) -> Self {
        let mut reader = Reader { environment, diagnostics: Vec::new() };
        let custom_networking = reader.boolean(CUSTOM_NETWORKING, false);
        let prefixes = reader.boolean(PREFIX_DELEGATION, false);
        let ipv6 = reader.boolean(IPV6, false);
        let warm_ip_target = reader.target(WARM_IP_TARGET);
        let minimum_ip_target = reader.target(MINIMUM_IP_TARGET);
        let warm_prefix_target = reader.target(WARM_PREFIX_TARGET);
        let cni = Cni {
            addressing: if prefixes {
                Addressing::Prefixes
            } else {
                Addressing::SecondaryAddresses
            },
            custom_networking,
            pod_eni: reader.boolean(POD_ENI, false),
            max_eni: Some(reader.number(MAX_ENI, "no limit")).filter(|most| *most > 0),
            reserved_enis: 0,
            ip_family: if ipv6 { IpFamily::Ipv6 } else { IpFamily::Ipv4 },
            multi_nic: reader.boolean(MULTI_NIC, false),
            minimum_ip_target,
            warm_ip_target,
            imds_only: reader.boolean(IMDS_ONLY, false),
            disable_provisioning: reader.boolean(DISABLE_PROVISIONING, false),
            version: CniVersion::of_image(image),
        };
        if prefixes && !ipv6 && warm_ip_target + minimum_ip_target + warm_prefix_target == 0 {
            reader.diagnostics.push(no_warm_target());
        }
        Self {
            cni,
            eni_config_label: reader.text(LABEL),
            eni_config_annotation: reader.text(ANNOTATION),
            serves_cordoned_nodes: reader.boolean(WHILE_CORDONED, false),
            subnet_discovery: reader.boolean(SUBNET_DISCOVERY, true),
            cluster_name: environment.get(CLUSTER_NAME).filter(|it| !it.is_empty()).cloned(),
            manages_untagged: reader.boolean(MANAGE_UNTAGGED_ENI, true),
            image: image.to_owned(),
            variables: known_variables(environment),
            is_recorded: false,
            diagnostics: reader.diagnostics,
        }
    }
}

/// Returns the variables that this module reads.
fn known_variables(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let known = environment.iter().filter(|(name, _)| VARIABLES.contains(&name.as_str()));
    known.map(|(name, value)| (name.clone(), value.clone())).collect()
}

struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Parses a boolean as `strconv.ParseBool` of Go does, which accepts exactly these spellings.
    fn boolean(&mut self, variable: &'static str, default: bool) -> bool {
        match self.environment.get(variable).map(String::as_str) {
            None => default,
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => true,
            Some("0" | "f" | "F" | "FALSE" | "false" | "False") => false,
            Some(value) => {
                self.invalid(variable, value, if default { "true" } else { "false" });
                default
            }
        }
    }

    /// Parses a number as `strconv.Atoi` of Go does. The CNI treats a negative number as 0.
    fn number(&mut self, variable: &'static str, default: &'static str) -> u32 {
        let Some(value) = self.environment.get(variable) else { return 0 };
        let Ok(number) = value.parse::<i64>() else {
            self.invalid(variable, value, default);
            return 0;
        };
        u32::try_from(number.max(0)).unwrap_or(u32::MAX)
    }

    fn target(&mut self, variable: &'static str) -> u32 {
        // Far above the addresses of any node, and low enough to add three of them.
        self.number(variable, "0").min(1 << 20)
    }

    /// Returns the key of a label or annotation; the CNI uses its default for an empty value.
    fn text(&self, variable: &str) -> String {
        let value = self.environment.get(variable).filter(|value| !value.is_empty());
        value.map_or(DEFAULT_LABEL, String::as_str).to_owned()
    }

    fn invalid(&mut self, variable: &str, value: &str, default: &str) {
        self.diagnostics.push(Diagnostic::warning(
            Code::CniVariableInvalid,
            format!(
                "{variable}={value:?} on the aws-node DaemonSet is invalid; the CNI uses its default, {default}"
            ),
            "correct the value: `kubectl -n kube-system edit daemonset aws-node`",
        ));
    }
}

/// The entry point of the `aws-node` container exits in this state.
fn no_warm_target() -> Diagnostic {
    Diagnostic::warning(
        Code::NoWarmTarget,
        format!(
            "aws-node does not start: prefix delegation needs {WARM_PREFIX_TARGET}, {WARM_IP_TARGET} or {MINIMUM_IP_TARGET} above 0"
        ),
        format!(
            "set one of them: `kubectl -n kube-system set env daemonset aws-node {WARM_PREFIX_TARGET}=1`"
        ),
    )
}

#[cfg(test)]
mod tests;
