//! What the CNI is set to: what the aws-node DaemonSet says, each key set by hand in its place.

use crate::domain::aws_node::{self, AwsNode};
use crate::domain::cni::{Addressing, Cni, IpFamily};
use crate::settings::{CniSettings, CniSource};
use serde::Serialize;
use std::fmt;

/// What the CNI is set to, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// What it is set to.
    pub cni: Cni,
    /// Who says so.
    pub source: CniSource,
    /// The keys set by hand in place of what the DaemonSet says.
    pub overrides: Vec<Override>,
}

/// A key set by hand in place of what the DaemonSet says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Override {
    /// The setting.
    pub key: &'static str,
    /// Its value.
    pub by_hand: String,
    /// The variable; none where the DaemonSet has no say in it.
    pub variable: Option<&'static str>,
    /// What the DaemonSet makes of that variable.
    pub on_cluster: String,
}

impl Override {
    /// Whether the figure and the CNI may disagree for it.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.by_hand != self.on_cluster
    }
}

impl fmt::Display for Override {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, by_hand, variable, on_cluster } = self;
        write!(formatter, "cni: {key} = {by_hand} is set by hand; ")?;
        match variable {
            None => formatter.write_str("the aws-node DaemonSet has no such setting"),
            Some(variable) if self.differs() => {
                write!(formatter, "the aws-node DaemonSet has {on_cluster} ({variable})")
            }
            Some(variable) => {
                write!(formatter, "the aws-node DaemonSet says the same ({variable})")
            }
        }
    }
}

