//! The rendered files of the kubelet.
//!
//! Source: `packages/kubernetes-1.31/kubelet-config` and `kube_reserve_memory` of
//! `sources/api/schnauzer/src/helpers/mod.rs`, bottlerocket-os/bottlerocket-core-kit. The template of
//! the environment file is not in the public source. Its variables are those of
//! `packages/kubernetes-1.27/kubelet-exec-start-conf` (`--node-labels "${NODE_LABELS}"`), and maps are
//! joined as `join_map` does.

use super::store::{Pairs, nested};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The paths below the root of the host.
pub(super) const CONFIG: &str = "etc/kubernetes/kubelet/config";
pub(super) const ENV: &str = "etc/kubernetes/kubelet/env";
/// The reserved CPU of an instance with 2 vCPUs: 6% of the first and 1% of the second.
const TWO_CPUS: &str = "70m";

/// Returns the path and the contents of each file. Fails if one template lacks a required setting.
pub(super) fn files(live: &Pairs) -> Result<[(&'static str, String); 2], String> {
    let settings = nested(live);
    let kubernetes = &settings["kubernetes"];
    Ok([(CONFIG, config(kubernetes)), (ENV, env(kubernetes)?)])
}

fn config(kubernetes: &Value) -> String {
    let text = |key: &str| kubernetes[key].as_str();
    let reserved = |key: &str| kubernetes["kube-reserved"][key].as_str();
    let mut lines = "---\nkind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\naddress: 0.0.0.0\n".to_owned();
    let mut add = |line: &str| {
        let _ = writeln!(lines, "{line}");
    };
    if let Some(domain) = text("cluster-domain") {
        add(&format!("clusterDomain: {domain}"));
    }
    if let Some(address) = text("cluster-dns-ip") {
        add(&format!("clusterDNS:\n- {address}"));
    }
    add(&format!("kubeReserved:\n  cpu: \"{}\"", reserved("cpu").unwrap_or(TWO_CPUS)));
    // The template treats a missing max-pods as 0, and then omits the memory.
    let pods = kubernetes["max-pods"].as_u64();
    let by_pods = pods.filter(|&pods| pods > 0).map(|pods| format!("{}Mi", pods * 11 + 255));
    if let Some(memory) = reserved("memory").map(str::to_owned).or(by_pods) {
        add(&format!("  memory: \"{memory}\""));
    }
    add(&format!("  ephemeral-storage: \"{}\"", reserved("ephemeral-storage").unwrap_or("1Gi")));
    add("kubeReservedCgroup: \"/runtime\"");
    if let Some(id) = text("provider-id") {
        add(&format!("providerID: {id}"));
    }
    add("resolvConf: \"/run/netdog/resolv.conf\"\ncgroupDriver: systemd");
    add(&format!("maxPods: {}", pods.unwrap_or(110)));
    add("failSwapOn: false");
    lines
}

fn env(kubernetes: &Value) -> Result<String, String> {
    let address = kubernetes["node-ip"].as_str();
    let address = address.ok_or("settings.kubernetes.node-ip is not set")?;
    let empty = Map::new();
    let map = |key: &str| kubernetes[key].as_object().unwrap_or(&empty);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let labels: Vec<String> =
        map("node-labels").iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
    let taints: Vec<String> = map("node-taints")
        .iter()
        .flat_map(|(key, values)| values.as_array().into_iter().flatten().map(move |it| (key, it)))
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    let image = kubernetes["pod-infra-container-image"].as_str();
    let image = image.unwrap_or("localhost/kubernetes/pause:0.1.0");
    let (labels, taints) = (labels.join(","), taints.join(","));
    Ok(format!(
        "NODE_IP={address}\nNODE_LABELS={labels}\nNODE_TAINTS={taints}\nPOD_INFRA_CONTAINER_IMAGE={image}\n"
    ))
}
