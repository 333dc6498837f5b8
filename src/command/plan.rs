//! Everything but apply and wait: the figures, the files as they would be, what differs.

use crate::adapter::Deadline;
use crate::command::cluster::OnNode;
use crate::command::{Context, print};
use crate::error::Error;
use crate::report;
use crate::report::Shown;
use crate::wait::Patience;
use clap::ValueEnum;
use eni_core::plan::access;
use eni_core::settings::Wait;

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For a person: the sum and the files
    #[default]
    Text,
    /// For a program: every term of the sum, every file
    Json,
    /// The same as YAML
    Yaml,
    /// What `run` would change, as a unified diff; nothing where it would change nothing
    Diff,
    /// The kubelet's arguments on one line
    KubeletArgs,
}

/// Prints the plan for this machine.
pub async fn show(context: Context, output: Output) -> Result<(), Error> {
    let (endpoints, names, settings) = context.settings()?;
    let deadline = Deadline::after(settings.imds.wait().into());
    let node = OnNode::look(endpoints, names, settings, deadline).await?;
    // Asked once: a plan is for somebody who looks on.
    let asked = Box::pin(node.ask(Patience::begin(Wait::Once))).await?;
    let plan = node.plan(&asked)?;
    let OnNode { endpoints, settings, facts, names: _ } = &node;
    let refused = plan.wait.as_ref().and_then(|_| access(facts, settings).err());
    let refused = refused.map(|error| format!("a run would be refused: {error}"));
    let (connection, aws_node) = (asked.connection.as_ref(), asked.aws_node.as_ref());
    let shown = Shown { facts, connection, aws_node, refused };
    let text = match output {
        Output::Text => report::plan_text(&shown, &plan),
        Output::Json => format!("{:#}\n", report::plan_json(&shown, &plan)),
        Output::Yaml => serde_saphyr::to_string(&report::plan_json(&shown, &plan))
            .map_err(|error| Error::Output(std::io::Error::other(error)))?,
        Output::Diff => report::diff(&endpoints.root, &plan.changes)?,
        Output::KubeletArgs => plan.kubelet.arguments().join(" ") + "\n",
    };
    print(&text)
}
