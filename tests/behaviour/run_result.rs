//! The result that a run leaves, and `report`, which prints it.

mod failures;
mod goldens;

use crate::support::node::{Node, RESULT, RunOutput, run_output};
use eni_bootstrap_sandbox::{Ec2, Imds, Instance, KubernetesApi, Subnet};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

/// The longest time that a test waits for a request.
const TIME_LIMIT: Duration = Duration::from_mins(5);

/// An instance, the services that it uses, and its EC2 API.
pub struct Site {
    pub node: Node,
    pub api: KubernetesApi,
    imds: Imds,
    ec2: Ec2,
}

impl Site {
    /// Creates a node in a cluster without an ENIConfig.
    pub fn new() -> Self {
        let api = KubernetesApi::start();
        let ec2 = Ec2::start(vec![Subnet { id: "subnet-0a".to_owned(), ..Subnet::default() }]);
        let user_data = Some(api.node_config().into());
        let imds = Imds::start(&Instance { user_data, ..Instance::default() });
        let node = Node::al2023()
            .with("--imds-endpoint", imds.endpoint())
            .with("--ec2-endpoint", ec2.endpoint());
        Self { node, api, imds, ec2 }
    }

    /// Creates the ENIConfig of the node.
    pub fn create_eni_config(&self) {
        self.api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0a"] }));
    }

    /// Returns the command for a run with the credentials of the instance and the verification in EC2.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.node.command(["run"].iter().chain(arguments));
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY", "true");
        command
    }

    /// Runs eni-bootstrap to its end.
    pub fn run(&self, arguments: &[&str]) -> RunOutput {
        run_output(self.command(arguments).output().unwrap())
    }
}

/// Returns the result of the last run.
pub fn result(node: &Node) -> Value {
    serde_json::from_str(&node.read(RESULT).unwrap()).unwrap()
}

/// Returns the operations of the requests to `service`, sorted.
fn operations(result: &Value, service: &str) -> Vec<String> {
    let requests = result["requests"].as_array().unwrap().iter();
    let requests = requests.filter(|request| request["service"] == service);
    let mut operations: Vec<String> =
        requests.map(|request| request["operation"].as_str().unwrap().to_owned()).collect();
    operations.sort();
    operations
}

#[test]
fn every_request_is_recorded_without_its_query() {
    let site = Site::new();
    let run = crate::support::node::Running::new(site.command(&[]));
    assert!(site.api.wait_for("watch", 1, TIME_LIMIT));
    site.create_eni_config();
    let output = run.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let result = result(&site.node);
    let seen = |seen: Vec<String>| {
        let path = |line: &String| line.split('?').next().unwrap().to_owned();
        let mut seen: Vec<String> = seen.iter().map(path).collect();
        seen.sort();
        seen
    };
    assert_eq!(operations(&result, "imds"), seen(site.imds.faults().seen()));
    assert_eq!(operations(&result, "kubernetes"), seen(site.api.faults().seen()));
    assert_eq!(operations(&result, "ec2"), ["DescribeSecurityGroups", "DescribeSubnets"]);
    assert_eq!(site.ec2.faults().seen().len(), 2);
}

#[test]
fn the_phases_cover_the_run_and_contain_its_requests() {
    let site = Site::new();
    site.create_eni_config();
    assert_eq!(site.run(&[]).status, Some(0));
    let result = result(&site.node);
    let time = |part: &Value, key: &str| part[key].as_u64().unwrap();
    let mut end = 0;
    for phase in result["phases"].as_array().unwrap() {
        assert!(time(phase, "start-us") == end || end == 0, "{phase}");
        end = time(phase, "start-us") + time(phase, "duration-us");
    }
    assert_eq!(end, time(&result, "duration-us"));
    for request in result["requests"].as_array().unwrap() {
        assert!(time(request, "start-us") + time(request, "duration-us") <= end, "{request}");
    }
}

