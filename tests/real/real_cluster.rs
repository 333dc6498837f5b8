//! Whole runs against a real kube-apiserver with the node's own credentials. What is missing
//! appears while the node waits.

use crate::support::node::{Node, RunOutput, Running, error, imds_with, with_imds};
use crate::support::real_parts::{Cluster, cluster};
use eni_bootstrap_sandbox::Imds;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variable of the DaemonSet that enables custom networking.
pub const CUSTOM: (&str, &str) = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
const ENI_CONFIG: &str = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/us-west-2a";
/// The node's user name.
pub const NODE: &str = "system:node:ip-10-20-0-10.us-west-2.compute.internal";

/// Returns the path of the manifest with the permissions of nodes.
pub fn rbac() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/rbac.yaml")
}

/// Returns the `env` of a container.
pub fn env(variables: &[(&str, &str)]) -> Value {
    variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// Returns the specification of an ENIConfig.
pub fn spec() -> Value {
    json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] })
}

/// Returns a cluster with RBAC for nodes and with custom networking.
pub fn ready_cluster() -> Option<Cluster> {
    let cluster = cluster()?;
    cluster.apply_file(&rbac());
    cluster.install_cni(env(&[CUSTOM]));
    Some(cluster)
}

/// Returns a node whose user data describes `cluster`.
pub fn node_of(cluster: &Cluster) -> (Node, Imds) {
    let imds = imds_with(cluster.node_config());
    (with_imds(&imds), imds)
}

/// Starts a run and returns when it waits for the ENIConfig.
fn waiting(node: &Node) -> Running {
    let mut run = node.start(["run", "--verbose"]);
    run.until("kubernetes: WATCH eniconfigs");
    run
}

/// Returns the number of requests in the log.
fn requests(output: &RunOutput, request: &str) -> usize {
    output.stderr.lines().filter(|line| line.starts_with(&format!("kubernetes: {request}"))).count()
}

fn succeeds(run: Running) -> RunOutput {
    let output = run.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(
        output.stderr.ends_with("ready: the node is ready for the kubelet\n"),
        "{}",
        output.stderr
    );
    output
}

#[test]
fn rbac_applied_during_the_wait_ends_it() {
    let Some(cluster) = cluster() else { return };
    cluster.install_cni(env(&[CUSTOM]));
    cluster.eni_config("us-west-2a", spec());
    let (node, _imds) = node_of(&cluster);
    let once = node.run(["run", "--eni-config-wait", "0"]);
    assert_eq!(once.status, Some(77), "{}", once.stderr);
    let mut run = node.start(["run"]);
    assert_eq!(
        run.until("warning: wait: "),
        format!(
            "warning: wait: failed to read the aws-node DaemonSet: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"{NODE}\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"; allow nodes to read the DaemonSet: `kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml), or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
        )
    );
    cluster.apply_file(&rbac());
    succeeds(run);
}

#[test]
fn permission_to_read_eniconfigs_granted_during_the_wait_ends_it() {
    let Some(cluster) = cluster() else { return };
    cluster.install_cni(env(&[CUSTOM]));
    cluster.eni_config("us-west-2a", spec());
    let (node, _imds) = node_of(&cluster);
    let mut run = node.start(["run", "--cni-source", "settings"]);
    assert_eq!(
        run.until("warning: wait: "),
        format!(
            "warning: wait: failed to read ENIConfig us-west-2a: access denied by the API server: eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"{NODE}\" cannot get resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope; allow nodes to read ENIConfigs: `kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml)\n"
        )
    );
    cluster.apply_file(&rbac());
    succeeds(run);
}

