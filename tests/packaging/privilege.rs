//! The host families without a unit run without capabilities, and write only their own files.
//! `tests/boot/privilege.rs` covers the host families with a unit.

use crate::support::boot::restrictions::SystemCallSets;
use crate::support::bottlerocket::{Host, as_planned, ready};
use crate::support::node::{Node, RunOutput, imds_with, ready_api, run_output};
use crate::support::real_parts::{program, require_root};
use crate::support::trace::Trace;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Runs eni-bootstrap as root without a capability. Asserts that it uses no system call that the units
/// block. Returns its output, and the paths below the root that it writes.
fn run_without_capabilities(
    node: &Node,
    arguments: &[&str],
) -> Option<(RunOutput, BTreeSet<String>)> {
    require_root()?;
    let (strace, analyze) = (program("strace", "strace")?, program("systemd-analyze", "systemd")?);
    let setpriv = program("setpriv", "util-linux")?;
    let trace = tempfile::NamedTempFile::new().unwrap();
    let run = node.command(arguments);
    let mut command = Command::new(strace);
    command.args(["-f", "-qq", "-y", "-s", "256", "-o"]).arg(trace.path()).arg(setpriv);
    command.args(["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]);
    command.arg(run.get_program()).args(run.get_args()).env_clear();
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = run_output(command.output().unwrap());
    let trace = Trace::read(&fs::read_to_string(trace.path()).unwrap(), "/eni-bootstrap");
    let filter = Command::new(analyze).args(["--no-pager", "syscall-filter"]).output().unwrap();
    let blocked = SystemCallSets::parse(&String::from_utf8(filter.stdout).unwrap()).blocked();
    let used: Vec<&String> = trace.calls.intersection(&blocked).collect();
    assert_eq!(used, Vec::<&String>::new(), "blocked system calls");
    let root = format!("{}/", node.root().display());
    let below = |path: &String| path.strip_prefix(&root).unwrap_or(path).to_owned();
    Some((output, trace.written.iter().map(below).collect()))
}

/// Returns the paths of files, without those of their directories.
fn files(written: &BTreeSet<String>) -> Vec<&str> {
    let is_file = |path: &&String| {
        let folder = format!("{path}/");
        !written.iter().any(|other| other.starts_with(&folder))
    };
    written.iter().filter(is_file).map(String::as_str).collect()
}

#[test]
fn bottlerocket_needs_no_capability() {
    let host = Host::new();
    let Some((output, written)) = run_without_capabilities(&host.node, &["run"]) else { return };
    ready(&output);
    assert_eq!(host.kubelet(), as_planned());
    let folder = ".bottlerocket/bootstrap-containers/current";
    assert_eq!(
        files(&written),
        [
            &format!("{folder}/.eni-bootstrap-last-run.json.eni-bootstrap-partial"),
            &format!("{folder}/.eni-bootstrap-result.json.eni-bootstrap-partial"),
            &format!("{folder}/.eni-bootstrap.toml.eni-bootstrap-partial"),
            &format!("{folder}/eni-bootstrap-last-run.json"),
            &format!("{folder}/eni-bootstrap-result.json"),
            &format!("{folder}/eni-bootstrap.toml"),
            "run/eni-bootstrap/lock",
        ]
    );
}

#[test]
fn host_kind_none_needs_no_capability() {
    let api = ready_api();
    let imds = imds_with(api.node_config());
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    let arguments = ["run", "--host-kind=none"];
    let Some((output, written)) = run_without_capabilities(&node, &arguments) else { return };
    ready(&output);
    assert_eq!(
        files(&written),
        [
            "run/eni-bootstrap/.result.json.eni-bootstrap-partial",
            "run/eni-bootstrap/lock",
            "run/eni-bootstrap/result.json",
            "var/lib/eni-bootstrap/.last-run.json.eni-bootstrap-partial",
            "var/lib/eni-bootstrap/last-run.json",
        ]
    );
}
