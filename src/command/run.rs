//! The straight line: facts → cluster → plan → apply → wait. Success means that the kubelet may start.

use crate::adapter::disk::RunLock;
use crate::adapter::{Deadline, retry};
use crate::command::Context;
use crate::command::cluster::OnNode;
use crate::error::Error;
use crate::plan::plan;
use crate::settings::OnTimeout;
use crate::wait::Patience;
use crate::{apply, observe, report};
use tracing::{info, warn};

/// Takes the machine from "just booted" to "the kubelet may start".
pub async fn run(context: Context) -> Result<(), Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds_wait);
    let _alone = retry(deadline, async || RunLock::take(&endpoints.root)).await?;
    let facts = observe::facts(&endpoints, &names, &settings, deadline).await?;
    report::facts(&facts);
    let patience = Patience::begin(settings.wait);
    let node = OnNode { endpoints: &endpoints, names: &names, settings: &settings, facts: &facts };
    let asked = node.ask(patience).await?;
    report::asked(&facts, asked.connection.as_ref(), asked.aws_node.as_ref());
    let aws_node = asked.aws_node.as_ref();
    let plan = plan(&facts, &settings, aws_node)?;
    // Before anything is written: a run that cannot wait must not look half done.
    let connection = match &plan.wait {
        Some(_) => Some(node.connected(asked.connection).await?),
        None => None,
    };
    report::plan(&facts, &plan);
    let applied = apply::apply(&endpoints.root, &plan.changes).await?;
    report::applied(&applied);
    if let (Some(name), Some(connection)) = (&plan.wait, &connection) {
        match node.wait_for(name, &plan, connection, aws_node, patience).await {
            Ok(ready) => report::ready(&plan, &ready),
            Err(Error::NotReady(error)) if settings.on_timeout == OnTimeout::Continue => {
                warn!("{error}; going on all the same: eni-config.on-timeout = \"continue\"");
            }
            Err(error) => return Err(error),
        }
    }
    info!("ready: the kubelet may start");
    Ok(())
}
