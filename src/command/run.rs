//! `run`: reads the instance and the CNI configuration, configures the kubelet, and waits for the
//! ENIConfig.

use crate::adapter::{Context, bottlerocket_commit};
use crate::apply::{self, ApplyError};
use crate::command::node_session::{ClusterState, NodeSession};
use crate::command::{kubelet_args, print};
use crate::error::Error;
use crate::report;
use crate::wait::WaitTimer;
use clap::ValueEnum;
use eni_core::failure::one_line;
use eni_core::plan::Plan;
use eni_core::settings::{OnTimeout, Settings};
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// The values that `run` prints after success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The kubelet flags on one line, as `plan --output kubelet-args` prints them
    KubeletArgs,
}

/// How often the plan is computed if other programs change files at the same time.
const MOST_PLANS: u32 = 3;

/// Runs [`run`] until it ends or SIGTERM stops it.
pub(crate) async fn run_until_sigterm(
    context: Context,
    settings: Settings,
    output: Option<Output>,
) -> Result<(), Error> {
    let root = context.root.clone();
    let mut sigterm = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
    select! {
        result = Box::pin(run(context, settings, output)) => result,
        _ = sigterm.recv() => {
            bottlerocket_commit::clean_up(&root).await;
            Err(Error::Terminated)
        }
    }
}

/// Prepares this node for its kubelet. The kubelet may start only if this succeeds. Prints `output` after
/// success.
pub async fn run(
    context: Context,
    settings: Settings,
    output: Option<Output>,
) -> Result<(), Error> {
    let (_lock, mut node) = NodeSession::open_locked(context, settings).await?;
    report::facts(&node.facts);
    let timer = WaitTimer::start(node.settings.eni_config.wait());
    let mut cluster = node.cluster_state(timer).await?;
    report::cluster(&node.facts, cluster.connection.as_ref(), cluster.aws_node.as_ref());
    let plan = configure(&mut node, &mut cluster).await?;
    let connection = cluster.connection;
    let NodeSession { context, settings, facts, .. } = &node;
    let root = &context.root;
    let unit_checks = facts.host.unit_checks(&plan.kubelet);
    let verified = apply::effect::verify(root, &unit_checks, &plan.changes).await?;
    report::verified(&verified);
    if let (Some(name), Some(connection)) = (&plan.wait, &connection) {
        let aws_node = cluster.aws_node.as_ref();
        match node.wait_for_eni_config(name, &plan, connection, aws_node, timer).await {
            Ok(ready) => report::ready(&plan, &ready),
            Err(Error::NotReady(error))
                if node.settings.eni_config.on_timeout() == OnTimeout::Continue =>
            {
                let error = one_line(&error);
                warn!("wait: {error}; continuing because eni-config.on-timeout is \"continue\"");
            }
            Err(error) => return Err(error),
        }
        // Another program may have changed a unit during the wait.
        apply::effect::verify(root, &unit_checks, &plan.changes).await?;
    }
    apply::confirm(root, &plan.changes, settings.host.render_wait().into()).await?;
    info!("ready: the node is ready for the kubelet");
    match output {
        Some(Output::KubeletArgs) => print(&kubelet_args(&plan)),
        None => Ok(()),
    }
}

/// Computes the plan from the files as they are now, and applies it. If another program changes a file in
/// between, computes the plan again, at most [`MOST_PLANS`] times in total.
///
/// If the plan has an ENIConfig to wait for, the cluster is connected when this returns.
async fn configure(node: &mut NodeSession, cluster: &mut ClusterState) -> Result<Plan, Error> {
    let mut plans = 0;
    loop {
        node.refresh_image().await?;
        let plan = node.plan(cluster)?;
        // Connect before any file is written: a run that cannot wait must not change the node.
        if plan.wait.is_some() {
            cluster.connection = Some(node.connection(cluster.connection.take()).await?);
        }
        report::plan(&plan);
        plans += 1;
        let NodeSession { context, settings, image, .. } = &*node;
        let render_wait = settings.host.render_wait().into();
        match apply::apply(&context.root, &plan.changes, &image.image, render_wait).await {
            Err(error @ ApplyError::Changed(_)) if plans < MOST_PLANS => {
                warn!("apply: {error}; computing the plan again");
            }
            applied => {
                report::applied(&applied?);
                return Ok(plan);
            }
        }
    }
}