#[test]
fn one_watch_reports_a_created_corrected_or_recreated_eniconfig() {
    let Some(cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let created = waiting(&node);
    cluster.eni_config("us-west-2a", spec());
    let created = succeeds(created);

    cluster.eni_config("us-west-2a", json!({ "subnet": "" }));
    let mut corrected = waiting(&node);
    cluster.eni_config("us-west-2a", json!({ "subnet": "", "securityGroups": ["sg-0c"] }));
    cluster.delete(ENI_CONFIG);
    corrected.until("wait: ENIConfig us-west-2a not found; retrying");
    cluster.eni_config("us-west-2a", json!({ "subnet": "" }));
    corrected.until("wait: ENIConfig us-west-2a has no spec.subnet; retrying");
    cluster.eni_config("us-west-2a", spec());
    let corrected = succeeds(corrected);
    for output in [created, corrected] {
        assert_eq!((requests(&output, "GET eniconfigs"), requests(&output, "WATCH")), (1, 1));
    }
}

#[test]
fn a_watch_from_an_expired_version_restarts() {
    let Some(mut cluster) = ready_cluster() else { return };
    cluster.eni_config("us-west-2a", json!({ "subnet": "" }));
    // The watch cache of a new server contains no version from before its start.
    cluster.eni_config("us-west-2b", spec());
    cluster.restart();
    let (node, _imds) = node_of(&cluster);
    let run = waiting(&node);
    cluster.eni_config("us-west-2a", spec());
    succeeds(run);
}

#[test]
fn a_restart_of_the_api_server_does_not_end_the_wait() {
    let Some(mut cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let mut run = waiting(&node);
    cluster.kill();
    run.until(
        "warning: wait: failed to read ENIConfig us-west-2a: the API server is unreachable: ",
    );
    cluster.restart();
    cluster.eni_config("us-west-2a", spec());
    succeeds(run);
}

#[test]
fn a_token_that_expires_during_the_wait_is_signed_again() {
    let Some(mut cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let run = waiting(&node);
    cluster.forget_tokens();
    // An open watch stays open. The next request sends the old token.
    cluster.kill();
    cluster.restart();
    cluster.eni_config("us-west-2a", spec());
    let output = succeeds(run);
    assert!(
        output.stderr.contains("the API server rejected the node's credentials (401 Unauthorized)"),
        "{}",
        output.stderr
    );
    assert_eq!(cluster.tokens().len(), 2, "the old token and the new one");
}

#[test]
fn a_role_mapped_during_the_wait_ends_it() {
    let Some(cluster) = ready_cluster() else { return };
    cluster.eni_config("us-west-2a", spec());
    cluster.set_mapped(false);
    let (node, _imds) = node_of(&cluster);
    let mut run = node.start(["run"]);
    assert_eq!(
        run.until("warning: wait: "),
        "warning: wait: failed to read the aws-node DaemonSet: the API server rejected the node's credentials (401 Unauthorized); create an EKS access entry of type EC2_LINUX for the node's IAM role, or add the role to aws-auth; also check the instance's clock\n"
    );
    cluster.set_mapped(true);
    succeeds(run);
}

#[test]
fn a_wait_of_one_minute_sends_one_get_and_one_watch() {
    let Some(cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let output = node.run(["run", "--verbose", "--eni-config-wait", "60s"]);
    assert_eq!(output.status, Some(75), "{}", output.stderr);
    assert!(error(&output).contains("timed out after 1m waiting for ENIConfig us-west-2a"));
    assert_eq!(
        (
            requests(&output, "GET eniconfigs"),
            requests(&output, "WATCH"),
            requests(&output, "GET daemonsets")
        ),
        (1, 1, 1)
    );
    // The audit log has the same count.
    let requests = cluster.requests();
    let count = |verb: &str| {
        requests.iter().filter(|it| it.verb == verb && it.uri.contains("/eniconfigs")).count()
    };
    assert_eq!((count("get"), count("list"), count("watch")), (1, 0, 1), "{requests:?}");
    let left = output.stderr.lines().filter_map(|line| {
        let left = line.strip_prefix("wait: ENIConfig us-west-2a not found; retrying (")?;
        humantime::parse_duration(left.strip_suffix(" left)")?).ok()
    });
    // The lines are at least 15 s apart, and further apart on a slow machine.
    let times: Vec<_> = [Duration::from_mins(1)].into_iter().chain(left).collect();
    assert!(times.len() > 1, "{}", output.stderr);
    let apart = |pair: &[Duration]| pair[0].abs_diff(pair[1]) >= Duration::from_secs(15);
    assert!(times.is_sorted_by(|one, next| one > next), "{times:?}");
    assert!(times.windows(2).all(apart), "{times:?}");
}

#[test]
fn a_registered_node_that_uses_another_eniconfig_is_a_warning() {
    let Some(cluster) = ready_cluster() else { return };
    cluster.eni_config("us-west-2a", spec());
    let (node, _imds) = node_of(&cluster);
    let name = NODE.trim_start_matches("system:node:");
    let unreachable = "--ec2-endpoint=http://127.0.0.1:9";
    let warnings = || {
        let output = node.run(["run", "--eni-config-verify", unreachable]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let begins = |line: &&str| line.starts_with("warning: verify: ");
        output.stderr.lines().filter(begins).map(str::to_owned).collect::<Vec<_>>()
    };
    // At the first boot, the node has not registered.
    assert_eq!(warnings(), [""; 0]);
    cluster.apply(json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "annotations": { "k8s.amazonaws.com/eniConfig": "blue" } },
        "spec": { "unschedulable": true },
    }));
    assert_eq!(
        warnings(),
        [
            "warning: verify: node: the node is cordoned, so the CNI attaches no network interfaces and the node stays NotReady; run `kubectl uncordon NODE`, or `kubectl -n kube-system set env daemonset aws-node AWS_MANAGE_ENIS_NON_SCHEDULABLE=true`",
            "warning: verify: node: the CNI uses ENIConfig \"blue\" instead of \"us-west-2a\" for new network interfaces, because the Node object has annotation k8s.amazonaws.com/eniConfig; run `kubectl delete node NODE` so that the node registers again, or correct its label or annotation",
        ]
    );
}
