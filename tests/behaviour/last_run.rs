//! The record of the last successful run, and the boots that fall back to it.

use crate::support::bottlerocket::{self, Host};
use crate::support::node::{DROP_IN, Node, RunOutput, error, in_cluster, ready_api, with_imds};
use eni_bootstrap_sandbox::{Access, Fault, Imds, Instance, KubernetesApi};
use serde_json::{Value, json};

const RECORD: &str = "var/lib/eni-bootstrap/last-run.json";
const READY: &str = "ready: the node is ready for the kubelet";

/// Limits the waits of a run to seconds.
const IMPATIENT: [&str; 2] = ["run", "--eni-config-wait=2s"];

/// Returns a node after a successful run, its API server and its metadata service.
fn joined() -> (Node, KubernetesApi, Imds) {
    let api = ready_api();
    let (node, imds) = in_cluster(&api);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    (node, api, imds)
}

fn assert_ready(output: &RunOutput) {
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(output.stderr.lines().last(), Some(READY));
}

/// Returns the warnings, with each age of a record replaced by `AGE`.
fn warnings(output: &RunOutput) -> Vec<String> {
    let lines = output.stderr.lines().filter(|line| line.starts_with("warning: "));
    lines.map(without_age).collect()
}

fn without_age(line: &str) -> String {
    match line.rsplit_once(" (").filter(|(_, age)| age.ends_with(" ago)")) {
        Some((before, _)) => format!("{before} (AGE)"),
        None => line.to_owned(),
    }
}

const CNI_UNREACHABLE: &str = "warning: cluster: failed to read the aws-node DaemonSet: the API server is unreachable: client error (Connect): tcp connect error: Connection refused (os error 111); using the CNI configuration of the last successful run (AGE)";
const ENI_CONFIG_UNREACHABLE: &str = "warning: wait: failed to read ENIConfig us-west-2a: the API server is unreachable: client error (Connect): tcp connect error: Connection refused (os error 111); using ENIConfig us-west-2a (subnet-0a) of the last successful run (AGE)";

/// Returns the warnings about recorded values.
fn fallbacks(output: &RunOutput) -> Vec<String> {
    let mut lines = warnings(output);
    lines.retain(|line| line.contains(" of the last successful run ("));
    lines
}

#[test]
fn without_an_api_server_the_next_boot_falls_back_to_the_last_run() {
    let (node, mut api, _imds) = joined();
    let (written, record) = (node.read(DROP_IN).unwrap(), node.read(RECORD).unwrap());
    api.kill();
    for arguments in [IMPATIENT, ["run", "--fallback-wait=1s"], ["wait", "--fallback-wait=0"]] {
        let output = node.run(arguments);
        assert_eq!(output.status, Some(0), "{arguments:?}: {}", output.stderr);
        let warnings = fallbacks(&output);
        assert_eq!((warnings.len(), warnings[0].as_str()), (2, CNI_UNREACHABLE), "{arguments:?}");
        if arguments != IMPATIENT {
            assert_eq!(warnings[1], ENI_CONFIG_UNREACHABLE);
        }
        assert_eq!(node.read(DROP_IN).unwrap(), written);
        assert_eq!(node.read(RECORD).unwrap(), record, "the record keeps its time");
    }
    let plan = node.run(["plan"]);
    assert_eq!(plan.status, Some(0), "{}", plan.stderr);
    assert_eq!(fallbacks(&plan), [CNI_UNREACHABLE]);
    let line = "cni: custom networking (source: record of the last successful run); ENIConfig label k8s.amazonaws.com/eniConfig";
    assert!(plan.stdout.lines().any(|it| it == line), "{}", plan.stdout);
}

#[test]
fn the_fallback_can_be_disabled() {
    let (node, mut api, _imds) = joined();
    api.kill();
    let output = node.run(["run", "--eni-config-wait=1s", "--fallback-wait=off"]);
    assert_eq!((output.status, fallbacks(&output)), (Some(69), vec![]), "{}", output.stderr);
    let check = node.run(["check"]);
    assert_eq!(check.status, Some(1), "{}", check.stdout);
}

#[test]
fn each_response_without_a_fact_about_the_node_leads_to_the_fallback() {
    for status in [401, 403, 429, 500, 503] {
        let (node, api, _imds) = joined();
        match status {
            401 => api.set_access(Access::Unauthorized),
            403 => api.set_access(Access::Forbidden),
            _ => api.faults().fail_always_matching("", Fault::Status(status)),
        }
        let output = node.run(["run", "--fallback-wait=0"]);
        assert_ready(&output);
        assert_eq!(fallbacks(&output).len(), 2, "{status}: {}", output.stderr);
    }
}

