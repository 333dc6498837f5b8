//! The ENIConfig that a node probably needs, before the CNI configuration is known. The agent reads it in advance.

use super::effective_cni;
use crate::domain::aws_node::AwsNode;
use crate::domain::eni_config::EniConfigName;
use crate::facts::Facts;
use crate::settings::Settings;

/// Returns whether the CNI of the node probably uses custom networking: by the settings, or else by `recorded`, its
/// configuration at the last run. Without both, returns true.
#[must_use]
pub fn expects_custom_networking(settings: &Settings, recorded: Option<&AwsNode>) -> bool {
    effective_cni(&settings.cni, recorded).0.config.custom_networking
}

/// Returns the ENIConfig that the node probably needs; `None` if it probably needs none. An existing label can select
/// another one.
#[must_use]
pub fn expected_eni_config(
    facts: &Facts,
    settings: &Settings,
    recorded: Option<&AwsNode>,
) -> Option<EniConfigName> {
    let is_expected = expects_custom_networking(settings, recorded);
    let name = settings.eni_config.name().fill(|field| facts.instance.value(field));
    name.ok().filter(|_| is_expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::facts;

    #[test]
    fn custom_networking_is_expected_unless_the_settings_or_the_last_run_disable_it() {
        let facts = facts("m5.large");
        let mut settings = Settings::default();
        let recorded = |custom_networking: bool| {
            let variable = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG".to_owned();
            AwsNode::read(&[(variable, custom_networking.to_string())].into(), "")
        };
        let name = |settings: &Settings, recorded: Option<&AwsNode>| {
            expected_eni_config(&facts, settings, recorded).map(|name| name.to_string())
        };
        let zone = Some("us-west-2a".to_owned());
        assert_eq!(name(&settings, None), zone);
        assert_eq!(name(&settings, Some(&recorded(true))), zone);
        assert_eq!(name(&settings, Some(&recorded(false))), None);
        settings.cni.custom_networking = Some(true);
        assert_eq!(name(&settings, Some(&recorded(false))), zone);
        settings.cni.custom_networking = Some(false);
        assert_eq!(name(&settings, Some(&recorded(true))), None);
    }
}
