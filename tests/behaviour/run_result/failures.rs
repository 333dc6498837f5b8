//! The result of runs that fail, and runs that cannot write their result.

use super::{Site, TIME_LIMIT, result};
use crate::support::bottlerocket::Host;
use crate::support::golden::golden;
use crate::support::node::{BOTTLEROCKET_RESULT, Node, RESULT, Running, error, run_output};
use serde_json::{Value, json};
use std::fs;

#[test]
fn sigterm_leaves_a_result_with_the_plan_and_the_wait() {
    let site = Site::new();
    let run = Running::new(site.command(&[]));
    assert!(site.api.wait_for("watch", 1, TIME_LIMIT));
    run.terminate();
    let output = run.end();
    assert_eq!(output.status, Some(143), "{}", output.stderr);
    let result = result(&site.node);
    assert_eq!((&result["outcome"], &result["exit-code"]), (&json!("failed"), &json!(143)));
    assert_eq!(
        result["error"],
        json!({
            "message": "stopped by SIGTERM", "causes": [],
            "help": "run `eni-bootstrap run` again; the kubelet must not start before it succeeds",
        })
    );
    assert_eq!(result["plan"]["max-pods-in-force"], 20);
    assert_eq!(result["eni-config"]["state"], "not-ready");
    assert_eq!(result["waits"][0]["reason"], "ENIConfig us-west-2a not found");
}

#[test]
fn invalid_settings_leave_a_result_without_a_plan() {
    let node = Node::al2023();
    node.file("etc/eni-bootstrap/a.toml", "[pods]\nmax = \"many\"\n");
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(78), "{}", output.stderr);
    let result = result(&node);
    assert_eq!((&result["outcome"], &result["exit-code"]), (&json!("failed"), &json!(78)));
    assert_eq!(result["error"]["message"], "failed to load the settings");
    assert_eq!((&result["plan"], &result["requests"]), (&Value::Null, &json!([])));
    let report = node.run(["report"]);
    assert_eq!(report.status, Some(0), "{}", report.stderr);
    let start = "outcome       failed: the node is not ready for the kubelet (exit code 78)\nerror         failed to load the settings\n";
    assert!(report.stdout.starts_with(start), "{}", report.stdout);
}

#[test]
fn an_unknown_variable_leaves_a_result() {
    let node = Node::al2023();
    let mut command = node.command(["run"]);
    command.env("ENI_BOOTSTRAP_POD_MAX", "20");
    let output = run_output(command.output().unwrap());
    assert_eq!(output.status, Some(78), "{}", output.stderr);
    let result = result(&node);
    assert_eq!((&result["outcome"], &result["exit-code"]), (&json!("failed"), &json!(78)));
    assert_eq!(
        result["error"],
        json!({
            "message": "failed to load the settings",
            "causes": ["unknown environment variable ENI_BOOTSTRAP_POD_MAX"],
            "help": "did you mean `ENI_BOOTSTRAP_PODS_MAX`?",
        })
    );
}

#[test]
fn a_plan_without_a_connection_to_the_cluster_is_in_the_result() {
    let site = Site::new();
    let output = site.run(&[
        "--cni-source=settings",
        "--cni-version=1.20.4",
        "--cluster-endpoint=https://127.0.0.1:1",
        "--eni-config-wait=0",
        "--cluster-certificate-authority=x",
    ]);
    assert_ne!(output.status, Some(0), "{}", output.stderr);
    let result = result(&site.node);
    assert_eq!(result["plan"]["max-pods-in-force"], 20, "{}", output.stderr);
    assert_eq!(result["changes"], json!([]));
}

