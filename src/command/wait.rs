//! Only the wait: for a unit or a script of one's own that has written the files already.

use crate::adapter::Deadline;
use crate::command::Context;
use crate::command::cluster::OnNode;
use crate::error::{Error, UsageError};
use crate::plan::plan;
use crate::wait::Patience;
use crate::{observe, report};

/// Waits for this node's ENIConfig.
pub async fn wait(context: Context) -> Result<(), Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds_wait);
    let facts = observe::facts(&endpoints, &names, &settings, deadline).await?;
    let patience = Patience::begin(settings.wait);
    let node = OnNode { endpoints: &endpoints, names: &names, settings: &settings, facts: &facts };
    let asked = node.ask(patience).await?;
    report::asked(&facts, asked.connection.as_ref(), asked.aws_node.as_ref());
    let aws_node = asked.aws_node.as_ref();
    let plan = plan(&facts, &settings, aws_node)?;
    let name = plan.wait.as_ref().ok_or(Error::Usage(UsageError::NothingToWaitFor))?;
    let connection = node.connected(asked.connection).await?;
    let ready = node.wait_for(name, &plan, &connection, aws_node, patience).await?;
    report::ready(&plan, &ready);
    Ok(())
}