#[test]
fn a_missing_or_unusable_eniconfig_is_not_replaced_by_the_record() {
    let (node, api, _imds) = joined();
    api.delete("us-west-2a");
    let output = node.run(["run", "--eni-config-wait=1s", "--fallback-wait=0"]);
    assert_eq!((output.status, fallbacks(&output)), (Some(75), vec![]), "{}", output.stderr);
    assert!(
        error(&output).contains("caused by: the ENIConfig does not exist"),
        "{}",
        output.stderr
    );
    api.apply("us-west-2a", json!({ "subnet": "" }));
    let output = node.run(["run", "--eni-config-wait=1s", "--fallback-wait=0"]);
    assert_eq!((output.status, fallbacks(&output)), (Some(75), vec![]), "{}", output.stderr);
    api.set_aws_node(None);
    let output = node.run(["run", "--eni-config-wait=1s", "--fallback-wait=0"]);
    assert_eq!((output.status, fallbacks(&output)), (Some(75), vec![]), "{}", output.stderr);
}

#[test]
fn a_changed_cni_configuration_or_eniconfig_is_applied_and_recorded() {
    let (node, api, _imds) = joined();
    api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false")]));
    assert_ready(&node.run(["run"]));
    assert!(node.read(DROP_IN).unwrap().contains("maxPods: 29"));
    let record: Value = serde_json::from_str(&node.read(RECORD).unwrap()).unwrap();
    assert_eq!((&record["max-pods"], &record["eni-config"]), (&json!(29), &Value::Null));
    let custom = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
    api.set_aws_node(Some(&[custom]));
    api.apply("us-west-2a", json!({ "subnet": "subnet-1b", "securityGroups": ["sg-1"] }));
    assert_ready(&node.run(["run"]));
    let record: Value = serde_json::from_str(&node.read(RECORD).unwrap()).unwrap();
    assert_eq!(
        record["eni-config"],
        json!({ "name": "us-west-2a", "subnet": "subnet-1b", "security-groups": ["sg-1"] })
    );
}

/// The API server fails until the CNI configuration has been replaced by the record, then responds.
#[test]
fn a_cni_configuration_that_changed_during_the_outage_is_applied() {
    let (node, api, _imds) = joined();
    api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"), ("MAX_ENI", "2")]));
    api.faults().fail_next_matching("daemonsets", 1, Fault::Status(503));
    let output = node.run(["run", "--fallback-wait=0"]);
    assert_ready(&output);
    assert_eq!(fallbacks(&output).len(), 1, "{}", output.stderr);
    assert!(node.read(DROP_IN).unwrap().contains("maxPods: 11"), "{}", output.stderr);
}

#[test]
fn custom_networking_that_was_enabled_during_the_outage_is_applied() {
    let api = ready_api();
    api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false")]));
    let (node, _imds) = in_cluster(&api);
    assert_ready(&node.run(["run"]));
    assert!(node.read(DROP_IN).unwrap().contains("maxPods: 29"));
    api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")]));
    api.faults().fail_next_matching("daemonsets", 1, Fault::Status(503));
    let output = node.run(["run", "--fallback-wait=0"]);
    assert_ready(&output);
    let drop_in = node.read(DROP_IN).unwrap();
    assert!(drop_in.contains("maxPods: 20"), "{}", output.stderr);
    assert!(drop_in.contains("k8s.amazonaws.com/eniConfig=us-west-2a"), "{drop_in}");
}

#[test]
fn a_plan_that_needs_other_values_than_the_record_has_no_fallback() {
    let (node, mut api, _imds) = joined();
    api.kill();
    let arguments =
        ["run", "--eni-config-wait=1s", "--fallback-wait=0", "--eni-config-name=other-{zone}"];
    let output = node.run(arguments);
    assert_eq!((output.status, fallbacks(&output)), (Some(69), vec![]), "{}", output.stderr);
    let line = "record: the values of the last successful run do not apply: it does not contain ENIConfig other-us-west-2a";
    assert!(output.stderr.lines().any(|it| it == line), "{}", output.stderr);
}

#[test]
fn the_record_of_another_instance_or_type_is_removed_and_never_used() {
    for (path, value) in
        [("meta-data/instance-id", "i-0fedcba9876543210"), ("meta-data/instance-type", "m5.large")]
    {
        let (node, mut api, imds) = joined();
        imds.set(path, value.as_bytes().to_vec());
        api.kill();
        let output = node.run(["run", "--eni-config-wait=1s", "--fallback-wait=0"]);
        assert_eq!((output.status, fallbacks(&output)), (Some(69), vec![]), "{}", output.stderr);
        assert_eq!(node.read(RECORD), None);
        assert_eq!(node.read(DROP_IN), None, "the values of {path} are removed");
    }
}

