//! The fields of a container in the DaemonSet that define its environment.

use super::NAME;
use kube::api::DynamicObject;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: String,
    #[serde(default)]
    pub(super) image: String,
    #[serde(default)]
    pub(super) env: Vec<Variable>,
    #[serde(default)]
    pub(super) env_from: Vec<EnvFrom>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
    pub(super) value_from: Option<ValueFrom>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValueFrom {
    pub(super) config_map_key_ref: Option<ConfigMapKeyRef>,
    pub(super) secret_key_ref: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConfigMapKeyRef {
    pub(super) name: String,
    pub(super) key: String,
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvFrom {
    #[serde(default)]
    pub(super) prefix: String,
    pub(super) config_map_ref: Option<ConfigMapRef>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConfigMapRef {
    pub(super) name: String,
    #[serde(default)]
    pub(super) optional: bool,
}

/// Returns the container `aws-node` of the DaemonSet.
pub(super) fn container(daemon_set: &DynamicObject) -> Option<Container> {
    let containers = daemon_set.data["spec"]["template"]["spec"]["containers"].as_array()?;
    let each = containers.iter().filter_map(|it| serde_json::from_value(it.clone()).ok());
    each.into_iter().find(|container: &Container| container.name == NAME)
}
