//! The commands that are interrupted, with the states of the node before and after them.

use crate::support::faults::crash_node::{Cluster, CrashNode, Host, State, hosts};
use crate::support::faults::snapshot::Snapshot;
use crate::support::faults::strace::{Injection, Point, Trace, inject, trace};
use crate::support::node::{RunOutput, run_output};
use eni_bootstrap_sandbox::Fault;
use std::path::Path;

/// A command on a node, without interruption.
pub struct Case {
    pub host: Host,
    /// `run, first`, `run, update` or `undo`.
    pub command: &'static str,
    argument: &'static str,
    pub before: State,
    pub after: State,
    /// The files during a transaction on Bottlerocket.
    pub during: Option<Snapshot>,
    pub trace: Trace,
}

/// An interrupted command, and the same command again.
pub struct Interrupted {
    pub first: RunOutput,
    pub between: State,
    pub second: RunOutput,
    pub last: State,
}

/// Returns the first run, a run that updates an older configuration, and `undo`, on each host.
pub fn cases(cluster: &Cluster, strace: &Path) -> Vec<Case> {
    hosts().iter().flat_map(|host| cases_of(cluster, strace, host)).collect()
}

fn cases_of(cluster: &Cluster, strace: &Path, host: &Host) -> [Case; 3] {
    let case = |command, argument, before: State| {
        let node = cluster.node_in(&before);
        let (output, trace) = trace(strace, &node.command(&[argument]), &node.root(), &node.log());
        assert_eq!(output.status, Some(0), "{}, {command}: {}", host.name, output.stderr);
        let after = node.state();
        assert_eq!(after.files.drafts(), Vec::<&Path>::new());
        let during =
            (host.bottlerocket && argument == "run").then(|| during_transaction(cluster, &before));
        Case { host: host.clone(), command, argument, before, after, during, trace }
    };
    let first = case("run, first", "run", cluster.new_node(host).state());
    let update = case("run, update", "run", older(cluster, &first.before));
    assert_eq!(update.after.differences(&first.after), Vec::<String>::new(), "{}", host.name);
    let undo = case("undo", "undo", first.after.clone());
    [first, update, undo]
}

/// Returns the state of a node that another configuration and an earlier version have configured.
pub fn older(cluster: &Cluster, before: &State) -> State {
    let node = cluster.node_in(before);
    let output = run_output(node.command(&["run", "--pods-max=9"]).output().unwrap());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let mut state = node.state();
    state.files.outdate_own_files();
    state
}

/// Returns the files of a run on Bottlerocket between the two writes of its record.
fn during_transaction(cluster: &Cluster, before: &State) -> Snapshot {
    let node = cluster.node_in(before);
    let server = node.settings().unwrap();
    server.faults().fail_next_matching("PATCH", 1, Fault::Status(400));
    let output = run_output(node.command(&["run"]).output().unwrap());
    assert_eq!(output.status, Some(78), "{}", output.stderr);
    node.state().files
}

impl Case {
    /// Runs the command with an injection, and then again without it.
    pub fn interrupt(
        &self,
        cluster: &Cluster,
        strace: &Path,
        point: &Point,
        injection: Injection,
    ) -> Interrupted {
        let node = cluster.node_in(&self.before);
        let (root, log) = (node.root(), node.log());
        let command = node.command(&[self.argument]);
        let first = inject(strace, (&command, &root), &log, &self.trace, (point, injection));
        let between = node.state();
        let second = self.run(&node);
        Interrupted { first, between, second, last: node.state() }
    }

    /// Runs the command without interruption.
    pub fn run(&self, node: &CrashNode<'_>) -> RunOutput {
        run_output(node.command(&[self.argument]).output().unwrap())
    }
}
