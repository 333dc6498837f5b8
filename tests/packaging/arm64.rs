//! The static binary for arm64, on a machine of its kind or by qemu: what it says and writes is what
//! this machine's own binary does.

use crate::behaviour::cli::steady;
use crate::support::golden::{expect_golden, golden};
use crate::support::node::{DROP_IN, Ended, Node, Running, ended, in_cluster};
use crate::support::real_parts::{arm64_binary, runs_by};
use eni_bootstrap_sandbox::KubernetesApi;
use serde_json::json;
use std::fs;
use std::process::Command;

/// As of the other binary: a boot fetches it.
const LARGEST: u64 = 12 << 20;

/// `command` with the arm64 binary in place of this machine's.
fn on_arm64(command: &Command) -> Option<Command> {
    let (mut programs, binary) = (runs_by("arm64")?, arm64_binary()?);
    programs.push(binary);
    let mut same = Command::new(&programs[0]);
    same.args(&programs[1..]).args(command.get_args()).env_clear();
    same.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(same)
}

fn run(arguments: &[&str]) -> Option<Ended> {
    Some(ended(on_arm64(&Node::empty().command(arguments))?.output().unwrap()))
}

#[test]
fn it_is_small() {
    let Some(binary) = arm64_binary() else { return };
    let size = fs::metadata(binary).unwrap().len();
    assert!(size <= LARGEST, "{size} bytes");
}

#[test]
fn it_says_its_version_and_counts() {
    let version = format!("eni-bootstrap {}\n", env!("CARGO_PKG_VERSION"));
    for (arguments, stdout) in [
        (["--version"].as_slice(), version.as_str()),
        (&["max-pods", "--instance-type", "m5.large"], "29\n"),
        (&["max-pods", "--instance-type", "c6g.large", "--cni-custom-networking-enabled"], "20\n"),
    ] {
        let Some(run) = run(arguments) else { return };
        let expected = Ended { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() };
        assert_eq!(run, expected, "{arguments:?}");
    }
}

/// A whole run, with an ENIConfig that comes while it waits: metadata, the API server over TLS, a token
/// signed with the role's credentials, a watch, and a file written.
#[test]
fn a_whole_run_logs_what_this_machines_binary_does() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    let mut command = node.command(["run"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let Some(command) = on_arm64(&command) else { return };
    let mut run = Running::new(command);
    run.until("wait: ENIConfig us-west-2a not found; retrying");
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
    let run = run.end();
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    expect_golden(&golden().join("run/first.log"), &steady(&run.stderr, &api));
    assert_eq!(node.written(), [DROP_IN]);
    let drop_in = node.read(DROP_IN).unwrap();
    assert!(drop_in.contains("\n      maxPods: 20\n"), "{drop_in}");
    // The token for the cluster was signed with the instance's role: nothing was in the environment.
    let role = "GET /latest/meta-data/iam/security-credentials/node".to_owned();
    assert!(imds.requests().contains(&role), "{:?}", imds.requests());
}
