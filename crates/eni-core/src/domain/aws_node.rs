//! What the `aws-node` DaemonSet's environment means, read as the VPC CNI itself reads it.
//!
//! Source: `pkg/ipamd/ipamd.go`, `pkg/eniconfig/eniconfig.go` and `cmd/aws-vpc-cni/main.go`,
//! aws/amazon-vpc-cni-k8s. What cannot be parsed is the CNI's own default there, and so it is here.

use crate::domain::cni::{Addressing, Cni, IpFamily};
use crate::domain::eni_config::DEFAULT_LABEL;
use std::collections::BTreeMap;
use std::fmt;

/// `AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG`.
pub const CUSTOM_NETWORKING: &str = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG";
/// `ENABLE_PREFIX_DELEGATION`.
pub const PREFIX_DELEGATION: &str = "ENABLE_PREFIX_DELEGATION";
/// `ENABLE_POD_ENI`.
pub const POD_ENI: &str = "ENABLE_POD_ENI";
/// `MAX_ENI`.
pub const MAX_ENI: &str = "MAX_ENI";
/// `ENABLE_IPv6`.
pub const IPV6: &str = "ENABLE_IPv6";
/// `ENABLE_MULTI_NIC`.
pub const MULTI_NIC: &str = "ENABLE_MULTI_NIC";
/// `MINIMUM_IP_TARGET`.
pub const MINIMUM_IP_TARGET: &str = "MINIMUM_IP_TARGET";
/// `WARM_IP_TARGET`.
pub const WARM_IP_TARGET: &str = "WARM_IP_TARGET";
const WARM_PREFIX_TARGET: &str = "WARM_PREFIX_TARGET";
const LABEL: &str = "ENI_CONFIG_LABEL_DEF";
const ANNOTATION: &str = "ENI_CONFIG_ANNOTATION_DEF";
const WHILE_CORDONED: &str = "AWS_MANAGE_ENIS_NON_SCHEDULABLE";
const SUBNET_DISCOVERY: &str = "ENABLE_SUBNET_DISCOVERY";

/// Every variable that is read here: what comes from elsewhere for another one does not matter.
pub const VARIABLES: [&str; 13] = [
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
];

/// What the CNI is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsNode {
    /// What decides how many pods fit.
    pub cni: Cni,
    /// `ENI_CONFIG_LABEL_DEF`: the node label that names the ENIConfig.
    pub eni_config_label: String,
    /// `ENI_CONFIG_ANNOTATION_DEF`: the node annotation that wins over it.
    pub eni_config_annotation: String,
    /// `AWS_MANAGE_ENIS_NON_SCHEDULABLE=true`: interfaces are attached to a cordoned node, too.
    pub serves_cordoned_nodes: bool,
    /// `ENABLE_SUBNET_DISCOVERY`: tags can exclude a subnet from serving pods.
    pub subnet_discovery: bool,
    /// What whoever set it should know.
    pub remarks: Vec<Remark>,
}

/// A setting of the CNI's that does not do what it seems to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A value that the CNI cannot parse, and the default that it takes instead.
    Unparsable {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What holds instead.
        default: &'static str,
    },
    /// Prefix delegation with every warm target at 0: the container's entry point ends at once.
    NoWarmTarget,
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unparsable { variable, value, default } => write!(
                formatter,
                "aws-node: {variable}={value:?} cannot be parsed, so the CNI takes its default, {default}"
            ),
            Self::NoWarmTarget => write!(
                formatter,
                "aws-node: it will not start: prefix delegation needs one of {WARM_PREFIX_TARGET}, {WARM_IP_TARGET} and {MINIMUM_IP_TARGET} above 0"
            ),
        }
    }
}

impl AwsNode {
    /// Reads the container's environment.
    #[must_use]
    pub fn read(environment: &BTreeMap<String, String>) -> Self {
        let mut reader = Reader { environment, remarks: Vec::new() };
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
        };
        if prefixes && !ipv6 && warm_ip_target + minimum_ip_target + warm_prefix_target == 0 {
            reader.remarks.push(Remark::NoWarmTarget);
        }
        Self {
            cni,
            eni_config_label: reader.text(LABEL),
            eni_config_annotation: reader.text(ANNOTATION),
            serves_cordoned_nodes: reader.boolean(WHILE_CORDONED, false),
            subnet_discovery: reader.boolean(SUBNET_DISCOVERY, true),
            remarks: reader.remarks,
        }
    }
}

struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    remarks: Vec<Remark>,
}

