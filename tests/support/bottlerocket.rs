//! The part of a Bottlerocket host that a bootstrap container can access, and checks of a run on it.

use crate::support::node::{Node, RunOutput};
use eni_bootstrap_sandbox::{Bottlerocket, Imds, Instance, KubernetesApi};
use serde_json::{Value, json};
use std::time::Duration;

/// The longest time that a test waits for a request.
pub const TIME_LIMIT: Duration = Duration::from_mins(5);
/// The settings file of eni-bootstrap.
pub const USER_DATA: &str = ".bottlerocket/bootstrap-containers/current/user-data";
/// The record of the Bottlerocket settings that eni-bootstrap committed last.
pub const RECORD: &str = ".bottlerocket/bootstrap-containers/current/eni-bootstrap.toml";

/// A bootstrap container on a c5.large in us-west-2a. The cluster has the ENIConfig of the zone.
pub struct Host {
    /// The container.
    pub node: Node,
    /// The settings API.
    pub settings: Bottlerocket,
    /// The cluster.
    pub api: KubernetesApi,
    /// The instance's metadata.
    pub imds: Imds,
}

impl Host {
    /// Returns a host with the default settings of its user data and of pluto.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// Returns a host with live settings that are modified by `change`.
    pub fn with(change: impl FnOnce(&mut Value)) -> Self {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
        // On Bottlerocket, the instance's user data contains settings, which eni-bootstrap must not read.
        let user_data = Some(b"[settings.kubernetes]\ncluster-name = \"sandbox\"\n".to_vec());
        let instance = Instance { user_data, ..Instance::default() };
        let imds = Imds::start(&instance);
        let node = Node::empty().with("--imds-endpoint", imds.endpoint());
        let mut seed = Bottlerocket::seed(&instance, &api);
        change(&mut seed);
        let settings = Bottlerocket::in_container(node.root(), &seed);
        Self { node, settings, api, imds }
    }

    /// Runs `eni-bootstrap run` to its end.
    pub fn run(&self) -> RunOutput {
        self.node.run(["run"])
    }

    /// Returns max-pods and the labels in the kubelet's files.
    pub fn kubelet(&self) -> (String, String) {
        let config = self.settings.rendered("etc/kubernetes/kubelet/config").unwrap();
        let max_pods = config.lines().find_map(|line| line.strip_prefix("maxPods: ")).unwrap();
        let env = self.settings.rendered("etc/kubernetes/kubelet/env").unwrap();
        let labels = env.lines().find_map(|line| line.strip_prefix("NODE_LABELS=")).unwrap();
        (max_pods.to_owned(), labels.trim_matches('"').to_owned())
    }

    /// Returns all requests except GET, with the transaction name replaced by `T`.
    pub fn changing(&self) -> Vec<String> {
        let lines = self.settings.lines().into_iter().filter(|line| !line.starts_with("GET "));
        lines.map(|line| without_transaction(&line)).collect()
    }
}

/// Replaces `tx=eni-bootstrap-…` with `tx=T`. The name must end with 16 hexadecimal digits.
fn without_transaction(line: &str) -> String {
    let Some((before, number)) = line.split_once("tx=eni-bootstrap-") else {
        return line.to_owned();
    };
    assert!(number.len() == 16 && number.bytes().all(|it| it.is_ascii_hexdigit()), "{line}");
    format!("{before}tx=T")
}

/// Returns the lines of the log that contain `phase: `.
pub fn lines<'a>(output: &'a RunOutput, phase: &str) -> Vec<&'a str> {
    output.stderr.lines().filter(|line| line.contains(&format!("{phase}: "))).collect()
}

/// Asserts that the run succeeded, and that its last line is the ready message.
pub fn ready(output: &RunOutput) {
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(output.stderr.lines().last(), Some("ready: the node is ready for the kubelet"));
}

/// Returns the expected max-pods and labels of a c5.large with custom networking.
pub fn as_planned() -> (String, String) {
    let labels = "k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";
    ("20".to_owned(), labels.to_owned())
}

/// The request that adds changes to a transaction.
pub const PATCH: &str = "PATCH /settings?tx=T";
/// The request that commits a transaction and renders the settings.
pub const COMMIT: &str = "POST /tx/commit_and_apply?tx=T";
