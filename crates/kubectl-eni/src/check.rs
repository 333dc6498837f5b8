//! `check`: checks the ENIConfigs of all zones against EC2, and the IAM role of aws-node.

mod daemon_set;
mod eni_configs;
mod identity;
mod node_roles;
mod node_use;
mod policy;
mod repeated;
mod required_actions;
mod role_arn;
mod zones;

use crate::aws::AwsOptions;
use crate::cluster::{Cluster, ClusterOptions};
use crate::error::Error;
use crate::output::print;
use clap::{Args, ValueEnum};
use eni_bootstrap::adapter::ec2::Ec2;
use eni_bootstrap::adapter::kubernetes::{ApiServer, KubernetesError};
use eni_configs::{EniConfigChecks, Others};
use eni_core::diagnostic::checklist::{self, Line, Summary};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::cni_version::CniVersion;
use eni_core::domain::eni_config::NameTemplate;
use eni_core::domain::zone::Zone;
use eni_core::failure::{Advice as _, ExitCode, one_line};
use identity::IdentityCheck;
use node_use::NodeUse;
use role_arn::RoleArn;
use std::collections::BTreeMap;
use std::time::Duration;
use zones::NodeZone;

/// The columns of the text output. Commands to paste can be longer.
const WIDTH: usize = 100;
/// The help if the zones are unknown.
const SPECIFY_ZONES: &str = "specify the zones: `--zones us-west-2a,us-west-2b`";
/// The help if the nodes are unknown.
const LIST_NODES: &str =
    "allow your user to list nodes, or specify the zones: `--zones us-west-2a,us-west-2b`";
/// The time limit for the requests of one step to an AWS API, with their retries.
const REQUESTS: Duration = Duration::from_secs(20);

/// The flags of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Zones to check [default: every zone in which the cluster has a subnet or a node]
    #[arg(long, value_name = "ZONE,…", value_delimiter = ',')]
    zones: Vec<Zone>,
    /// Name of the ENIConfig of a node, as in the setting `eni-config.name` of eni-bootstrap
    #[arg(long, value_name = "TEMPLATE", default_value = "{zone}")]
    eni_config_name: NameTemplate,
    /// Version of the VPC CNI [default: from the tag of the aws-node image]
    #[arg(long, value_name = "VERSION")]
    cni_version: Option<CniVersion>,
    /// ARN of the IAM role of the nodes [default: the roles in the instance profiles of the nodes]
    #[arg(long, value_name = "ARN,…", value_delimiter = ',')]
    node_role: Vec<RoleArn>,
    /// Exit with code 1 instead of 2 if a check is skipped
    #[arg(long)]
    strict: bool,
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One line for each check, followed by a suggested fix
    #[default]
    Text,
    /// JSON
    Json,
}

/// Runs all checks, prints their results, and returns the exit code.
pub(crate) async fn run(
    arguments: CheckArgs,
    cluster: &ClusterOptions,
    aws: &AwsOptions,
) -> Result<ExitCode, Error> {
    let (strict, output) = (arguments.strict, arguments.output);
    let cluster = Cluster::connect(cluster).await?;
    let lines = Box::pin(checks(arguments, &cluster, aws)).await?;
    let summary = Summary::of(&lines);
    print(&match output {
        Output::Text => checklist::text(&repeated::shortened(lines), summary, Some(WIDTH)),
        Output::Json => checklist::json(&lines, summary),
    })?;
    Ok(exit_code(summary, strict))
}

fn exit_code(summary: Summary, strict: bool) -> ExitCode {
    match (summary.failed, summary.skipped) {
        (0, 0) => ExitCode::Success,
        (0, _) if !strict => ExitCode::CheckSkipped,
        _ => ExitCode::CheckFailed,
    }
}

