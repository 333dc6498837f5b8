//! Core dumps, and the memory of a running process.

use crate::support::bottlerocket::Host;
use crate::support::node::{Running, in_cluster, run_output};
use crate::support::real_parts::{not_run, program, require_root};
use eni_bootstrap_sandbox::KubernetesApi;
use serde_json::{Value, json};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The longest time until memory is freed.
const TIME_LIMIT: Duration = Duration::from_mins(5);
/// A line of the log of an agent that waits for its ENIConfig.
const WAITS: &str = "us-west-2a not found";

/// Returns whether the tests run as root.
fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Returns the files in `directory` that the kernel names after `core_pattern`.
fn core_files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("core")).collect()
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let directory = tempfile::tempdir().unwrap();
    let shell = |script: &str| {
        let mut shell = Command::new("sh");
        shell.current_dir(directory.path()).args(["-c", &format!("ulimit -c unlimited; {script}")]);
        shell
    };
    let control = shell("kill -SEGV $$").stderr(Stdio::null()).status().unwrap();
    assert_eq!(control.signal(), Some(11));
    if !control.core_dumped() {
        not_run(
            "a kernel that writes core dumps",
            "raise the hard limit of `ulimit -c`, and set kernel.core_pattern",
        );
        return;
    }
    for core in core_files(directory.path()) {
        fs::remove_file(directory.path().join(core)).unwrap();
    }
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    // The Rust runtime handles the first SIGSEGV that another process sends. A shell script ignores SIGQUIT
    // in the programs that it starts in the background.
    for (name, number) in [("ABRT", 6), ("ILL", 4), ("SYS", 31)] {
        let agent = node.command(["run"]);
        let mut command = shell("exec \"$0\" \"$@\"");
        command.arg(agent.get_program()).args(agent.get_args()).env_clear();
        command.envs(agent.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut running = Running::new(command);
        running.until(WAITS);
        let limits = fs::read_to_string(format!("/proc/{}/limits", running.id())).unwrap();
        let limit = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(
            limit.split_whitespace().collect::<Vec<_>>(),
            ["Max", "core", "file", "size", "0", "0", "bytes"]
        );
        let kill = format!("kill -{name} {}", running.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let status = running.status();
        assert_eq!((status.signal(), status.core_dumped()), (Some(number), false));
        assert_eq!(core_files(directory.path()), Vec::<String>::new());
    }
}

/// Returns a command that runs without capabilities, as in the unit.
fn without_capabilities(setpriv: &Path, command: &Command) -> Command {
    let mut setpriv = Command::new(setpriv);
    if is_root() {
        setpriv.args(["--bounding-set=-all", "--inh-caps=-all"]);
    }
    setpriv.arg(command.get_program()).args(command.get_args()).env_clear();
    setpriv.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    setpriv
}

#[test]
fn other_processes_of_the_same_user_cannot_read_the_environment_of_the_agent() {
    let Some(setpriv) = program("setpriv", "util-linux") else { return };
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let mut agent = Running::new(without_capabilities(&setpriv, &node.command(["run"])));
    agent.until(WAITS);
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo started >&2; read line"]).env("NAME", "value");
    let mut other = without_capabilities(&setpriv, &shell);
    other.stdin(Stdio::piped());
    let mut other = Running::new(other);
    other.until("started");
    let read = |process: u32| {
        let mut cat = Command::new("cat");
        cat.arg(format!("/proc/{process}/environ"));
        run_output(without_capabilities(&setpriv, &cat).output().unwrap())
    };
    let control = read(other.id());
    let output = read(agent.id());
    assert!(control.stdout.contains("NAME=value\0"), "{control:?}");
    let message = format!("cat: /proc/{}/environ: Permission denied\n", agent.id());
    assert_eq!((output.stdout, output.stderr), (String::new(), message));
}

/// Returns whether the writable memory of the process contains `text`.
fn memory_contains(process: u32, text: &str) -> bool {
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw-p ") && !line.contains("[vvar"));
    let ranges = writable.map(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        (start, usize::try_from(end - start).unwrap())
    });
    ranges.into_iter().any(|(start, length)| {
        let mut bytes = vec![0; length];
        // The process may unmap a range at any time.
        let read = memory.read_at(&mut bytes, start).unwrap_or(0);
        bytes[..read].windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// Waits until the memory of the process no longer contains `text`.
fn assert_cleared(process: u32, text: &str) {
    let start = Instant::now();
    while memory_contains(process, text) {
        assert!(start.elapsed() < TIME_LIMIT, "the memory still contains {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn discarded_secrets_of_bottlerocket_are_not_in_memory() {
    let Some(()) = require_root() else { return };
    let token = "abcdef.0123456789abcdef";
    let host = Host::with(|seed: &mut Value| {
        seed["kubernetes"]["bootstrap-token"] = json!(token);
        seed["network"] = json!({ "https-proxy": "http://me:hunter2-proxy@127.0.0.1:9", "no-proxy": ["127.0.0.1"] });
    });
    host.api.delete("us-west-2a");
    let mut running = host.node.start(["run"]);
    running.until(WAITS);
    let received = host.settings.lines();
    assert!(
        received.contains(&"GET /settings?prefix=settings.kubernetes".to_owned()),
        "{received:?}"
    );
    assert!(memory_contains(running.id(), "hunter2-proxy"), "the agent still uses the proxy");
    assert_cleared(running.id(), token);
}

#[test]
fn a_rejected_token_of_an_exec_plugin_is_not_in_memory() {
    let Some(()) = require_root() else { return };
    let api = KubernetesApi::start();
    let (first, second) = ("first-token-0123456789", "second-token-0123456789");
    api.accept_tokens(vec![second.to_owned()]);
    let (node, _imds) = in_cluster(&api);
    let directory = node.root().display();
    let script = node.file(
        "plugin",
        &format!(
            "#!/bin/sh\n[ -e {directory}/called ] && token=second || token=first\ntouch {directory}/called\nprintf '{{\"kind\": \"ExecCredential\", \"status\": {{\"token\": \"%s-token-0123456789\"}}}}' $token\nulimit -Hc >{directory}/core-limit\n"
        ),
    );
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&api.kubeconfig()).unwrap();
    kubeconfig["users"][0]["user"] = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": script,
    }});
    let kubeconfig = node.file("kubeconfig", &kubeconfig.to_string());
    let mut running = node.start(["run", "--cluster-kubeconfig", kubeconfig.to_str().unwrap()]);
    running.until(WAITS);
    assert!(memory_contains(running.id(), second), "the agent still uses the second token");
    assert_cleared(running.id(), first);
    let tokens: Vec<String> = api.requests().into_iter().filter_map(|it| it.token).collect();
    assert_eq!(tokens.first().map(String::as_str), Some(first));
    assert_eq!(node.read("core-limit").unwrap(), "0\n");
}
