//! The commands on the command line: results on stdout, log lines and errors on stderr.

use crate::support::golden::{expect_golden, golden, host_file};
use crate::support::node::{Node, RunOutput, in_cluster, ready_api};
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::{Value, json};
use std::process::Stdio;

fn result(stdout: &str) -> RunOutput {
    RunOutput { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
}

#[test]
fn an_invalid_command_line_is_64() {
    for arguments in [
        &["max-pods"][..],
        &["max-pods", "--instance-type", "m5.large", "--cni-custom-netwroking-enabled"],
        &["max-pods", "--instance-type", "m5 large"],
        &["max-pods", "--instance-type", "m5.large", "--cni-version", "latest"],
        &["run", "--eni-config-wait", "soon"],
        &["frobnicate"],
    ] {
        let output = Node::empty().run(arguments);
        assert_eq!((output.status, output.stdout.as_str()), (Some(64), ""), "{arguments:?}");
        assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    }
}

#[test]
fn plan_as_json_contains_every_term_of_the_calculation() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["plan", "--output", "json", "--cni-prefix-delegation"]);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        plan["capacity"],
        json!({
            "interfaces": 3, "max_eni": null, "reserved": 0, "trunk": 0, "primary_set_aside": 1,
            "primary_excluded": 0, "attached_excluded": 0, "not_created": 0,
            "attached_addresses": null,
            "other_cards": 0, "interfaces_for_pods": 2, "address_target": null,
            "slots_per_interface": 9, "addresses_per_slot": 16, "addresses": 288,
            "host_network_pods": 2, "uncapped": 290, "ceiling": 110, "max_pods_override": null,
            "max_pods": 110,
        })
    );
    assert_eq!(plan["eni-config"], "us-west-2a");
    assert_eq!(
        plan["diagnostics"],
        json!([{
            "code": "setting-overrides-daemonset", "severity": "warning", "subject": "settings",
            "text": "cni.prefix-delegation = true overrides the aws-node DaemonSet, where ENABLE_PREFIX_DELEGATION is false; max-pods might be wrong for the actual CNI configuration",
            "help": "remove cni.prefix-delegation from the settings to use the value from the DaemonSet",
        }])
    );
    assert_eq!(plan["cni"]["source"], "cluster");
    assert_eq!(
        plan["cluster"],
        format!("sandbox at {} (source: NodeConfig in user data)", api.url())
    );
    assert_eq!(plan["instance"]["zone-id"], "usw2-az1");
    assert_eq!(plan["kubelet"]["kube-reserved"]["memory"], "1465Mi");
    assert_eq!(node.written(), Vec::<String>::new(), "a plan writes nothing");
}

#[test]
fn plan_supports_every_output_format() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let plan = |format: &str| {
        let output = node.run(["plan", "--output", format]);
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{format}");
        // The port differs in each run.
        output.stdout.replace(&api.url(), "https://API")
    };
    expect_golden(&golden().join("plan/text"), &plan("text"));
    expect_golden(&golden().join("plan/yaml"), &plan("yaml"));
    expect_golden(&golden().join("plan/diff"), &plan("diff"));
    assert_eq!(
        plan("kubelet-args"),
        "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a\n"
    );
}

#[test]
fn run_writes_and_waits_and_a_second_run_writes_nothing() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    let run = node.start(["run"]);
    assert!(api.wait_for("watch", 1, std::time::Duration::from_mins(5)));
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
    let first = run.end();
    assert_eq!((first.status, first.stdout.as_str()), (Some(0), ""), "{}", first.stderr);
    expect_golden(&golden().join("run/first.log"), &steady(&first.stderr, &api));
    assert_eq!(node.written(), ["etc/eks/nodeadm.d/90-eni-bootstrap.yaml"]);
    let path = node.root().join("etc/eks/nodeadm.d/90-eni-bootstrap.yaml");
    let touched = |path: &std::path::Path| {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(path).unwrap();
        (metadata.ino(), metadata.mtime_nsec(), metadata.mode() & 0o7777)
    };
    let before = touched(&path);
    assert_eq!(before.2, 0o644);
    let second = node.run(["run"]);
    assert_eq!(second.status, Some(0), "{}", second.stderr);
    expect_golden(&golden().join("run/second.log"), &steady(&second.stderr, &api));
    assert_eq!(touched(&path), before);
    assert_eq!(node.run(["plan", "--output", "diff"]), result(""));
    let tokens: Vec<_> = api.requests().into_iter().filter_map(|seen| seen.token).collect();
    assert!(tokens.iter().all(|token| token.starts_with("k8s-aws-v1.")), "{tokens:?}");
    assert!(!imds.requests().is_empty());
    let logs = first.stderr + &second.stderr;
    for secret in ["SECRETEXAMPLE", "sandbox-metadata-token", &tokens[0]] {
        assert!(!logs.contains(secret), "the log contains a secret");
    }
}

