//! The straight line: facts → cluster → plan → apply → wait. Success means that the kubelet may start.

use crate::adapter::disk::RunLock;
use crate::adapter::{Deadline, retry};
use crate::command::Context;
use crate::command::cluster::OnNode;
use crate::error::Error;
use crate::wait::Patience;
use crate::{apply, report};
use eni_core::settings::OnTimeout;
use tracing::{info, warn};

/// Takes the machine from "just booted" to "the kubelet may start".
pub async fn run(context: Context) -> Result<(), Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds.wait().into());
    let _alone = retry(deadline, async || RunLock::take(&endpoints.root)).await?;
    let node = OnNode::look(endpoints, names, settings, deadline).await?;
    report::facts(&node.facts);
    let patience = Patience::begin(node.settings.eni_config.wait());
    let asked = node.ask(patience).await?;
    report::asked(&node.facts, asked.connection.as_ref(), asked.aws_node.as_ref());
    let plan = node.plan(&asked)?;
    // Before anything is written: a run that cannot wait must not look half done.
    let connection = match &plan.wait {
        Some(_) => Some(node.connected(asked.connection).await?),
        None => None,
    };
    report::plan(&node.facts, &plan);
    let applied =
        apply::apply(&node.endpoints.root, &plan.changes, node.settings.host.render_wait().into())
            .await?;
    report::applied(&applied);
    if let (Some(name), Some(connection)) = (&plan.wait, &connection) {
        match node.wait_for(name, &plan, connection, asked.aws_node.as_ref(), patience).await {
            Ok(ready) => report::ready(&plan, &ready),
            Err(Error::NotReady(error))
                if node.settings.eni_config.on_timeout() == OnTimeout::Continue =>
            {
                warn!("{error}; going on all the same: eni-config.on-timeout = \"continue\"");
            }
            Err(error) => return Err(error),
        }
    }
    info!("ready: the kubelet may start");
    Ok(())
}
