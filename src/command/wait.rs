//! Only the wait: for a unit or a script of one's own that has written the files already.

use crate::adapter::dns::Names;
use crate::adapter::eks::TokenSource;
use crate::adapter::kubernetes::{ApiServer, ConnectError};
use crate::adapter::{Deadline, Endpoints, aws};
use crate::command::Context;
use crate::domain::eni_config::EniConfigName;
use crate::domain::zone::Region;
use crate::error::{Error, UsageError};
use crate::plan::{ClusterAccess, plan};
use crate::settings::Wait;
use crate::wait::{Ready, until_ready};
use crate::{observe, report};
use tracing::info;

/// Waits for this node's ENIConfig.
pub async fn wait(context: Context) -> Result<(), Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds_wait);
    let facts = observe::facts(&endpoints, &names, &settings, deadline).await?;
    let plan = plan(&facts, &settings)?;
    let awaited = plan.wait.as_ref().ok_or(Error::Usage(UsageError::NothingToWaitFor))?;
    let (name, cluster) = (&awaited.name, awaited.cluster.clone()?);
    let region = &facts.instance.region;
    let ready = for_eni_config(&endpoints, &names, name, &cluster, region, settings.wait).await?;
    report::ready(&plan, &ready);
    Ok(())
}

/// Connects to the cluster and waits.
pub(super) async fn for_eni_config(
    endpoints: &Endpoints,
    names: &Names,
    name: &EniConfigName,
    cluster: &ClusterAccess,
    region: &Region,
    wait: Wait,
) -> Result<Ready, Error> {
    let api = match cluster {
        ClusterAccess::Kubeconfig(path) => ApiServer::by_kubeconfig(path, names).await?,
        ClusterAccess::Node { name, endpoint, certificate_authority } => {
            let config = aws::sdk_config(endpoints, names, region)
                .await
                .map_err(|error| ConnectError::Token(error.into()))?;
            let source = TokenSource::new(&config, region.clone(), name.clone())
                .map_err(ConnectError::Token)?;
            ApiServer::as_node(endpoint, certificate_authority, source, names)?
        }
    };
    let limit = match wait {
        Wait::Once => "asking once".to_owned(),
        Wait::For(time) => format!("for {} at most", humantime::format_duration(time)),
        Wait::Forever => "for ever".to_owned(),
    };
    info!("wait: for ENIConfig {name}, {limit}");
    Ok(until_ready(&api, name, wait).await?)
}