/// Replaces the port and the time in the log of a run.
pub fn steady(log: &str, api: &KubernetesApi) -> String {
    let steady = log.replace(&api.url(), "https://API");
    let after = ["found after ", "verified after "]
        .into_iter()
        .find_map(|text| steady.find(text).map(|at| at + text.len()))
        .unwrap_or(steady.len());
    let (before, rest) = steady.split_at(after);
    let seconds = rest.find(" s (").unwrap_or(0);
    format!("{before}N{}", &rest[seconds..])
}

#[test]
fn a_closed_pipe_on_stdout_ends_the_command_quietly() {
    for arguments in [&["max-pods", "--instance-type=m5.large"][..], &["run", "--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Node::empty().command(arguments);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let output = crate::support::node::run_output(output);
        assert_eq!(output, result(""), "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_does_not_hide_a_failed_check() {
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = node.command(["check"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    let output = crate::support::node::run_output(output);
    assert_eq!(output.status, Some(1), "{}", output.stderr);
    assert!(output.stderr.contains(" checks failed\n"), "{}", output.stderr);
}

#[test]
fn lines_in_the_journal_start_with_their_priority() {
    use std::os::unix::fs::MetadataExt as _;
    let logged = |arguments: &[&str], is_journal: bool| {
        let node = Node::empty();
        let path = node.file("stderr", "");
        let file = std::fs::File::options().append(true).open(&path).unwrap();
        let metadata = file.metadata().unwrap();
        let inode = metadata.ino() + u64::from(!is_journal);
        let mut command = node.command(arguments);
        command.env("JOURNAL_STREAM", format!("{}:{inode}", metadata.dev()));
        command.stderr(file).stdout(Stdio::null()).status().unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    let xen = ["max-pods", "--instance-type=m4.xlarge", "--cni-prefix-delegation-enabled"];
    let warning = logged(&xen, true);
    assert!(warning.starts_with("<4>warning: max-pods: prefix delegation requires"), "{warning}");
    assert!(logged(&xen, false).starts_with("warning: max-pods: prefix delegation requires"));
    for failing in [&["run", "--config=/nonexistent.toml"][..], &["run", "--frobnicate"]] {
        let report = logged(failing, true);
        assert!(report.starts_with("<3>error: "), "{report}");
        assert_eq!(report.lines().find(|line| !line.starts_with("<3>")), None);
        assert!(logged(failing, false).starts_with("error: "));
    }
}

#[test]
fn run_uses_the_user_of_a_kubeconfig() {
    let api = ready_api();
    api.accept_tokens(vec!["from-the-plugin".to_owned()]);
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    let credential = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-the-plugin"}}"#;
    let plugin = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "echo",
        "args": [credential],
        "interactiveMode": "Never",
    }});
    let mut config: Value = serde_json::from_str(&api.kubeconfig()).unwrap();
    config["users"][0]["user"] = plugin;
    let path = node.file("kubeconfig", &config.to_string());
    let output = node.run(["run", "--cluster-kubeconfig", path.to_str().unwrap()]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let tokens: Vec<_> = api.requests().into_iter().filter_map(|seen| seen.token).collect();
    assert_eq!(tokens, ["from-the-plugin", "from-the-plugin"], "the DaemonSet, the ENIConfig");
}

#[test]
fn al2_gets_a_drop_in_that_keeps_the_command_of_the_unit() {
    let api = ready_api();
    let (_, imds) = in_cluster(&api);
    let node = Node::al2().with("--imds-endpoint", imds.endpoint());
    // The unit before bootstrap.sh replaces it.
    node.file(
        "etc/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/bin/kubelet --docker\n",
    );
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let drop_in = "etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
    let files = [drop_in, "run/eni-bootstrap/kubelet.env"];
    for file in files {
        let expected = host_file("kubelet-dropin", "custom networking", &format!("/{file}"));
        assert_eq!(node.read(file).unwrap(), expected);
    }
    assert_eq!(node.written(), files);
}
