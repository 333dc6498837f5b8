//! The environment of the aws-node DaemonSet's container, put together as the kubelet would:
//! `envFrom` first, `env` over it, `ConfigMap`s looked up, `$(NAME)` filled in.

use super::{ApiServer, KubernetesError, resource};
use eni_core::domain::aws_node::VARIABLES;
use eni_core::error::{Advice, ExitCode};
use kube::api::{Api, DynamicObject};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tracing::debug;

const NAMESPACE: &str = "kube-system";
/// The DaemonSet, and the container in it.
const NAME: &str = "aws-node";

/// Variables by their names.
pub type Environment = BTreeMap<String, String>;

/// What the CNI is set to could not be found out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsNodeError {
    /// The API server did not say.
    #[error(transparent)]
    Api(#[from] KubernetesError),
    /// There is no such DaemonSet.
    #[error("there is no aws-node DaemonSet in kube-system")]
    NotThere,
    /// It has no container of that name.
    #[error("the aws-node DaemonSet has no container aws-node")]
    NoContainer,
    /// A ConfigMap that it needs is not to be read.
    #[error(
        "the aws-node DaemonSet takes {what} from ConfigMap {config_map}, which this node may not read: {why}"
    )]
    ConfigMapForbidden {
        /// The variable, or all of them.
        what: String,
        /// The ConfigMap.
        config_map: String,
        /// What the API server said.
        why: String,
    },
    /// A ConfigMap or a key in it that it needs is not there: its pods do not start.
    #[error("the aws-node DaemonSet takes {what} from ConfigMap {config_map}, and {lacks}")]
    ConfigMapLacks {
        /// The variable, or all of them.
        what: String,
        /// The ConfigMap.
        config_map: String,
        /// What is missing.
        lacks: String,
    },
    /// A value that only the pod itself can know, or a secret.
    #[error("the aws-node DaemonSet takes {what} from {from}, which cannot be read from here")]
    OutOfReach {
        /// The variable, or all of them.
        what: String,
        /// Where from.
        from: &'static str,
    },
}

