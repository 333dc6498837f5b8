//! Checks ENIConfigs before they exist, as `check` does for existing ones.

use super::error::ConfigsError;
use super::naming::PlannedConfig;
use super::network::Network;
use eni_bootstrap::adapter::ec2::Ec2;
use eni_bootstrap::adapter::kubernetes::{ApiServer, EniConfig};
use eni_bootstrap::verify::{
    AddressDemand, NodeLocation, SubnetExclusion, SubnetRequirements, with_ec2,
};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::Addressing;
use eni_core::domain::zone::Region;
use eni_core::failure::one_line;
use serde::Serialize;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The name of the ENIConfig; `None` for a check of the cluster.
    #[serde(rename = "of", skip_serializing_if = "Option::is_none")]
    pub eni_config: Option<String>,
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
}

/// Checks the configuration of the CNI and each ENIConfig. `network` is the error if it cannot be read.
pub(super) async fn verify(
    planned: &[PlannedConfig],
    network: Result<&Network, &ConfigsError>,
    region: &Region,
    ec2: &Ec2,
    api: &ApiServer,
) -> Vec<Finding> {
    let (mut diagnostics, aws_node) = cni(api).await;
    if let Err(error) = network {
        let reason = one_line(error);
        let text = format!("the zones and the VPC of the cluster are unknown: {reason}");
        diagnostics.push(Diagnostic::skipped(Code::ZonesUnknown, text, None));
    }
    let mut findings: Vec<Finding> =
        diagnostics.into_iter().map(|it| Finding { eni_config: None, diagnostic: it }).collect();
    for config in planned {
        let vpc = network.ok().map(|network| network.vpc.clone());
        let requirements = requirements(config, vpc, region, aws_node.as_ref());
        let eni_config = EniConfig {
            subnet: config.subnet.id.clone(),
            security_groups: config.security_groups.clone(),
        };
        for diagnostic in with_ec2(&requirements, &eni_config, Ok(ec2)).await {
            let name = config.name.to_string();
            findings.push(Finding { eni_config: Some(name), diagnostic: advised(diagnostic) });
        }
    }
    findings
}

/// Returns the configuration of the CNI and its checks; `None` if it cannot be read.
async fn cni(api: &ApiServer) -> (Vec<Diagnostic>, Option<AwsNode>) {
    match api.cluster_cni(&[]).await {
        Ok(cni) => {
            let aws_node = cni.aws_node;
            let text = aws_node.cni.to_string();
            let mut diagnostics = vec![if aws_node.cni.custom_networking {
                Diagnostic::ok(Code::CniOk, text)
            } else {
                Diagnostic::warning(
                    Code::CustomNetworkingOff,
                    format!("{text}; the CNI does not use the ENIConfigs"),
                    "run `kubectl -n kube-system set env daemonset aws-node AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true` after you apply them",
                )
            }];
            diagnostics.extend(aws_node.diagnostics.iter().cloned());
            (diagnostics, Some(aws_node))
        }
        Err(error) => {
            let reason = one_line(&error);
            let skipped = Diagnostic::skipped(Code::CniUnreadable, reason, None);
            (vec![skipped], None)
        }
    }
}

fn requirements(
    config: &PlannedConfig,
    vpc: Option<String>,
    region: &Region,
    aws_node: Option<&AwsNode>,
) -> SubnetRequirements {
    let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    SubnetRequirements {
        location: NodeLocation {
            zone: known(&config.subnet.zone),
            zone_id: known(&config.subnet.zone_id),
            vpc,
            region: region.to_string(),
        },
        is_this_node: false,
        eni_config: config.name.to_string(),
        // The instance types of the nodes are unknown here, so require an address for one pod.
        demand: AddressDemand { addresses: 1, is_additional: false },
        prefixes: aws_node.is_some_and(|it| it.cni.addressing == Addressing::Prefixes),
        pod_eni: aws_node.is_some_and(|it| it.cni.pod_eni),
        exclusion: SubnetExclusion::new(aws_node, aws_node.and_then(|it| it.cni.version)),
    }
}

/// Replaces the help that changes an existing ENIConfig with the flag that selects another subnet or security
/// group.
fn advised(mut diagnostic: Diagnostic) -> Diagnostic {
    let help = match diagnostic.code {
        Code::SubnetNotFound | Code::SubnetWrongZone | Code::SubnetWrongVpc | Code::SubnetFull => {
            "select another subnet with `--subnet-ids`"
        }
        Code::SubnetTaggedOut => {
            "remove the tag, or select another subnet with `--subnet-ids` or `--subnet-tag`"
        }
        Code::TooManySecurityGroups | Code::SecurityGroupNotFound | Code::SecurityGroupWrongVpc => {
            "correct `--security-groups`"
        }
        _ => return diagnostic,
    };
    diagnostic.help = Some(help.to_owned());
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::super::naming::tests::planned;
    use super::*;

    #[test]
    fn the_help_names_the_flag_instead_of_an_eniconfig_that_does_not_exist() {
        let failed = |code| Diagnostic::failed(code, "text", "`kubectl edit eniconfig a`");
        let help = |code| advised(failed(code)).help.unwrap();
        assert_eq!(help(Code::SubnetFull), "select another subnet with `--subnet-ids`");
        assert_eq!(help(Code::SecurityGroupWrongVpc), "correct `--security-groups`");
        assert_eq!(help(Code::NoFreePrefix), "`kubectl edit eniconfig a`");
        let ok = Diagnostic::ok(Code::SubnetOk, "text");
        assert_eq!(advised(ok.clone()), ok);
    }

    #[test]
    fn the_subnet_must_match_the_zone_of_the_eniconfig_and_the_vpc_of_the_cluster() {
        let region = "us-west-2".parse().unwrap();
        let config = &planned()[0];
        let requirements = requirements(config, Some("vpc-1".to_owned()), &region, None);
        assert_eq!(
            requirements.location,
            NodeLocation {
                zone: Some("us-west-2a".to_owned()),
                zone_id: Some("id-us-west-2a".to_owned()),
                vpc: Some("vpc-1".to_owned()),
                region: "us-west-2".to_owned(),
            }
        );
        assert_eq!(requirements.eni_config, "us-west-2a");
        assert!(!requirements.prefixes && !requirements.pod_eni && !requirements.is_this_node);
    }
}
