//! The static binary for arm64, run natively or by qemu. Its output is the same as that of the native
//! binary.

use crate::behaviour::cli::steady;
use crate::behaviour::round_trips::{Site, requests_of_a_first_boot};
use crate::support::golden::{expect_golden, golden};
use crate::support::node::{DROP_IN, Node, RunOutput, Running, in_cluster, run_output};
use crate::support::real_parts::{arm64_binary, runner_for};
use crate::support::sbom::assert_audited;
use eni_bootstrap_sandbox::KubernetesApi;
use serde_json::json;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// The maximum size in bytes: 7.42 MiB, as in the Makefile.
const MAX_SIZE: u64 = 7_780_433;

/// Returns `command` with the arm64 binary instead of the native one.
fn on_arm64(command: &Command) -> Option<Command> {
    let (mut programs, binary) = (runner_for("arm64")?, arm64_binary()?);
    programs.push(binary);
    let mut arm64 = Command::new(&programs[0]);
    arm64.args(&programs[1..]).args(command.get_args()).env_clear();
    arm64.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(arm64)
}

/// The time limit of a request to IMDS, after which the request is sent again.
const ATTEMPT: Duration = Duration::from_secs(2);

fn run(arguments: &[&str]) -> Option<RunOutput> {
    Some(run_output(on_arm64(&Node::empty().command(arguments))?.output().unwrap()))
}

#[test]
fn size_is_at_most_7_30_mib() {
    let Some(binary) = arm64_binary() else { return };
    let size = fs::metadata(binary).unwrap().len();
    assert!(size <= MAX_SIZE, "{size} bytes");
}

#[test]
fn lists_its_crates() {
    let Some(binary) = arm64_binary() else { return };
    assert_audited(&binary, "arm64");
}

#[test]
fn prints_version_and_max_pods() {
    let version = format!("eni-bootstrap {}\n", env!("CARGO_PKG_VERSION"));
    for (arguments, stdout) in [
        (["--version"].as_slice(), version.as_str()),
        (&["max-pods", "--instance-type", "m5.large"], "29\n"),
        (&["max-pods", "--instance-type", "c6g.large", "--cni-custom-networking-enabled"], "20\n"),
    ] {
        let Some(run) = run(arguments) else { return };
        let expected =
            RunOutput { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() };
        assert_eq!(run, expected, "{arguments:?}");
    }
}

/// The run reads the instance metadata, signs a token with the credentials of the role, calls the API
/// server over TLS, watches until the ENIConfig is created, and writes the drop-in.
#[test]
fn run_logs_the_same_as_the_native_binary() {
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
    // On a slow machine, the emulated binary exceeds the time limit of an attempt.
    let lines = run.stderr.split_inclusive('\n').filter(|line| !line.contains("; retrying in "));
    expect_golden(&golden().join("run/first.log"), &steady(&lines.collect::<String>(), &api));
    assert_eq!(node.written(), [DROP_IN]);
    let drop_in = node.read(DROP_IN).unwrap();
    assert!(drop_in.contains("\n      maxPods: 20\n"), "{drop_in}");
    // The cluster token is signed with the credentials of the instance role; the environment has none.
    let role = "GET /latest/meta-data/iam/security-credentials/node".to_owned();
    assert!(imds.requests().contains(&role), "{:?}", imds.requests());
}

#[test]
fn a_first_boot_sends_the_same_requests_as_the_native_binary() {
    let site = Site::new();
    let Some(mut command) = on_arm64(&site.command(&[])) else { return };
    let started = Instant::now();
    let output = run_output(command.output().unwrap());
    let time = started.elapsed();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let (mut requests, mut expected) = (site.requests(), requests_of_a_first_boot());
    // On a slow machine, the emulated binary can exceed the time limit of a request, and repeat it.
    if time >= ATTEMPT {
        requests.dedup();
        expected.dedup();
    }
    assert_eq!(requests, expected);
}
