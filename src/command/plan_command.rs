//! `plan`: prints what `run` would do, without changing anything.

use crate::adapter::Context;
use crate::command::node_session::NodeSession;
use crate::command::{json_text, kubelet_args, print, yaml_text};
use crate::error::Error;
use crate::report::{self, PlanView};
use clap::ValueEnum;
use eni_core::plan::access;
use eni_core::settings::{Settings, Wait};
use std::time::Duration;

/// The longest wait for the CNI configuration: `plan` is interactive.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The format of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Text: the calculation and the files
    #[default]
    Text,
    /// JSON: every term of the calculation and every file
    Json,
    /// YAML with the same content as JSON
    Yaml,
    /// A unified diff of the files that `run` would change; empty if none would change
    Diff,
    /// The kubelet flags on one line
    KubeletArgs,
}

/// Prints the plan for this node.
pub(crate) async fn show(
    context: Context,
    settings: Settings,
    output: Output,
) -> Result<(), Error> {
    let mut node = NodeSession::open(context, settings).await?;
    let timer = node.start_timer(wait(node.settings.eni_config.wait())).transient_only();
    let cluster = Box::pin(node.cluster_state(timer)).await?;
    let plan = node.plan(&cluster)?;
    let NodeSession { context, settings, facts, .. } = &node;
    let run_error = plan.wait.as_ref().and_then(|_| access(facts, settings).err());
    if run_error.is_some() {
        report::cluster_unknown(facts);
    }
    let (connection, aws_node) = (cluster.connection.as_ref(), cluster.aws_node.as_ref());
    let view = PlanView { facts, connection, aws_node, run_error };
    let text = match output {
        Output::Text => report::plan_text(&view, &plan),
        Output::Json => json_text(&report::plan_json(&view, &plan)),
        Output::Yaml => yaml_text(&report::plan_json(&view, &plan))?,
        Output::Diff => report::diff(&context.root, &plan.changes)?,
        Output::KubeletArgs => kubelet_args(&plan, facts)?,
    };
    print(&text)
}

/// Returns the shorter one of `configured`, the wait of `run`, and [`LONGEST_WAIT`].
fn wait(configured: Wait) -> Wait {
    match configured {
        Wait::Once => Wait::Once,
        Wait::For(time) => Wait::For(time.min(LONGEST_WAIT)),
        Wait::Forever => Wait::For(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_waits_no_longer_than_run_and_at_most_30_seconds() {
        let seconds = |seconds| Wait::For(Duration::from_secs(seconds));
        assert_eq!(wait(Wait::Once), Wait::Once);
        assert_eq!(wait(seconds(5)), seconds(5));
        assert_eq!(wait(seconds(600)), seconds(30));
        assert_eq!(wait(Wait::Forever), seconds(30));
    }
}