#[test]
fn the_result_contains_no_secret() {
    let site = Site::new();
    site.create_eni_config();
    assert_eq!(site.run(&["--metrics-dir=/metrics"]).status, Some(0));
    let bearer = site.api.requests().into_iter().find_map(|seen| seen.token).unwrap();
    let mut secrets = site.imds.tokens();
    assert!(!secrets.is_empty());
    // The credentials of the sandbox.
    let role = ["sandbox/secret/EXAMPLEKEY", "sandbox-session-token"];
    let marks = ["k8s-aws-v1", "X-Amz-", "SecretAccessKey", "?"];
    secrets.push(bearer);
    secrets.extend(role.iter().chain(&marks).map(ToString::to_string));
    let written =
        [site.node.read(RESULT).unwrap(), site.node.read("metrics/eni_bootstrap.prom").unwrap()];
    for text in written {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let mode = |file: &str| {
        let metadata = fs::metadata(site.node.root().join(file)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!((mode(RESULT), mode("metrics/eni_bootstrap.prom")), (0o600, 0o644));
}

#[test]
fn the_result_does_not_contain_the_text_of_other_programs() {
    let api = crate::support::node::ready_api();
    let (node, _imds) = super::hosts::kubeadm(&api);
    let proxy = "HTTPS_PROXY=http://user:pAsSwOrD@proxy:3128\n";
    let shared = node.file("etc/default/kubelet", proxy);
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o600)).unwrap();
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(node.read("etc/default/kubelet").unwrap().starts_with(proxy));
    let text = node.read(RESULT).unwrap();
    assert!(!text.contains("pAsSwOrD"), "{text}");
    let result = result(&node);
    assert_eq!(result["plan"]["files"], json!([{ "path": "/etc/default/kubelet" }]));
    assert_eq!(
        result["changes"],
        json!([{ "target": "/etc/default/kubelet", "outcome": "written" }])
    );
}

#[test]
fn only_root_can_read_the_result() {
    let node = Node::empty();
    let file = node.file("result.json", "{}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = node.command(["report".as_ref(), file.as_os_str()]);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534);
    }
    let report = run_output(command.output().unwrap());
    assert_eq!(
        (report.status, report.stderr),
        (
            Some(73),
            format!(
                "error: failed to read the result of a run\n  \
                 caused by: failed to read {0}\n  \
                 caused by: Permission denied (os error 13)\n  \
                 help: run `sudo eni-bootstrap report {0}`\n",
                file.display()
            )
        )
    );
}

#[test]
fn a_run_that_is_killed_leaves_no_result() {
    let site = Site::new();
    site.create_eni_config();
    assert_eq!(site.run(&["--metrics-dir=/metrics"]).status, Some(0));
    site.api.delete("us-west-2a");
    let mut run = crate::support::node::Running::new(site.command(&["--metrics-dir=/metrics"]));
    assert!(site.api.wait_for("watch", 1, TIME_LIMIT));
    let kill = format!("kill -KILL {}", run.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    run.status();
    for file in [RESULT, "metrics/eni_bootstrap.prom"] {
        assert_eq!(site.node.read(file), None, "{file} is of the earlier run");
    }
    let report = site.node.run(["report"]);
    let path = site.node.root().join(RESULT);
    assert_eq!(
        (report.status, report.stderr),
        (
            Some(73),
            format!(
                "error: failed to read the result of a run\n  \
                 caused by: {} does not exist\n  \
                 help: check `systemctl status eni-bootstrap`: `run` removes the result of an earlier run when it starts, and writes its own when it ends; to print a result of another node, run `eni-bootstrap report FILE`\n",
                path.display()
            )
        )
    );
}

#[test]
fn undo_removes_the_result_and_the_metrics_stay() {
    let site = Site::new();
    site.create_eni_config();
    assert_eq!(site.run(&["--metrics-dir=/metrics"]).status, Some(0));
    let undo = site.node.run(["undo"]);
    assert_eq!(undo.status, Some(0), "{}", undo.stderr);
    let directory = site.node.root().join("run/eni-bootstrap");
    let names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["lock"]);
    assert!(site.node.read("metrics/eni_bootstrap.prom").is_some());
}
