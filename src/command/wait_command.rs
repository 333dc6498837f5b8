//! `wait`: waits for the ENIConfig without configuring the kubelet, for units and scripts that configure
//! it themselves.

use crate::adapter::Context;
use crate::command::node_session::NodeSession;
use crate::error::{Error, UsageError};
use crate::report;
use eni_core::domain::aws_node::AwsNode;
use eni_core::settings::Settings;

/// Waits until the ENIConfig of this node exists and fits.
pub(crate) async fn wait(context: Context, settings: Settings) -> Result<(), Error> {
    let mut node = NodeSession::open(context, settings).await?;
    let timer = node.start_timer(node.settings.eni_config.wait());
    let cluster = node.cluster_config(timer).await?;
    let aws_node = cluster.aws_node.as_ref();
    report::cluster(&node.facts, cluster.connection.as_ref(), aws_node);
    // The subnets and network interfaces affect only the plan of a node with an ENIConfig.
    if !uses_eni_config(&node.settings, aws_node) {
        return Err(Error::Usage(UsageError::NothingToWaitFor));
    }
    node.read_network(aws_node).await;
    let plan = node.plan(&cluster)?;
    let name = plan.wait.as_ref().ok_or(Error::Usage(UsageError::NothingToWaitFor))?;
    let connection = node.connection(cluster.connection, timer).await?;
    match node.wait_for_eni_config(name, &plan, &connection, aws_node, timer).await {
        Ok(ready) => {
            report::ready(&plan, &ready);
            Ok(())
        }
        Err(Error::NotReady(timeout)) if node.uses_recorded_eni_config(name, &timeout) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns whether custom networking is enabled.
fn uses_eni_config(settings: &Settings, aws_node: Option<&AwsNode>) -> bool {
    let configured = settings.cni.custom_networking;
    configured.unwrap_or_else(|| aws_node.is_none_or(|it| it.cni.custom_networking))
}