/// What holds: for [`CniSource::Cluster`] what the DaemonSet says, with the keys set by hand in its
/// place; for [`CniSource::Settings`] the keys alone, over the defaults that the settings document.
#[must_use]
pub fn in_force(by_hand: &CniSettings, found: Option<&AwsNode>) -> InForce {
    let base = found.map_or(Cni { custom_networking: true, ..Cni::default() }, |found| found.cni);
    let mut overrides = Vec::new();
    let mut note = |key, variable, by_hand: Option<String>, on_cluster: String| {
        if let Some(by_hand) = by_hand {
            overrides.push(Override { key, by_hand, variable, on_cluster });
        }
    };
    // Taken apart whole, so that a new key cannot be forgotten here.
    let CniSettings {
        source: _,
        custom_networking,
        prefix_delegation,
        max_eni,
        pod_eni,
        reserved_enis,
        ip_family,
        multi_nic,
        minimum_ip_target,
        warm_ip_target,
    } = by_hand;
    let prefixes = base.addressing == Addressing::Prefixes;
    let flag = |value: &Option<bool>| value.map(|value| value.to_string());
    let count = |value: &Option<u32>| value.map(|value| value.to_string());
    let family = |family: IpFamily| match family {
        IpFamily::Ipv4 => "ipv4".to_owned(),
        IpFamily::Ipv6 => "ipv6".to_owned(),
    };
    for (key, variable, by_hand, on_cluster) in [
        (
            "cni.custom-networking",
            Some(aws_node::CUSTOM_NETWORKING),
            flag(custom_networking),
            base.custom_networking.to_string(),
        ),
        (
            "cni.prefix-delegation",
            Some(aws_node::PREFIX_DELEGATION),
            flag(prefix_delegation),
            prefixes.to_string(),
        ),
        (
            "cni.max-eni",
            Some(aws_node::MAX_ENI),
            count(max_eni),
            base.max_eni.unwrap_or(0).to_string(),
        ),
        ("cni.pod-eni", Some(aws_node::POD_ENI), flag(pod_eni), base.pod_eni.to_string()),
        ("cni.reserved-enis", None, count(reserved_enis), base.reserved_enis.to_string()),
        ("cni.ip-family", Some(aws_node::IPV6), ip_family.map(family), family(base.ip_family)),
        ("cni.multi-nic", Some(aws_node::MULTI_NIC), flag(multi_nic), base.multi_nic.to_string()),
        (
            "cni.minimum-ip-target",
            Some(aws_node::MINIMUM_IP_TARGET),
            count(minimum_ip_target),
            base.minimum_ip_target.to_string(),
        ),
        (
            "cni.warm-ip-target",
            Some(aws_node::WARM_IP_TARGET),
            count(warm_ip_target),
            base.warm_ip_target.to_string(),
        ),
    ] {
        note(key, variable, by_hand, on_cluster);
    }
    let cni = Cni {
        addressing: if prefix_delegation.unwrap_or(prefixes) {
            Addressing::Prefixes
        } else {
            Addressing::SecondaryAddresses
        },
        custom_networking: custom_networking.unwrap_or(base.custom_networking),
        pod_eni: pod_eni.unwrap_or(base.pod_eni),
        max_eni: max_eni.or(base.max_eni).filter(|most| *most > 0),
        reserved_enis: reserved_enis.unwrap_or(base.reserved_enis),
        ip_family: ip_family.unwrap_or(base.ip_family),
        multi_nic: multi_nic.unwrap_or(base.multi_nic),
        minimum_ip_target: minimum_ip_target.unwrap_or(base.minimum_ip_target),
        warm_ip_target: warm_ip_target.unwrap_or(base.warm_ip_target),
    };
    let source = if found.is_some() { CniSource::Cluster } else { CniSource::Settings };
    if source == CniSource::Settings {
        overrides.clear();
    }
    InForce { cni, source, overrides }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn on_cluster(environment: &[(&str, &str)]) -> AwsNode {
        let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        AwsNode::read(&owned.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn the_cluster_decides_where_nothing_is_set_by_hand() {
        let found = on_cluster(&[(aws_node::PREFIX_DELEGATION, "true"), (aws_node::MAX_ENI, "4")]);
        assert_eq!(
            in_force(&CniSettings::default(), Some(&found)),
            InForce { cni: found.cni, source: CniSource::Cluster, overrides: vec![] }
        );
    }

    #[test]
    fn a_key_set_by_hand_overrides_one_value_and_says_so() {
        let found = on_cluster(&[(aws_node::MAX_ENI, "4"), (aws_node::POD_ENI, "true")]);
        let by_hand = CniSettings {
            max_eni: Some(2),
            pod_eni: Some(true),
            reserved_enis: Some(1),
            ..CniSettings::default()
        };
        let InForce { cni, overrides, .. } = in_force(&by_hand, Some(&found));
        assert_eq!(cni, Cni { max_eni: Some(2), reserved_enis: 1, ..found.cni });
        assert_eq!(
            overrides.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "cni: cni.max-eni = 2 is set by hand; the aws-node DaemonSet has 4 (MAX_ENI)",
                "cni: cni.pod-eni = true is set by hand; the aws-node DaemonSet says the same (ENABLE_POD_ENI)",
                "cni: cni.reserved-enis = 1 is set by hand; the aws-node DaemonSet has no such setting",
            ]
        );
        let no_limit = CniSettings { max_eni: Some(0), ..CniSettings::default() };
        assert_eq!(in_force(&no_limit, Some(&found)).cni.max_eni, None);
    }

    #[test]
    fn the_settings_alone_have_the_defaults_that_they_document() {
        let expected = Cni { custom_networking: true, ..Cni::default() };
        let found = in_force(&CniSettings::default(), None);
        assert_eq!(
            found,
            InForce { cni: expected, source: CniSource::Settings, overrides: vec![] }
        );
        let all = CniSettings {
            source: Some(CniSource::Settings),
            custom_networking: Some(false),
            prefix_delegation: Some(true),
            max_eni: Some(3),
            pod_eni: Some(true),
            reserved_enis: Some(1),
            ip_family: Some(IpFamily::Ipv6),
            multi_nic: Some(true),
            minimum_ip_target: Some(9),
            warm_ip_target: Some(2),
        };
        assert_eq!(
            in_force(&all, None).cni,
            Cni {
                addressing: Addressing::Prefixes,
                custom_networking: false,
                pod_eni: true,
                max_eni: Some(3),
                reserved_enis: 1,
                ip_family: IpFamily::Ipv6,
                multi_nic: true,
                minimum_ip_target: 9,
                warm_ip_target: 2,
            }
        );
    }
}
