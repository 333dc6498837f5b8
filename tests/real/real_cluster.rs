//! Whole runs against a real kube-apiserver, as the node's own identity: what is missing comes while
//! the node waits.

use crate::support::node::{Ended, Node, Running, error, imds_with, with_imds};
use crate::support::real_parts::{Cluster, cluster};
use eni_bootstrap_sandbox::Imds;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Custom networking, as the DaemonSet has it.
pub const CUSTOM: (&str, &str) = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
const ENI_CONFIG: &str = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/us-west-2a";
/// The node's own user.
pub const NODE: &str = "system:node:ip-10-20-0-10.us-west-2.compute.internal";

fn rbac() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/rbac.yaml")
}

/// An environment as a container has it.
pub fn env(variables: &[(&str, &str)]) -> Value {
    variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn spec() -> Value {
    json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] })
}

/// A cluster whose nodes may read what they must, and whose CNI is set to custom networking.
pub fn ready_cluster() -> Option<Cluster> {
    let cluster = cluster()?;
    cluster.apply_file(&rbac());
    cluster.install_cni(env(&[CUSTOM]));
    Some(cluster)
}

/// A node whose user data names `cluster`.
pub fn node_of(cluster: &Cluster) -> (Node, Imds) {
    let imds = imds_with(cluster.node_config());
    (with_imds(&imds), imds)
}

/// A run that has asked for the ENIConfig, and waits.
fn waiting(node: &Node) -> Running {
    let mut run = node.start(["run", "--verbose"]);
    run.until("kubernetes: WATCH eniconfigs");
    run
}

/// How often the log names each request.
fn asked(ended: &Ended, request: &str) -> usize {
    ended.stderr.lines().filter(|line| line.starts_with(&format!("kubernetes: {request}"))).count()
}

fn ends_well(run: Running) -> Ended {
    let ended = run.end();
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.ends_with("ready: the node is ready for the kubelet\n"),
        "{}",
        ended.stderr
    );
    ended
}

#[test]
fn rbac_that_is_applied_during_the_wait_lets_the_node_go_on() {
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
            "warning: wait: failed to read the aws-node DaemonSet: the API server does not permit it: daemonsets.apps \"aws-node\" is forbidden: User \"{NODE}\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"; allow nodes to read it: `kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml), or set the keys of [cni] and cni.source = \"settings\"\n"
        )
    );
    cluster.apply_file(&rbac());
    ends_well(run);
}

#[test]
fn the_right_to_read_eniconfigs_may_come_during_the_wait_too() {
    let Some(cluster) = cluster() else { return };
    cluster.install_cni(env(&[CUSTOM]));
    cluster.eni_config("us-west-2a", spec());
    let (node, _imds) = node_of(&cluster);
    let mut run = node.start(["run", "--cni-source", "settings"]);
    assert_eq!(
        run.until("warning: wait: "),
        format!(
            "warning: wait: failed to read ENIConfig us-west-2a: the API server does not permit it: eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"{NODE}\" cannot get resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope; allow nodes to read ENIConfigs: `kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml)\n"
        )
    );
    cluster.apply_file(&rbac());
    ends_well(run);
}

