//! Everything but apply and wait: the figures, the files as they would be, what differs.

use crate::adapter::Deadline;
use crate::command::cluster::OnNode;
use crate::command::{Context, print};
use crate::error::Error;
use crate::report;
use crate::report::PlanView;
use crate::wait::WaitTimer;
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
    let deadline = Deadline::after(settings.imds_wait);
    let node = OnNode::look(endpoints, names, settings, deadline).await?;
    // Asked once: a plan is for somebody who looks on.
    let asked = Box::pin(node.ask(WaitTimer::start(Wait::Once))).await?;
    let plan = node.plan(&asked)?;
    let OnNode { endpoints, settings, facts, names: _ } = &node;
    let run_error = plan.wait.as_ref().and_then(|_| access(facts, settings).err());
    let (connection, aws_node) = (asked.connection.as_ref(), asked.aws_node.as_ref());
    let view = PlanView { facts, connection, aws_node, run_error };
    let text = match output {
        Output::Text => report::plan_text(&view, &plan),
        Output::Json => format!("{:#}\n", report::plan_json(&view, &plan)),
        Output::Yaml => serde_saphyr::to_string(&report::plan_json(&view, &plan))
            .map_err(|error| Error::Output(std::io::Error::other(error)))?,
        Output::Diff => report::diff(&endpoints.root, &plan.changes)?,
        Output::KubeletArgs => plan.kubelet.arguments().join(" ") + "\n",
    };
    print(&text)
}