async fn checks(
    arguments: CheckArgs,
    cluster: &Cluster,
    aws: &AwsOptions,
) -> Result<Vec<Line>, Error> {
    let CheckArgs { zones, eni_config_name, cni_version, node_role, .. } = arguments;
    let region = cluster.region()?;
    let context = aws.context()?;
    let api = ApiServer::with_client(cluster.client.clone());
    let state = daemon_set::read(cluster, &api, cni_version).await?;
    let aws_node = state.aws_node.as_ref();
    let eni_configs = api.eni_configs().await;
    let is_unused = eni_configs.as_ref().is_ok_and(BTreeMap::is_empty)
        && aws_node.is_some_and(|it| !it.cni.custom_networking);
    let mut diagnostics: Vec<Diagnostic> =
        aws_node.map(|it| daemon_set::usage(it, is_unused)).into_iter().collect();
    diagnostics.extend(state.diagnostics.iter().cloned());
    if let Some(service_account) = &state.service_account {
        let check = IdentityCheck {
            cluster,
            context: &context,
            aws,
            region,
            aws_node,
            service_account,
            node_selector: &state.node_selector,
            node_roles: &node_role,
        };
        diagnostics.extend(Box::pin(check.diagnostics()).await);
    }
    let eni_configs = match eni_configs {
        Ok(_) if is_unused => {
            let text = "not needed: custom networking is off";
            diagnostics.push(Diagnostic::ok(Code::EniConfigNotNeeded, text));
            return Ok(lines_of(diagnostics));
        }
        Ok(eni_configs) => eni_configs,
        Err(error) => {
            diagnostics.push(unreadable(&error));
            return Ok(lines_of(diagnostics));
        }
    };
    let (zones, others) = if zones.is_empty() {
        let mut others = Others { has_all_zones: true, node_use: None };
        let mut zones = match zones::of_cluster(cluster, &context, region).await {
            Ok(zones) => zones,
            Err(reason) => {
                diagnostics.push(zones_unknown(reason, SPECIFY_ZONES));
                others.has_all_zones = false;
                Vec::new()
            }
        };
        // Without the configuration of the CNI, which is reported above, the labels are unknown.
        if let Some(aws_node) = aws_node {
            match NodeUse::read(cluster, &api, aws_node).await {
                Ok(node_use) => {
                    node_use.add_zones(&mut zones);
                    others.node_use = Some(node_use);
                }
                Err(reason) => {
                    let reason = format!(
                        "the zones of the nodes and the ENIConfigs that they select are unknown: {reason}"
                    );
                    diagnostics.push(zones_unknown(reason, LIST_NODES));
                }
            }
        }
        (zones, Some(others))
    } else {
        // ENIConfigs of other zones are not meant to be checked.
        (zones.iter().map(NodeZone::by_name).collect(), None)
    };
    let ec2 = Ec2::new(&context, region).await.map_err(|error| one_line(&error));
    let checks = EniConfigChecks { name: eni_config_name, region, ec2, aws_node };
    let mut lines = lines_of(diagnostics);
    lines.extend(Box::pin(checks.lines(&zones, others.as_ref(), &eni_configs)).await);
    Ok(lines)
}

/// Returns the skipped check of zones that are unknown.
fn zones_unknown(reason: String, help: &str) -> Diagnostic {
    Diagnostic::skipped(Code::ZonesUnknown, reason, Some(help.to_owned()))
}

fn lines_of(diagnostics: Vec<Diagnostic>) -> Vec<Line> {
    diagnostics.into_iter().map(Line::from).collect()
}

/// Returns the failure to list the ENIConfigs.
fn unreadable(error: &KubernetesError) -> Diagnostic {
    let help = match error {
        KubernetesError::Forbidden(_) => {
            "allow the user of the kubeconfig to list eniconfigs.crd.k8s.amazonaws.com".into()
        }
        error => error.help(),
    };
    Diagnostic::failed(Code::EniConfigUnreadable, one_line(error), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_check_changes_the_exit_code_and_a_failed_one_takes_precedence() {
        let code = |failed, skipped, strict| {
            exit_code(Summary { failed, skipped, ..Summary::default() }, strict)
        };
        assert_eq!(code(0, 0, false), ExitCode::Success);
        assert_eq!(code(0, 0, true), ExitCode::Success);
        assert_eq!(code(0, 2, false), ExitCode::CheckSkipped);
        assert_eq!(code(0, 2, true), ExitCode::CheckFailed);
        assert_eq!(code(1, 2, false), ExitCode::CheckFailed);
    }
}
