//! The settings model of the `aws-k8s` variants. A request body is validated against it before any
//! setting becomes pending. Unknown fields are rejected.
//!
//! Source: `sources/settings-plugins/aws-k8s/src/lib.rs`, bottlerocket-os/bottlerocket, and
//! `bottlerocket-settings-models/settings-extensions/kubernetes/src/lib.rs`,
//! bottlerocket-os/bottlerocket-settings-sdk. The fields are in the same order as there, because the
//! error for an unknown field lists them. Fields of the type [`Value`] have a specific type there.

use super::scalars::{
    BootstrapMode, Identifier, KubernetesAuthenticationMode, KubernetesBootstrapToken,
    KubernetesCloudProvider, KubernetesClusterName, KubernetesLabelKey, KubernetesLabelValue,
    KubernetesNodeIp, KubernetesQuantityValue, KubernetesReservedResourceKey, KubernetesTaintValue,
    SingleLineString, Url, ValidBase64, ValidLinuxHostname,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Settings {
    motd: Option<String>,
    kubernetes: Option<Kubernetes>,
    updates: Option<Value>,
    host_containers: Option<Value>,
    bootstrap_commands: Option<Value>,
    bootstrap_containers: Option<BTreeMap<Identifier, BootstrapContainer>>,
    ntp: Option<Value>,
    network: Option<Network>,
    kernel: Option<Value>,
    boot: Option<Value>,
    aws: Option<Aws>,
    metrics: Option<Value>,
    pki: Option<Value>,
    container_registry: Option<Value>,
    oci_defaults: Option<Value>,
    oci_hooks: Option<Value>,
    cloudformation: Option<Value>,
    dns: Option<Value>,
    container_runtime: Option<Value>,
    autoscaling: Option<Value>,
}

type Amounts = BTreeMap<KubernetesReservedResourceKey, KubernetesQuantityValue>;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Kubernetes {
    cluster_name: Option<KubernetesClusterName>,
    cluster_certificate: Option<ValidBase64>,
    api_server: Option<Url>,
    node_labels: Option<BTreeMap<KubernetesLabelKey, KubernetesLabelValue>>,
    #[serde(default, deserialize_with = "taints")]
    node_taints: Option<BTreeMap<KubernetesLabelKey, Vec<KubernetesTaintValue>>>,
    static_pods: Option<Value>,
    authentication_mode: Option<KubernetesAuthenticationMode>,
    bootstrap_token: Option<KubernetesBootstrapToken>,
    standalone_mode: Option<bool>,
    eviction_hard: Option<Value>,
    eviction_soft: Option<Value>,
    eviction_soft_grace_period: Option<Value>,
    eviction_max_pod_grace_period: Option<u32>,
    kube_reserved: Option<Amounts>,
    system_reserved: Option<Amounts>,
    server_tls_bootstrap: Option<bool>,
    cloud_provider: Option<KubernetesCloudProvider>,
    cpu_manager_policy: Option<SingleLineString>,
    cpu_manager_reconcile_period: Option<SingleLineString>,
    cpu_manager_policy_options: Option<Vec<SingleLineString>>,
    topology_manager_scope: Option<SingleLineString>,
    topology_manager_policy: Option<SingleLineString>,
    provider_id: Option<Url>,
    log_level: Option<u8>,
    credential_providers: Option<Value>,
    server_certificate: Option<ValidBase64>,
    server_key: Option<ValidBase64>,
    shutdown_grace_period: Option<SingleLineString>,
    shutdown_grace_period_for_critical_pods: Option<SingleLineString>,
    memory_manager_reserved_memory: Option<Value>,
    memory_manager_policy: Option<SingleLineString>,
    reserved_cpus: Option<SingleLineString>,
    hostname_override_source: Option<SingleLineString>,
    seccomp_default: Option<bool>,
    max_pods: Option<u32>,
    cluster_dns_ip: Option<OneOrMany<KubernetesNodeIp>>,
    cluster_domain: Option<SingleLineString>,
    node_ip: Option<KubernetesNodeIp>,
    pod_infra_container_image: Option<SingleLineString>,
    hostname_override: Option<ValidLinuxHostname>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// Deserializes taints. The value is a string or a list of strings, and is stored as a list.
fn taints<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<KubernetesLabelKey, Vec<KubernetesTaintValue>>>, D::Error> {
    let taints: Option<BTreeMap<KubernetesLabelKey, OneOrMany<KubernetesTaintValue>>> =
        Deserialize::deserialize(deserializer)?;
    let as_list = |(key, values)| match values {
        OneOrMany::One(value) => (key, vec![value]),
        OneOrMany::Many(values) => (key, values),
    };
    Ok(taints.map(|taints| taints.into_iter().map(as_list).collect()))
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct BootstrapContainer {
    source: Url,
    mode: Option<BootstrapMode>,
    user_data: Option<ValidBase64>,
    essential: Option<bool>,
    command: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Network {
    hostname: Option<ValidLinuxHostname>,
    hosts: Option<Value>,
    https_proxy: Option<Url>,
    no_proxy: Option<Vec<SingleLineString>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Aws {
    region: Option<SingleLineString>,
    config: Option<ValidBase64>,
    credentials: Option<ValidBase64>,
    profile: Option<SingleLineString>,
}
