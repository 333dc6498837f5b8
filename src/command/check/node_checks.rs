//! The checks for this node: everything that `run` depends on, with one attempt each.

use super::unit_checks;
use crate::adapter::Context;
use crate::adapter::kubernetes::EniConfig;
use crate::command::node_session::NodeSession;
use crate::command::zone_subnets::CheckScope;
use crate::error::Error;
use crate::observe::{Connection, LastRun};
use crate::verify::ClusterObjects;
use crate::wait::{WaitTimer, until_cni_config, until_ready};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::failure::{Advice as _, one_line};
use eni_core::plan::{Plan, plan};
use eni_core::settings::{CniSource, FallbackWait, Settings, Wait};
use std::time::Duration;

/// Checks this node.
pub(super) async fn check(context: Context, settings: Settings) -> Result<Vec<Diagnostic>, Error> {
    let mut settings = settings;
    let run_settings = settings.clone();
    // A check must not hide that a service does not respond.
    settings.fallback.wait = Some(FallbackWait::Off);
    let mut node = NodeSession::open(context, settings).await?;
    let last_run = LastRun::read(&node.context, &run_settings);
    let last_run = last_run.and_then(|it| it.applicable(&node.facts, &run_settings));
    Ok(Box::pin(diagnostics(&mut node, last_run)).await)
}

/// Runs the checks in order. Omits checks that depend on a failed one. `last_run` is only for the tags of the
/// node's subnet.
async fn diagnostics(node: &mut NodeSession, last_run: Option<LastRun>) -> Vec<Diagnostic> {
    let NodeSession { facts, settings, .. } = &*node;
    let instance = &facts.instance;
    let mut diagnostics = vec![
        Diagnostic::ok(
            Code::InstanceOk,
            format!("{} in {}", instance.instance_type, instance.zone),
        ),
        Diagnostic::ok(Code::HostOk, format!("{} ({})", facts.host.kind, facts.host.reason)),
    ];
    let connection = match node.connect(node.start_timer(Wait::Once)).await {
        Ok(connection) => {
            let text = connection.cluster.to_string();
            diagnostics.push(Diagnostic::ok(Code::ClusterOk, text));
            Some(connection)
        }
        Err(error) => {
            diagnostics.push(failed(Code::ClusterFailed, &error));
            None
        }
    };
    let mut aws_node = None;
    if settings.cni.source() == CniSource::Cluster {
        let Some(connection) = &connection else { return diagnostics };
        let timer = WaitTimer::start(Wait::Once);
        match until_cni_config(&connection.api, &node.local_node(), timer).await {
            Ok(config) => {
                diagnostics.push(Diagnostic::ok(Code::CniOk, config.cni.to_string()));
                diagnostics.extend(config.diagnostics.iter().cloned());
                // `check` must compute the same max-pods as `run`.
                node.last_run = last_run;
                node.read_zone_subnets(&config).await;
                aws_node = Some(config);
            }
            Err(error) => {
                diagnostics.push(error.diagnostic());
                return diagnostics;
            }
        }
    }
    node.read_attached_interfaces(aws_node.as_ref()).await;
    let NodeSession { facts, settings, .. } = &*node;
    let plan = match plan(facts, settings, aws_node.as_ref()) {
        Ok(plan) => plan,
        Err(error) => {
            diagnostics.push(failed(Code::PlanFailed, &error.into()));
            return diagnostics;
        }
    };
    diagnostics.push(Diagnostic::ok(Code::MaxPodsComputed, plan.capacity.to_string()));
    // The diagnostics of the plan start with those of the CNI, which are already in the list.
    let listed = aws_node.iter().flat_map(|it| &it.diagnostics).count();
    diagnostics.extend(plan.diagnostics.iter().skip(listed).cloned());
    diagnostics.extend(unit_checks::diagnostics(node, &plan).await);
    diagnostics.extend(subnets(node, &plan, connection.as_ref(), aws_node.as_ref()).await);
    diagnostics
}

/// Checks the subnets of the pods: that of the ENIConfig, or those in the zone of the node.
async fn subnets(
    node: &mut NodeSession,
    plan: &Plan,
    connection: Option<&Connection>,
    aws_node: Option<&AwsNode>,
) -> Vec<Diagnostic> {
    match (&plan.wait, connection) {
        (None, _) => {
            let text = "not needed: custom networking is off";
            let mut diagnostics = vec![Diagnostic::ok(Code::EniConfigNotNeeded, text)];
            let scope = CheckScope::Complete;
            diagnostics.extend(node.zone_subnet_checks(plan, aws_node, scope).await);
            diagnostics
        }
        (Some(_), None) => Vec::new(),
        (Some(name), Some(connection)) => eni_config(node, plan, name, connection, aws_node).await,
    }
}

async fn eni_config(
    node: &NodeSession,
    plan: &Plan,
    name: &EniConfigName,
    connection: &Connection,
    aws_node: Option<&AwsNode>,
) -> Vec<Diagnostic> {
    let timer = WaitTimer::start(Wait::Once);
    let unverified = (Duration::ZERO, async |_: &EniConfig| Vec::new());
    let ready = match until_ready(&connection.api, name, timer, unverified).await {
        Ok(ready) => ready,
        Err(error) => return vec![error.diagnostic()],
    };
    let mut diagnostics = vec![Diagnostic::ok(Code::EniConfigOk, format!("\"{name}\" found"))];
    let objects = ClusterObjects::All;
    if let Some(verifier) = node.verifier(name, plan, connection, aws_node, objects).await {
        diagnostics.extend(verifier.diagnostics(&ready.eni_config).await);
    } else {
        let reason = "eni-config.verify is false";
        diagnostics.push(Diagnostic::skipped(Code::VerifyOff, reason, None));
    }
    diagnostics
}

fn failed(code: Code, error: &Error) -> Diagnostic {
    Diagnostic::failed(code, one_line(error), error.help())
}
