//! `run`: reads the instance and the CNI configuration, configures the kubelet, and waits for the
//! ENIConfig.

use crate::adapter::Context;
use crate::command::node_session::NodeSession;
use crate::command::{kubelet_args, print};
use crate::error::Error;
use crate::wait::WaitTimer;
use crate::{apply, report};
use clap::ValueEnum;
use eni_core::failure::one_line;
use eni_core::settings::{OnTimeout, Settings};
use tracing::{info, warn};

/// The values that `run` prints after success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The kubelet flags on one line, as `plan --output kubelet-args` prints them
    KubeletArgs,
}

/// Prepares this node for its kubelet. The kubelet may start only if this succeeds. Prints `output` after
/// success.
pub async fn run(
    context: Context,
    settings: Settings,
    output: Option<Output>,
) -> Result<(), Error> {
    let (_lock, node) = NodeSession::open_locked(context, settings).await?;
    report::facts(&node.facts);
    let timer = WaitTimer::start(node.settings.eni_config.wait());
    let cluster = node.cluster_state(timer).await?;
    report::cluster(&node.facts, cluster.connection.as_ref(), cluster.aws_node.as_ref());
    let plan = node.plan(&cluster)?;
    // Connect before any file is written: a run that cannot wait must not change the node.
    let connection = match &plan.wait {
        Some(_) => Some(node.connection(cluster.connection).await?),
        None => None,
    };
    report::plan(&plan);
    let root = &node.context.root;
    let applied =
        apply::apply(root, &plan.changes, node.settings.host.render_wait().into()).await?;
    report::applied(&applied);
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
    }
    info!("ready: the node is ready for the kubelet");
    match output {
        Some(Output::KubeletArgs) => print(&kubelet_args(&plan)),
        None => Ok(()),
    }
}
