//! The documented uses of rights: the state of the cluster for each of them, and the command.

use crate::real::real_cluster::{CUSTOM, env, spec};
use crate::support::lines::text_of;
use crate::support::node::{Node, error};
use crate::support::real_parts::Cluster;
use serde_json::json;
use std::fs;
use std::io::ErrorKind;

/// The record of the last successful run.
const RECORD: &str = "var/lib/eni-bootstrap/last-run.json";
const AWS_NODE: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node";
const ENI_CONFIG: &str = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/us-west-2a";

/// A documented use of a right.
#[derive(Clone, Copy, Debug)]
pub enum Use {
    /// `run` without a wait, on a node without a record of a successful run.
    Run,
    /// `run` without a wait, on a node with a record of a successful run.
    RunWithRecord,
    /// `run` that waits for the ENIConfig, which is created after the line of the log that contains the
    /// text, or as soon as the watch has begun if the text is `None`.
    Wait(Option<&'static str>),
    /// `run` without a wait in a cluster without aws-node and with this DaemonSet.
    OtherCni(&'static str),
}

impl Use {
    /// Brings the cluster and the node into the state for this use. The cluster has all rights.
    pub fn prepare(self, cluster: &Cluster, node: &Node) {
        let exists = |path| cluster.get("admin-token", path).is_ok();
        match self {
            Self::OtherCni(_) if exists(AWS_NODE) => cluster.delete(AWS_NODE),
            Self::OtherCni(_) => {}
            _ if !exists(AWS_NODE) => cluster.install_cni(env(&[CUSTOM])),
            _ => {}
        }
        match self {
            Self::Wait(_) if exists(ENI_CONFIG) => cluster.delete(ENI_CONFIG),
            Self::Run | Self::RunWithRecord => {
                cluster.eni_config("us-west-2a", spec());
            }
            Self::Wait(_) | Self::OtherCni(_) => {}
        }
        if let Self::OtherCni(name) = self {
            daemon_set(cluster, name);
        }
        if matches!(self, Self::RunWithRecord) {
            assert_eq!(node.run(["run"]).status, Some(0));
        } else if let Err(error) = fs::remove_file(node.root().join(RECORD)) {
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
    }

    /// Removes what [`Self::prepare`] created and other uses do not expect.
    pub fn clean_up(self, cluster: &Cluster) {
        if let Self::OtherCni(name) = self {
            cluster.delete(&AWS_NODE.replace("aws-node", name));
        }
    }

    /// Returns the exit status, and the error or the line that shows a degraded result.
    pub fn perform(self, cluster: &Cluster, node: &Node) -> (Option<i32>, String) {
        match self {
            Self::Run | Self::OtherCni(_) => {
                let output = node.run(["run", "--eni-config-wait", "0"]);
                (output.status, error(&output).to_owned())
            }
            Self::RunWithRecord => {
                let output = node.run(["run", "--eni-config-wait", "0"]);
                let warnings = output.stderr.lines().filter(|line| line.starts_with("warning: "));
                (output.status, text_of(warnings.map(without_age)))
            }
            Self::Wait(line) => {
                let mut run = node.start(["run", "--verbose"]);
                let logged = run.until(line.unwrap_or("kubernetes: WATCH eniconfigs"));
                cluster.eni_config("us-west-2a", spec());
                let output = run.end();
                assert!(
                    output.stderr.ends_with("ready: the node is ready for the kubelet\n"),
                    "{}",
                    output.stderr
                );
                (output.status, logged)
            }
        }
    }
}

/// Creates a DaemonSet in kube-system. No pod starts, because the cluster has no controllers.
fn daemon_set(cluster: &Cluster, name: &str) {
    cluster.apply(json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": { "name": name, "namespace": "kube-system" },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": name, "image": name }] },
            },
        },
    }));
}

/// Replaces the age of the record in a line of the log.
fn without_age(line: &str) -> String {
    let Some((before, rest)) = line.split_once("of the last successful run (") else {
        return line.to_owned();
    };
    let after = rest.split_once(')').unwrap().1;
    format!("{before}of the last successful run (AGE){after}")
}
