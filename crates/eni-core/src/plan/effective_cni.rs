//! The CNI configuration in effect: the aws-node DaemonSet's, overridden key by key by the
//! settings.

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::{self, AwsNode};
use crate::domain::cni::{Addressing, Cni};
use crate::domain::cni_version::CniVersion;
use crate::settings::{CniSettings, CniSource};
use serde::Serialize;

/// The CNI configuration that the calculation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EffectiveCni {
    /// Whether it comes from the aws-node DaemonSet or from the settings alone.
    pub source: CniSource,
    pub config: Cni,
}

/// Returns the CNI configuration in effect, with a note for each setting that overrides the
/// DaemonSet.
///
/// Without a DaemonSet, the settings apply on top of their documented defaults.
#[must_use]
pub fn effective_cni(
    settings: &CniSettings,
    aws_node: Option<&AwsNode>,
) -> (EffectiveCni, Vec<Diagnostic>) {
    let default =
        Cni { custom_networking: true, version: Some(CniVersion::REFERENCE), ..Cni::default() };
    let base = aws_node.map_or(default, |aws_node| aws_node.cni);
    // Destructured completely, so that a new key cannot be forgotten here.
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
        imds_only,
        disable_provisioning,
        primary_subnet_excluded: _,
        version,
    } = settings;
    let prefixes = base.addressing == Addressing::Prefixes;
    let config = Cni {
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
        imds_only: imds_only.unwrap_or(base.imds_only),
        disable_provisioning: disable_provisioning.unwrap_or(base.disable_provisioning),
        version: version.or(base.version),
    };
    match aws_node {
        Some(_) => {
            let cni = EffectiveCni { source: CniSource::Cluster, config };
            (cni, overrides(settings, &base))
        }
        None => (EffectiveCni { source: CniSource::Settings, config }, Vec::new()),
    }
}

/// Returns a note for each CNI setting, compared with the DaemonSet.
fn overrides(settings: &CniSettings, base: &Cni) -> Vec<Diagnostic> {
    let flag = |key, setting: Option<bool>, variable, effective: bool| {
        compare(key, setting.map(|it| it.to_string()), variable, &effective.to_string())
    };
    let count = |key, setting: Option<u32>, variable, effective: u32| {
        compare(key, setting.map(|it| it.to_string()), variable, &effective.to_string())
    };
    let prefixes = base.addressing == Addressing::Prefixes;
    let max_eni = base.max_eni.unwrap_or(0);
    let ip_family = settings.ip_family.map(|it| it.name().to_owned());
    let notes = [
        flag(
            "cni.custom-networking",
            settings.custom_networking,
            aws_node::CUSTOM_NETWORKING,
            base.custom_networking,
        ),
        flag(
            "cni.prefix-delegation",
            settings.prefix_delegation,
            aws_node::PREFIX_DELEGATION,
            prefixes,
        ),
        count("cni.max-eni", settings.max_eni, aws_node::MAX_ENI, max_eni),
        flag("cni.pod-eni", settings.pod_eni, aws_node::POD_ENI, base.pod_eni),
        settings.reserved_enis.map(reserved_enis),
        compare("cni.ip-family", ip_family, aws_node::IPV6, base.ip_family.name()),
        flag("cni.multi-nic", settings.multi_nic, aws_node::MULTI_NIC, base.multi_nic),
        count(
            "cni.minimum-ip-target",
            settings.minimum_ip_target,
            aws_node::MINIMUM_IP_TARGET,
            base.minimum_ip_target,
        ),
        count(
            "cni.warm-ip-target",
            settings.warm_ip_target,
            aws_node::WARM_IP_TARGET,
            base.warm_ip_target,
        ),
        flag("cni.imds-only", settings.imds_only, aws_node::IMDS_ONLY, base.imds_only),
        flag(
            "cni.disable-provisioning",
            settings.disable_provisioning,
            aws_node::DISABLE_PROVISIONING,
            base.disable_provisioning,
        ),
        settings.version.zip(base.version).map(|(setting, image)| version(setting, image)),
    ];
    notes.into_iter().flatten().collect()
}

/// Compares the setting `key` with a variable of the DaemonSet that means `effective`.
fn compare(
    key: &str,
    setting: Option<String>,
    variable: &str,
    effective: &str,
) -> Option<Diagnostic> {
    let setting = setting?;
    // ENABLE_IPv6 is a boolean, but the setting names the family.
    let meaning = if variable == aws_node::IPV6 { "means" } else { "is" };
    Some(if setting == effective {
        let text = format!(
            "{key} = {setting} is redundant: {variable} on the aws-node DaemonSet {meaning} {effective}"
        );
        Diagnostic::info(Code::SettingMatchesDaemonSet, text)
    } else {
        Diagnostic::warning(
            Code::SettingOverridesDaemonSet,
            format!(
                "{key} = {setting} overrides the aws-node DaemonSet, where {variable} {meaning} {effective}; max-pods might be wrong for the actual CNI configuration"
            ),
            format!("remove {key} from the settings to use the value from the DaemonSet"),
        )
    })
}

