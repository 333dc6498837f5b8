//! `run`: reads the instance and the CNI configuration, configures the kubelet, and waits for the
//! ENIConfig.

use crate::adapter::Context;
use crate::adapter::kubernetes::EniConfig;
use crate::command::node_session::{ClusterState, NodeSession};
use crate::command::{outdated, run_record, start_timeout};
use crate::error::Error;
use crate::wait::WaitTimer;
use crate::{apply, report};
use eni_core::failure::one_line;
use eni_core::plan::Plan;
use eni_core::record::RecordedEniConfig;
use eni_core::settings::{OnTimeout, Settings};
use tokio::time::Instant;
use tracing::{info, warn};

/// The ENIConfig at the end of a run.
enum EniConfigState {
    /// The CNI needs none.
    NotNeeded,
    /// It fits this node.
    Ready(EniConfig),
    /// The API server did not respond; it was ready in the last run.
    Recorded,
    /// It is not ready, and `eni-config.on-timeout` is `continue`.
    Missing,
}

/// Prepares this node for its kubelet. The kubelet may start only if this succeeds.
pub async fn run(context: Context, settings: Settings) -> Result<(), Error> {
    let started = Instant::now();
    let (_lock, node) = NodeSession::open_locked(context, settings).await?;
    report::facts(&node.facts);
    outdated::remove_of_another_instance(&node.context.root, &node.facts.instance).await;
    let wait = start_timeout::limited(node.settings.eni_config.wait(), started).await;
    let timer = node.start_timer(wait);
    let mut cluster = node.cluster_state(timer).await?;
    let (mut plan, mut eni_config) = prepare(&node, &mut cluster, timer).await?;
    // The API server responds again: the CNI configuration may have changed since the last run.
    if matches!(eni_config, EniConfigState::Ready(_)) && cluster.refresh().await {
        (plan, eni_config) = prepare(&node, &mut cluster, timer).await?;
    }
    save(&node, &cluster, &plan, eni_config);
    info!("ready: the node is ready for the kubelet");
    Ok(())
}

/// Configures the kubelet and waits for the ENIConfig.
async fn prepare(
    node: &NodeSession,
    cluster: &mut ClusterState,
    timer: WaitTimer,
) -> Result<(Plan, EniConfigState), Error> {
    report::cluster(&node.facts, cluster.connection.as_ref(), cluster.aws_node.as_ref());
    let plan = node.plan(cluster)?;
    // Connect before any file is written: a run that cannot wait must not change the node.
    if plan.wait.is_some() {
        cluster.connection = Some(node.connection(cluster.connection.take(), timer).await?);
    }
    report::plan(&plan);
    let root = &node.context.root;
    run_record::mark(root, &node.facts.instance);
    let applied =
        apply::apply(root, &plan.changes, node.settings.host.render_wait().into()).await?;
    report::applied(&applied);
    let eni_config = wait(node, cluster, &plan, timer).await?;
    Ok((plan, eni_config))
}

/// Waits for the ENIConfig of the plan.
async fn wait(
    node: &NodeSession,
    cluster: &ClusterState,
    plan: &Plan,
    timer: WaitTimer,
) -> Result<EniConfigState, Error> {
    let (Some(name), Some(connection)) = (&plan.wait, &cluster.connection) else {
        return Ok(EniConfigState::NotNeeded);
    };
    let aws_node = cluster.aws_node.as_ref();
    match node.wait_for_eni_config(name, plan, connection, aws_node, timer).await {
        Ok(ready) => {
            report::ready(plan, &ready);
            Ok(EniConfigState::Ready(ready.eni_config))
        }
        Err(Error::NotReady(timeout)) if node.uses_recorded_eni_config(name, &timeout) => {
            Ok(EniConfigState::Recorded)
        }
        Err(Error::NotReady(error))
            if node.settings.eni_config.on_timeout() == OnTimeout::Continue =>
        {
            let error = one_line(&error);
            warn!("wait: {error}; continuing because eni-config.on-timeout is \"continue\"");
            Ok(EniConfigState::Missing)
        }
        Err(error) => Err(error),
    }
}

/// Saves the record of this run, unless it depends on recorded values or has no ENIConfig.
fn save(node: &NodeSession, cluster: &ClusterState, plan: &Plan, eni_config: EniConfigState) {
    let eni_config = match eni_config {
        EniConfigState::NotNeeded => None,
        EniConfigState::Ready(eni_config) => plan.wait.as_ref().map(|name| RecordedEniConfig {
            name: name.to_string(),
            subnet: eni_config.subnet,
            security_groups: eni_config.security_groups,
        }),
        EniConfigState::Recorded | EniConfigState::Missing => return,
    };
    run_record::save(node, cluster, plan, eni_config);
}
