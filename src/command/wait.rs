//! Only the wait: for a unit or a script of one's own that has written the files already.

use crate::adapter::Deadline;
use crate::command::Context;
use crate::command::cluster::OnNode;
use crate::error::{Error, UsageError};
use crate::report;
use crate::wait::Patience;

/// Waits for this node's ENIConfig.
pub async fn wait(context: Context) -> Result<(), Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds.wait().into());
    let node = OnNode::look(endpoints, names, settings, deadline).await?;
    let patience = Patience::begin(node.settings.eni_config.wait());
    let asked = node.ask(patience).await?;
    report::asked(&node.facts, asked.connection.as_ref(), asked.aws_node.as_ref());
    let plan = node.plan(&asked)?;
    let name = plan.wait.as_ref().ok_or(Error::Usage(UsageError::NothingToWaitFor))?;
    let connection = node.connected(asked.connection).await?;
    let ready = node.wait_for(name, &plan, &connection, asked.aws_node.as_ref(), patience).await?;
    report::ready(&plan, &ready);
    Ok(())
}