/// Compares `cni.version` with the version in the tag of the aws-node image.
fn version(setting: CniVersion, image: CniVersion) -> Diagnostic {
    if setting == image {
        let text =
            format!("cni.version = {setting} is redundant: the aws-node image has this version");
        return Diagnostic::info(Code::SettingMatchesDaemonSet, text);
    }
    Diagnostic::warning(
        Code::SettingOverridesDaemonSet,
        format!(
            "cni.version = {setting} overrides the version of the aws-node image, {image}; max-pods might be wrong for the actual CNI"
        ),
        "remove cni.version from the settings to use the version of the aws-node image",
    )
}

/// The DaemonSet has no variable for this setting.
fn reserved_enis(count: u32) -> Diagnostic {
    let text = format!(
        "cni.reserved-enis = {count} applies; the aws-node DaemonSet has no variable for it"
    );
    if count == 0 {
        Diagnostic::info(Code::SettingWithoutVariable, text)
    } else {
        Diagnostic::warning(
            Code::SettingWithoutVariable,
            text,
            "remove cni.reserved-enis unless this instance has network interfaces that the CNI does not use",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cni::IpFamily;
    use std::collections::BTreeMap;

    fn aws_node(environment: &[(&str, &str)]) -> AwsNode {
        let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        AwsNode::read(&owned.collect::<BTreeMap<_, _>>(), "")
    }

    #[test]
    fn the_daemonset_applies_without_settings() {
        let aws_node = aws_node(&[(aws_node::PREFIX_DELEGATION, "true"), (aws_node::MAX_ENI, "4")]);
        let expected = EffectiveCni { source: CniSource::Cluster, config: aws_node.cni };
        assert_eq!(effective_cni(&CniSettings::default(), Some(&aws_node)), (expected, vec![]));
    }

    #[test]
    fn a_setting_overrides_one_value_of_the_daemonset_with_a_note() {
        let aws_node = aws_node(&[(aws_node::MAX_ENI, "4"), (aws_node::POD_ENI, "true")]);
        let settings = CniSettings {
            max_eni: Some(2),
            pod_eni: Some(true),
            reserved_enis: Some(1),
            ip_family: Some(IpFamily::Ipv6),
            ..CniSettings::default()
        };
        let (cni, notes) = effective_cni(&settings, Some(&aws_node));
        let ip_family = IpFamily::Ipv6;
        let expected = Cni { max_eni: Some(2), reserved_enis: 1, ip_family, ..aws_node.cni };
        assert_eq!(cni.config, expected);
        assert_eq!(
            notes,
            [
                Diagnostic::warning(
                    Code::SettingOverridesDaemonSet,
                    "cni.max-eni = 2 overrides the aws-node DaemonSet, where MAX_ENI is 4; max-pods might be wrong for the actual CNI configuration",
                    "remove cni.max-eni from the settings to use the value from the DaemonSet",
                ),
                Diagnostic::info(
                    Code::SettingMatchesDaemonSet,
                    "cni.pod-eni = true is redundant: ENABLE_POD_ENI on the aws-node DaemonSet is true",
                ),
                Diagnostic::warning(
                    Code::SettingWithoutVariable,
                    "cni.reserved-enis = 1 applies; the aws-node DaemonSet has no variable for it",
                    "remove cni.reserved-enis unless this instance has network interfaces that the CNI does not use",
                ),
                Diagnostic::warning(
                    Code::SettingOverridesDaemonSet,
                    "cni.ip-family = ipv6 overrides the aws-node DaemonSet, where ENABLE_IPv6 means ipv4; max-pods might be wrong for the actual CNI configuration",
                    "remove cni.ip-family from the settings to use the value from the DaemonSet",
                ),
            ]
        );
        let no_limit = CniSettings { max_eni: Some(0), ..CniSettings::default() };
        assert_eq!(effective_cni(&no_limit, Some(&aws_node)).0.config.max_eni, None);
    }

    #[test]
    fn without_a_daemonset_the_settings_apply_over_their_defaults() {
        let version = Some(CniVersion::REFERENCE);
        let config = Cni { custom_networking: true, version, ..Cni::default() };
        let expected = EffectiveCni { source: CniSource::Settings, config };
        assert_eq!(effective_cni(&CniSettings::default(), None), (expected, vec![]));
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
            imds_only: Some(true),
            disable_provisioning: Some(true),
            primary_subnet_excluded: Some(true),
            version: Some(CniVersion::REFERENCE),
        };
        let config = Cni {
            addressing: Addressing::Prefixes,
            custom_networking: false,
            pod_eni: true,
            max_eni: Some(3),
            reserved_enis: 1,
            ip_family: IpFamily::Ipv6,
            multi_nic: true,
            minimum_ip_target: 9,
            warm_ip_target: 2,
            imds_only: true,
            disable_provisioning: true,
            version: Some(CniVersion::REFERENCE),
        };
        let expected = EffectiveCni { source: CniSource::Settings, config };
        assert_eq!(effective_cni(&all, None), (expected, vec![]));
    }
}
