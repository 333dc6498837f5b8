//! Every check of a boot, for this node, each asked once.

use super::Line;
use crate::adapter::{Deadline, chain};
use crate::command::Context;
use crate::command::cluster::OnNode;
use crate::error::Error;
use crate::observe::Connection;
use crate::report;
use crate::wait::{Patience, until_known, until_ready};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::domain::finding::Finding;
use eni_core::plan::{Plan, plan};
use eni_core::settings::{CniSource, Wait};

pub(super) async fn check(context: Context) -> Result<Vec<Line>, Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds.wait().into());
    let node = OnNode::look(endpoints, names, settings, deadline).await?;
    let findings = Box::pin(findings(&node)).await;
    Ok(findings.into_iter().map(|finding| Line { of: None, finding }).collect())
}

/// One check after the other, as far as one allows the next.
async fn findings(node: &OnNode) -> Vec<Finding> {
    let OnNode { facts, settings, .. } = node;
    let instance = &facts.instance;
    let mut findings = vec![
        Finding::ok("instance", format!("{} in {}", instance.instance_type, instance.zone)),
        Finding::ok("host", format!("{} ({})", facts.host.host, facts.host.reason)),
    ];
    let connection = match node.connect().await {
        Ok(connection) => {
            findings.push(Finding::ok("cluster", connection.cluster.to_string()));
            Some(connection)
        }
        Err(error) => {
            findings.push(failed("cluster", &error));
            None
        }
    };
    let mut aws_node = None;
    if settings.cni.source() == CniSource::Cluster {
        let Some(connection) = &connection else { return findings };
        match until_known(&connection.api, Patience::begin(Wait::Once)).await {
            Ok(found) => {
                findings.push(Finding::ok("aws-node", found.cni.to_string()));
                findings.extend(report::remarks(&found.remarks));
                aws_node = Some(found);
            }
            Err(error) => {
                findings.push(Finding::fails("aws-node", error.reason.to_string(), error.help()));
                return findings;
            }
        }
    }
    let plan = match plan(facts, settings, aws_node.as_ref()) {
        Ok(plan) => plan,
        Err(error) => {
            findings.push(failed("plan", &error.into()));
            return findings;
        }
    };
    findings.push(Finding::ok("max-pods", plan.capacity.to_string()));
    findings.extend(report::of_plan(facts, &plan));
    match (&plan.wait, &connection) {
        (None, _) => findings.push(Finding::ok("ENIConfig", "none: custom networking is off")),
        (Some(_), None) => {}
        (Some(name), Some(connection)) => {
            findings.extend(eni_config(node, &plan, name, connection, aws_node.as_ref()).await);
        }
    }
    findings
}

async fn eni_config(
    node: &OnNode,
    plan: &Plan,
    name: &EniConfigName,
    connection: &Connection,
    aws_node: Option<&AwsNode>,
) -> Vec<Finding> {
    let patience = Patience::begin(Wait::Once);
    let ready = match until_ready(&connection.api, name, patience, async |_| Vec::new()).await {
        Ok(ready) => ready,
        Err(error) => {
            let says = format!("{}: {}", error.awaited, error.reason);
            return vec![Finding::fails("ENIConfig", says, error.help())];
        }
    };
    let mut findings = vec![Finding::ok("ENIConfig", format!("{name} is there"))];
    match node.verifier(name, plan, connection, aws_node).await {
        Some(verifier) => findings.extend(verifier.findings(&ready.eni_config).await),
        None => findings.push(Finding::skipped("verify", "eni-config.verify is false", None)),
    }
    findings
}

fn failed(check: &'static str, error: &Error) -> Finding {
    Finding::fails(check, chain(error), error.help())
}