#[test]
fn an_unreadable_record_is_ignored_with_a_warning() {
    for (text, reason) in [
        ("{", "the file is invalid: EOF while parsing an object at line 1 column 1"),
        ("{\"format-version\": 2}", "format version 2 is not supported"),
    ] {
        let api = ready_api();
        let (node, _imds) = in_cluster(&api);
        let path = node.file(RECORD, text);
        let output = node.run(["run"]);
        assert_ready(&output);
        let expected = format!("warning: record: {} skipped: {reason}", path.display());
        assert_eq!(warnings(&output)[0], expected);
        assert!(node.read(RECORD).unwrap().contains("\"format-version\": 1"));
    }
}

#[test]
fn undo_removes_the_record() {
    let (node, _api, _imds) = joined();
    let exist =
        || [RECORD, "var/lib/eni-bootstrap/configured-for.json"].map(|it| node.read(it).is_some());
    assert_eq!(exist(), [true, true]);
    let output = node.run(["undo"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(exist(), [false, false]);
}

/// An instance type outside the embedded table: EC2 is unreachable at the second boot.
#[test]
fn the_limits_of_the_last_run_replace_those_of_an_unreachable_ec2() {
    let api = ready_api();
    let instance = Instance {
        instance_type: "zz9.plural".to_owned(),
        user_data: Some(api.node_config().into_bytes()),
        ..Instance::default()
    };
    let imds = Imds::start(&instance);
    let node = with_imds(&imds).with("--ec2-endpoint", "http://127.0.0.1:9");
    let table = "etc/eni-bootstrap/instance-types.csv";
    node.file(table, "zz9.plural,4,0,15,nitro,false,4\n");
    assert_ready(&node.run(["run"]));
    std::fs::remove_file(node.root().join(table)).unwrap();
    let output = node.run(["run", "--fallback-wait=1s"]);
    assert_ready(&output);
    let line = "instance: zz9.plural (Nitro, 4 vCPUs) supports 4 network interfaces with 15 IPv4 addresses each (source: record of the last successful run)";
    assert!(output.stderr.lines().any(|it| it == line), "{}", output.stderr);
}

/// EKS is unreachable, but the API server responds: its answers take precedence.
#[test]
fn the_endpoint_of_the_last_run_replaces_an_unreachable_eks() {
    let (node, api, imds) = joined();
    let name_only = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: sandbox\n";
    imds.set("user-data", name_only.as_bytes().to_vec());
    api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false")]));
    let node = node.with("--eks-endpoint", "http://127.0.0.1:9");
    // The new configuration needs no ENIConfig, so the record must not be compared with it.
    let output = node.run(["run", "--fallback-wait=1s"]);
    assert_ready(&output);
    assert!(node.read(DROP_IN).unwrap().contains("maxPods: 29"), "{}", output.stderr);
    let line =
        format!("cluster: sandbox at {} (source: record of the last successful run)", api.url());
    assert!(output.stderr.lines().any(|it| it == line), "{}", output.stderr);
}

#[test]
fn bottlerocket_keeps_the_record_in_the_directory_of_the_container() {
    let mut host = Host::new();
    bottlerocket::ready(&host.run());
    let record = ".bottlerocket/bootstrap-containers/current/eni-bootstrap-last-run.json";
    assert!(host.node.read(record).unwrap().contains("\"max-pods\": 20"));
    assert_eq!(host.node.read(RECORD), None);
    host.api.kill();
    let output = host.node.run(["run", "--fallback-wait=0"]);
    bottlerocket::ready(&output);
    assert_eq!(fallbacks(&output), [CNI_UNREACHABLE, ENI_CONFIG_UNREACHABLE]);
    assert_eq!(host.kubelet(), bottlerocket::as_planned());
}

/// The DMI files change with the instance type and need no network.
#[test]
fn values_of_another_instance_type_are_removed_before_anything_can_fail() {
    let dmi = "sys/devices/virtual/dmi/id";
    for arguments in [&["run", "--imds-wait=100ms"][..], &["undo", "--if-outdated"]] {
        let api = ready_api();
        let (node, imds) = in_cluster(&api);
        node.file(&format!("{dmi}/board_asset_tag"), "i-0123456789abcdef0\n");
        node.file(&format!("{dmi}/product_name"), "c5.large\n");
        assert_ready(&node.run(["run"]));
        imds.faults().fail_always_matching("", Fault::Status(500));
        assert_eq!(node.run(["undo", "--if-outdated"]).stderr, "");
        assert_ne!(node.read(DROP_IN), None, "the instance has not changed");
        node.file(&format!("{dmi}/product_name"), "c5.xlarge\n");
        let output = node.run(arguments);
        let line = "host: removing the kubelet configuration for c5.large i-0123456789abcdef0";
        assert!(output.stderr.lines().any(|it| it == line), "{}", output.stderr);
        assert_eq!(node.read(DROP_IN), None, "{arguments:?}");
    }
}
