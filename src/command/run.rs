//! The straight line: facts → plan → apply → wait. Success means that the kubelet may start.

use crate::adapter::disk::RunLock;
use crate::adapter::{Deadline, retry};
use crate::command::{Context, wait};
use crate::error::Error;
use crate::plan::plan;
use crate::settings::OnTimeout;
use crate::{apply, observe, report};
use tracing::{info, warn};

/// Takes the machine from "just booted" to "the kubelet may start".
pub async fn run(context: Context) -> Result<(), Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds_wait);
    let _alone = retry(deadline, async || RunLock::take(&endpoints.root)).await?;
    let facts = observe::facts(&endpoints, &names, &settings, deadline).await?;
    report::facts(&facts);
    let plan = plan(&facts, &settings)?;
    // Before anything is written: a run that cannot wait must not look half done.
    let cluster = plan.wait.as_ref().map(|awaited| awaited.cluster.clone()).transpose()?;
    report::plan(&facts, &plan);
    let applied = apply::apply(&endpoints.root, &plan.changes).await?;
    report::applied(&applied);
    if let (Some(awaited), Some(cluster)) = (&plan.wait, &cluster) {
        let (name, region) = (&awaited.name, &facts.instance.region);
        let wait = wait::for_eni_config(&endpoints, &names, name, cluster, region, settings.wait);
        match wait.await {
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