impl Reader<'_> {
    /// As Go's `strconv.ParseBool`, which takes exactly these.
    fn boolean(&mut self, variable: &'static str, default: bool) -> bool {
        match self.environment.get(variable).map(String::as_str) {
            None => default,
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => true,
            Some("0" | "f" | "F" | "FALSE" | "false" | "False") => false,
            Some(value) => {
                self.unparsable(variable, value, if default { "true" } else { "false" });
                default
            }
        }
    }

    /// As Go's `strconv.Atoi`. Nothing below 0 means anything to the CNI.
    fn number(&mut self, variable: &'static str, default: &'static str) -> u32 {
        let Some(value) = self.environment.get(variable) else { return 0 };
        let Ok(number) = value.parse::<i64>() else {
            self.unparsable(variable, value, default);
            return 0;
        };
        u32::try_from(number.max(0)).unwrap_or(u32::MAX)
    }

    fn target(&mut self, variable: &'static str) -> u32 {
        // Far above what any node holds; a sum of three still fits.
        self.number(variable, "0").min(1 << 20)
    }

    /// A key of a label or an annotation; empty is the default.
    fn text(&self, variable: &str) -> String {
        let value = self.environment.get(variable).filter(|value| !value.is_empty());
        value.map_or(DEFAULT_LABEL, String::as_str).to_owned()
    }

    fn unparsable(&mut self, variable: &'static str, value: &str, default: &'static str) {
        self.remarks.push(Remark::Unparsable { variable, value: value.to_owned(), default });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: &[(&str, &str)]) -> AwsNode {
        let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        AwsNode::read(&owned.collect())
    }

    #[test]
    fn nothing_set_is_the_cnis_own_defaults() {
        let found = read(&[]);
        assert_eq!(found.cni, Cni::default());
        assert_eq!(found.eni_config_label, "k8s.amazonaws.com/eniConfig");
        assert_eq!(found.eni_config_annotation, "k8s.amazonaws.com/eniConfig");
        assert!(!found.serves_cordoned_nodes);
        assert!(found.subnet_discovery);
        assert_eq!(found.remarks, []);
    }

    #[test]
    fn every_variable_has_its_meaning() {
        let found = read(&[
            (CUSTOM_NETWORKING, "true"),
            (PREFIX_DELEGATION, "1"),
            (POD_ENI, "t"),
            (MAX_ENI, "4"),
            (IPV6, "T"),
            (MULTI_NIC, "True"),
            (MINIMUM_IP_TARGET, "30"),
            (WARM_IP_TARGET, "5"),
            (LABEL, "topology.kubernetes.io/zone"),
            (ANNOTATION, "example.com/eni"),
            (WHILE_CORDONED, "TRUE"),
            (SUBNET_DISCOVERY, "F"),
        ]);
        assert_eq!(
            found,
            AwsNode {
                cni: Cni {
                    addressing: Addressing::Prefixes,
                    custom_networking: true,
                    pod_eni: true,
                    max_eni: Some(4),
                    reserved_enis: 0,
                    ip_family: IpFamily::Ipv6,
                    multi_nic: true,
                    minimum_ip_target: 30,
                    warm_ip_target: 5,
                },
                eni_config_label: "topology.kubernetes.io/zone".to_owned(),
                eni_config_annotation: "example.com/eni".to_owned(),
                serves_cordoned_nodes: true,
                subnet_discovery: false,
                remarks: vec![],
            }
        );
    }

    #[test]
    fn booleans_are_gos() {
        for (text, expected) in [
            ("1", true),
            ("t", true),
            ("T", true),
            ("TRUE", true),
            ("true", true),
            ("True", true),
            ("0", false),
            ("f", false),
            ("F", false),
            ("FALSE", false),
            ("false", false),
            ("False", false),
        ] {
            let found = read(&[(CUSTOM_NETWORKING, text)]);
            assert_eq!((found.cni.custom_networking, found.remarks), (expected, vec![]), "{text}");
        }
        for text in ["yes", "on", "tRUE", "", " true"] {
            let found = read(&[(CUSTOM_NETWORKING, text), (SUBNET_DISCOVERY, text)]);
            assert!(!found.cni.custom_networking && found.subnet_discovery, "{text:?}");
            let words: Vec<String> = found.remarks.iter().map(ToString::to_string).collect();
            assert_eq!(
                words,
                [
                    format!(
                        "aws-node: AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG={text:?} cannot be parsed, so the CNI takes its default, false"
                    ),
                    format!(
                        "aws-node: ENABLE_SUBNET_DISCOVERY={text:?} cannot be parsed, so the CNI takes its default, true"
                    ),
                ]
            );
        }
    }

    #[test]
    fn numbers_below_one_are_no_limit_and_words_are_the_default() {
        for text in ["0", "-1"] {
            let found = read(&[(MAX_ENI, text), (WARM_IP_TARGET, text)]);
            assert_eq!((found.cni, found.remarks), (Cni::default(), vec![]), "{text}");
        }
        assert_eq!(read(&[(MAX_ENI, "+3")]).cni.max_eni, Some(3));
        let found = read(&[(MAX_ENI, "four")]);
        assert_eq!(found.cni.max_eni, None);
        assert_eq!(
            found.remarks[0].to_string(),
            "aws-node: MAX_ENI=\"four\" cannot be parsed, so the CNI takes its default, no limit"
        );
    }

    #[test]
    fn prefixes_need_a_warm_target() {
        let prefixes = (PREFIX_DELEGATION, "true");
        assert_eq!(read(&[prefixes]).remarks, [Remark::NoWarmTarget]);
        assert_eq!(read(&[prefixes, (WARM_PREFIX_TARGET, "0")]).remarks, [Remark::NoWarmTarget]);
        for target in [WARM_PREFIX_TARGET, WARM_IP_TARGET, MINIMUM_IP_TARGET] {
            assert_eq!(read(&[prefixes, (target, "1")]).remarks, [], "{target}");
        }
        assert_eq!(
            Remark::NoWarmTarget.to_string(),
            "aws-node: it will not start: prefix delegation needs one of WARM_PREFIX_TARGET, WARM_IP_TARGET and MINIMUM_IP_TARGET above 0"
        );
    }

    #[test]
    fn an_empty_key_is_the_default_one() {
        assert_eq!(read(&[(LABEL, "")]).eni_config_label, "k8s.amazonaws.com/eniConfig");
    }
}