#[test]
fn a_missing_eniconfig_that_the_settings_accept_is_in_the_result() {
    let site = Site::new();
    let output = site.run(&["--eni-config-wait=0", "--eni-config-on-timeout=continue"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        result(&site.node)["eni-config"],
        json!({ "name": "us-west-2a", "state": "missing", "subnet": null, "security-groups": [] })
    );
    let help = eni_core::domain::eni_config::not_found("us-west-2a", None).help;
    assert_eq!(
        result(&site.node)["checks"],
        json!([{
            "code": "eniconfig-not-found", "severity": "failed", "subject": "ENIConfig",
            "text": "\"us-west-2a\" not found", "help": help,
        }])
    );
}

#[test]
fn a_result_that_cannot_be_written_is_a_warning() {
    let site = Site::new();
    site.create_eni_config();
    fs::create_dir_all(site.node.root().join(RESULT)).unwrap();
    site.node.file("metrics", "a file instead of a directory");
    let output = site.run(&["--metrics-dir=/metrics"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warnings = output.stderr.lines().filter(|line| line.starts_with("warning: result: "));
    let warnings: Vec<String> =
        warnings.map(|it| it.replace(&site.node.root().display().to_string(), "")).collect();
    assert_eq!(
        warnings,
        [
            "warning: result: failed to remove /run/eni-bootstrap/result.json: Is a directory (os error 21); it is the result of an earlier run",
            "warning: result: failed to write /run/eni-bootstrap/result.json: Is a directory (os error 21)",
            "warning: result: failed to write /metrics/eni_bootstrap.prom: File exists (os error 17); check metrics.dir; in eni-bootstrap.service, ReadWritePaths= must contain the directory",
        ]
    );
}

#[test]
fn on_bottlerocket_the_host_keeps_the_result() {
    let host = Host::new();
    let output = host.run();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let line = "result: writing the result of this run to eni-bootstrap-result.json in /local/bootstrap-containers/NAME of the host";
    assert_eq!(output.stderr.lines().filter(|it| *it == line).count(), 1, "{}", output.stderr);
    assert_eq!(host.node.read(RESULT), None);
    let text = host.node.read(BOTTLEROCKET_RESULT).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    let requests = result["requests"].as_array().unwrap().iter();
    let requests = requests.filter(|request| request["service"] == "bottlerocket");
    let requests: Vec<_> = requests.map(|it| it["operation"].as_str().unwrap()).collect();
    assert_eq!(
        requests,
        [
            "GET /settings",
            "GET /settings",
            "GET /settings",
            "GET /settings",
            "GET /tx/list",
            "PATCH /settings",
            "POST /tx/commit_and_apply",
            "GET /settings",
            "GET /settings",
        ]
    );
    let report = host.node.run(["report"]);
    assert!(report.stdout.starts_with("outcome       ready: "), "{}", report.stdout);
}

#[test]
fn report_rejects_what_is_not_a_result() {
    let node = Node::empty();
    let missing = node.run(["report", "/missing.json"]);
    assert_eq!(
        (missing.status, error(&missing)),
        (
            Some(73),
            "error: failed to read the result of a run\n  caused by: /missing.json does not exist\n  help: correct the path\n"
        )
    );
    let plan = golden().join("plan/text");
    let invalid = node.run(["report".as_ref(), plan.as_os_str()]);
    assert_eq!(
        (invalid.status, error(&invalid).to_owned()),
        (
            Some(65),
            "error: failed to read the result of a run\n  \
             caused by: FILE is invalid\n  \
             caused by: the text is not the result of a run\n  \
             caused by: expected value at line 1 column 1\n  \
             help: pass the complete file result.json of a run; the journal also contains the log of the run: `journalctl -u eni-bootstrap`\n"
                .replace("FILE", &plan.display().to_string())
        )
    );
    let file = node.file("later.json", "{\"format-version\": 2}");
    let later = node.run(["report".as_ref(), file.as_os_str()]);
    assert_eq!(
        (later.status, error(&later).to_owned()),
        (
            Some(65),
            "error: failed to read the result of a run\n  \
             caused by: FILE is invalid\n  \
             caused by: format version 2 of the result is not supported\n  \
             help: use the version of eni-bootstrap that wrote the result; the key eni-bootstrap-version contains it\n"
                .replace("FILE", &file.display().to_string())
        )
    );
}