impl Advice for AwsNodeError {
    fn help(&self) -> Cow<'static, str> {
        let by_hand = "set the keys of [cni] by hand and cni.source = \"settings\"";
        match self {
            Self::Api(error) => error.help(),
            Self::NotThere | Self::NoContainer => {
                format!("install the Amazon VPC CNI before the first node, or {by_hand}").into()
            }
            Self::ConfigMapForbidden { config_map, .. } => format!(
                "let nodes read it: `kubectl -n kube-system create role eni-bootstrap-{config_map} --verb=get --resource=configmaps --resource-name={config_map}` and `kubectl -n kube-system create rolebinding eni-bootstrap-{config_map} --role=eni-bootstrap-{config_map} --group=system:nodes`, or {by_hand}"
            )
            .into(),
            Self::ConfigMapLacks { config_map, .. } => format!(
                "create it: `kubectl -n kube-system edit configmap {config_map}`, or {by_hand}"
            )
            .into(),
            Self::OutOfReach { .. } => by_hand.into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Api(error) => error.exit_code(),
            Self::NotThere | Self::NoContainer | Self::ConfigMapLacks { .. } => ExitCode::TimedOut,
            Self::ConfigMapForbidden { .. } => ExitCode::PermissionDenied,
            Self::OutOfReach { .. } => ExitCode::Settings,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    #[serde(default)]
    env: Vec<Variable>,
    #[serde(default)]
    env_from: Vec<AllOf>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: String,
    #[serde(default)]
    value: String,
    value_from: Option<ValueFrom>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueFrom {
    config_map_key_ref: Option<KeyOf>,
    secret_key_ref: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct KeyOf {
    name: String,
    key: String,
    #[serde(default)]
    optional: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllOf {
    #[serde(default)]
    prefix: String,
    config_map_ref: Option<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    optional: bool,
}

impl ApiServer {
    /// The environment in which the CNI runs, as far as it decides something here.
    pub async fn aws_node(&self) -> Result<Environment, AwsNodeError> {
        debug!("kubernetes: GET daemonsets/{NAME} in {NAMESPACE}");
        let kind = resource("apps", "v1", "DaemonSet", "daemonsets");
        let api = Api::namespaced_with(self.client.clone(), NAMESPACE, &kind);
        let found = self.get(&api, NAME).await?.ok_or(AwsNodeError::NotThere)?;
        let container = container(&found).ok_or(AwsNodeError::NoContainer)?;
        let mut environment = Environment::new();
        for all in &container.env_from {
            environment.extend(self.all_of(all, &container).await?);
        }
        for variable in &container.env {
            // One that decides nothing is needed only where another one may quote it.
            let matters = VARIABLES.contains(&variable.name.as_str());
            if let Some(value) = self.value(variable, &environment, matters).await? {
                environment.insert(variable.name.clone(), value);
            }
        }
        environment.retain(|name, _| VARIABLES.contains(&name.as_str()));
        Ok(environment)
    }

    /// Everything in a ConfigMap that `envFrom` names.
    async fn all_of(
        &self,
        all: &AllOf,
        container: &Container,
    ) -> Result<Environment, AwsNodeError> {
        let what = "variables".to_owned();
        let Some(Named { name, optional }) = &all.config_map_ref else {
            // What `env` sets, it sets over this.
            let set = |name: &&str| container.env.iter().any(|it| it.name == **name);
            let open = VARIABLES.iter().filter(|name| !set(name)).count();
            return if open == 0 {
                Ok(Environment::new())
            } else {
                Err(AwsNodeError::OutOfReach { what, from: "a Secret" })
            };
        };
        match self.config_map(name, &what).await? {
            Some(data) => {
                let prefixed = |(key, value): (String, String)| (all.prefix.clone() + &key, value);
                Ok(data.into_iter().map(prefixed).collect())
            }
            None if *optional => Ok(Environment::new()),
            None => {
                let lacks = "there is none of that name".to_owned();
                Err(AwsNodeError::ConfigMapLacks { what, config_map: name.clone(), lacks })
            }
        }
    }

    /// A variable's value; `None` where it is not set, or where it does not matter.
    async fn value(
        &self,
        variable: &Variable,
        before: &Environment,
        matters: bool,
    ) -> Result<Option<String>, AwsNodeError> {
        let Some(from) = &variable.value_from else {
            return Ok(Some(expanded(&variable.value, before)));
        };
        if !matters {
            return Ok(None);
        }
        let what = variable.name.clone();
        let Some(KeyOf { name, key, optional }) = &from.config_map_key_ref else {
            let secret = from.secret_key_ref.is_some();
            let from = if secret { "a Secret" } else { "its pod's own fields" };
            return Err(AwsNodeError::OutOfReach { what, from });
        };
        let data = self.config_map(name, &what).await?;
        let is_there = data.is_some();
        match data.and_then(|mut data| data.remove(key)) {
            Some(value) => Ok(Some(value)),
            None if *optional => Ok(None),
            None => {
                let lacks = if is_there {
                    format!("that has no {key}")
                } else {
                    "there is none of that name".to_owned()
                };
                Err(AwsNodeError::ConfigMapLacks { what, config_map: name.clone(), lacks })
            }
        }
    }

    async fn config_map(
        &self,
        name: &str,
        what: &str,
    ) -> Result<Option<Environment>, AwsNodeError> {
        debug!("kubernetes: GET configmaps/{name} in {NAMESPACE}");
        let kind = resource("", "v1", "ConfigMap", "configmaps");
        let api = Api::namespaced_with(self.client.clone(), NAMESPACE, &kind);
        let found = self.get(&api, name).await.map_err(|error| match error {
            KubernetesError::Forbidden(why) => {
                let (what, config_map) = (what.to_owned(), name.to_owned());
                AwsNodeError::ConfigMapForbidden { what, config_map, why }
            }
            other => AwsNodeError::Api(other),
        })?;
        Ok(found.map(|found| {
            let data = found.data.get("data").and_then(serde_json::Value::as_object);
            let text = |(key, value): (&String, &serde_json::Value)| {
                Some((key.clone(), value.as_str()?.to_owned()))
            };
            data.into_iter().flatten().filter_map(text).collect()
        }))
    }
}

fn container(daemon_set: &DynamicObject) -> Option<Container> {
    let containers = daemon_set.data["spec"]["template"]["spec"]["containers"].as_array()?;
    let each = containers.iter().filter_map(|it| serde_json::from_value(it.clone()).ok());
    each.into_iter().find(|container: &Container| container.name == NAME)
}

/// Fills `$(NAME)` in from the variables before it; `$$` is one dollar, and a name that is not set
/// stays as it is.
///
/// Source: `third_party/forked/golang/expansion/expand.go`, kubernetes/kubernetes.
fn expanded(text: &str, before: &Environment) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let reference = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        rest = if let Some(literal) = after.strip_prefix('$') {
            result.push('$');
            literal
        } else if let Some((name, after)) = reference {
            match before.get(name) {
                Some(value) => result.push_str(value),
                None => result.extend(["$(", name, ")"]),
            }
            after
        } else {
            result.push('$');
            after
        };
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_filled_in_as_kubernetes_does() {
        let before = Environment::from([("A".to_owned(), "1".to_owned())]);
        for (text, expected) in [
            ("plain", "plain"),
            ("$(A)", "1"),
            ("x$(A)y$(A)", "x1y1"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$A $(A", "$A $(A"),
            ("end$", "end$"),
        ] {
            assert_eq!(expanded(text, &before), expected, "{text}");
        }
    }
}