#[test]
fn an_eniconfig_that_comes_mends_or_comes_back_is_told_by_the_one_watch() {
    let Some(cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let created = waiting(&node);
    cluster.eni_config("us-west-2a", spec());
    let created = ends_well(created);

    cluster.eni_config("us-west-2a", json!({ "subnet": "" }));
    let mut mended = waiting(&node);
    cluster.eni_config("us-west-2a", json!({ "subnet": "", "securityGroups": ["sg-0c"] }));
    cluster.delete(ENI_CONFIG);
    mended.until("wait: ENIConfig us-west-2a not found; retrying");
    cluster.eni_config("us-west-2a", json!({ "subnet": "" }));
    mended.until("wait: ENIConfig us-west-2a has no spec.subnet; retrying");
    cluster.eni_config("us-west-2a", spec());
    let mended = ends_well(mended);
    for ended in [created, mended] {
        assert_eq!((asked(&ended, "GET eniconfigs"), asked(&ended, "WATCH")), (1, 1));
    }
}

#[test]
fn a_watch_from_a_version_that_is_forgotten_begins_anew() {
    let Some(mut cluster) = ready_cluster() else { return };
    cluster.eni_config("us-west-2a", json!({ "subnet": "" }));
    // The watch cache of a server that has just started knows no version before its own start.
    cluster.eni_config("us-west-2b", spec());
    cluster.restart();
    let (node, _imds) = node_of(&cluster);
    let run = waiting(&node);
    cluster.eni_config("us-west-2a", spec());
    ends_well(run);
}

#[test]
fn an_api_server_that_is_killed_and_restarted_in_mid_wait_is_found_again() {
    let Some(mut cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let mut run = waiting(&node);
    cluster.kill();
    run.until(
        "warning: wait: failed to read ENIConfig us-west-2a: the API server does not answer: ",
    );
    cluster.restart();
    cluster.eni_config("us-west-2a", spec());
    ends_well(run);
}

#[test]
fn a_token_that_expires_in_mid_wait_is_made_anew() {
    let Some(mut cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let run = waiting(&node);
    cluster.forget_tokens();
    // A watch that is open stays open: the next request shows the old token.
    cluster.kill();
    cluster.restart();
    cluster.eni_config("us-west-2a", spec());
    let ended = ends_well(run);
    assert!(ended.stderr.contains("does not know this node's identity (401)"), "{}", ended.stderr);
    assert_eq!(cluster.tokens().len(), 2, "the old one and a new one");
}

#[test]
fn a_role_that_is_mapped_during_the_wait_lets_the_node_go_on() {
    let Some(cluster) = ready_cluster() else { return };
    cluster.eni_config("us-west-2a", spec());
    cluster.set_mapped(false);
    let (node, _imds) = node_of(&cluster);
    let mut run = node.start(["run"]);
    assert_eq!(
        run.until("warning: wait: "),
        "warning: wait: failed to read the aws-node DaemonSet: the API server does not know this node's identity (401); create an EKS access entry of type EC2_LINUX for the node role, or map the role in the aws-auth ConfigMap; check the clock of the instance\n"
    );
    cluster.set_mapped(true);
    ends_well(run);
}

#[test]
fn a_minute_of_waiting_is_one_get_and_one_watch() {
    let Some(cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let ended = node.run(["run", "--verbose", "--eni-config-wait", "60s"]);
    assert_eq!(ended.status, Some(75), "{}", ended.stderr);
    assert!(error(&ended).contains("timed out after 1m waiting for ENIConfig us-west-2a"));
    assert_eq!(
        (asked(&ended, "GET eniconfigs"), asked(&ended, "WATCH"), asked(&ended, "GET daemonsets")),
        (1, 1, 1)
    );
    // The server's own count is the same.
    let requests = cluster.requests();
    let count = |verb: &str| {
        requests.iter().filter(|it| it.verb == verb && it.uri.contains("/eniconfigs")).count()
    };
    assert_eq!((count("get"), count("list"), count("watch")), (1, 0, 1), "{requests:?}");
    let left = ended.stderr.lines().filter_map(|line| {
        let left = line.strip_prefix("wait: ENIConfig us-west-2a not found; retrying (")?;
        humantime::parse_duration(left.strip_suffix(" left)")?).ok()
    });
    let left: Vec<_> = left.collect();
    // Every 15 s: at least so much later each time.
    let at_most = [45, 30, 15].map(Duration::from_secs);
    assert!(left.len() >= at_most.len(), "{}", ended.stderr);
    assert!(left.iter().zip(at_most).all(|(left, at_most)| *left <= at_most), "{left:?}");
}

#[test]
fn what_the_cluster_remembers_of_the_node_is_said() {
    let Some(cluster) = ready_cluster() else { return };
    cluster.eni_config("us-west-2a", spec());
    cluster.eni_config("default", spec());
    let (node, _imds) = node_of(&cluster);
    let name = NODE.trim_start_matches("system:node:");
    // EC2 does not answer: there is nobody.
    let nobody = "--ec2-endpoint=http://127.0.0.1:9";
    let said = || {
        let ended = node.run(["run", "--eni-config-verify", nobody]);
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        let begins = |line: &&str| line.starts_with("warning: verify: ");
        ended.stderr.lines().filter(begins).map(str::to_owned).collect::<Vec<_>>()
    };
    let default = "warning: verify: ENIConfig default: an ENIConfig named \"default\" exists; the CNI uses it in any zone if it cannot read a node's labels in time; delete it unless every node may use it: `kubectl delete eniconfig default`";
    assert_eq!(said(), [default]);
    cluster.apply(json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "annotations": { "k8s.amazonaws.com/eniConfig": "blue" } },
        "spec": { "unschedulable": true },
    }));
    assert_eq!(
        said(),
        [
            default,
            "warning: verify: node: the node is cordoned, so the CNI attaches no network interfaces and the node stays NotReady; run `kubectl uncordon NODE`, or set AWS_MANAGE_ENIS_NON_SCHEDULABLE=true on the aws-node DaemonSet",
            "warning: verify: node: the CNI uses ENIConfig \"blue\" instead of \"us-west-2a\" for new network interfaces, because the Node object has annotation k8s.amazonaws.com/eniConfig; run `kubectl delete node NODE` so that the node registers again, or correct its label or annotation",
        ]
    );
}
