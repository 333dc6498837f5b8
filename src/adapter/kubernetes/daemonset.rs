//! The environment of the container in the aws-node DaemonSet, computed as the kubelet does: `env`
//! overrides `envFrom`, values come from `ConfigMap`s, and `$(NAME)` is expanded.

mod container;

use super::env_expansion::expand;
use super::{ApiServer, KubernetesError, LocalNode, OtherCni, resource};
use container::{ConfigMapKeyRef, ConfigMapRef, Container, EnvFrom, Variable, container};
use eni_core::domain::aws_node::{AwsNode, VARIABLES};
use eni_core::failure::{Advice, ExitCode};
use kube::api::{Api, DynamicObject};
use std::borrow::Cow;
use std::collections::BTreeMap;
use tracing::debug;

const NAMESPACE: &str = "kube-system";
/// The name of the DaemonSet and of its container.
const NAME: &str = "aws-node";

/// The alternative to reading the DaemonSet, for the help of an error.
pub(crate) const SETTINGS: &str =
    "set `cni.source = \"settings\"` and configure the CNI in `[cni]`";

/// Environment variables: name to value.
pub type Environment = BTreeMap<String, String>;

/// A failure to read the CNI configuration from the aws-node DaemonSet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsNodeError {
    /// The request to the API server failed.
    #[error(transparent)]
    Api(#[from] KubernetesError),
    /// The DaemonSet does not exist.
    #[error("DaemonSet aws-node not found in namespace kube-system")]
    NotFound,
    /// The DaemonSet does not exist, but that of another CNI, such as `kube-system/cilium`.
    #[error(
        "this cluster has DaemonSet {0} and no aws-node: eni-bootstrap supports only the Amazon VPC CNI"
    )]
    NotFoundBeside(String),
    /// The pods of the DaemonSet do not run on this node, because the cluster uses another CNI.
    #[error(transparent)]
    OtherCni(#[from] OtherCni),
    /// The DaemonSet has no container `aws-node`.
    #[error("DaemonSet aws-node has no container named aws-node")]
    NoContainer,
    /// RBAC does not allow the node to read a ConfigMap that sets a variable.
    #[error("access denied for ConfigMap {config_map}, which sets {what} on DaemonSet aws-node")]
    ConfigMapForbidden {
        /// The variable, or `environment variables`.
        what: String,
        config_map: String,
        source: Box<KubernetesError>,
    },
    /// A required ConfigMap, or a key in it, does not exist, so the pods of the DaemonSet do not
    /// start.
    #[error("ConfigMap {config_map}, which sets {what} on DaemonSet aws-node, {problem}")]
    MissingConfigMapData {
        /// The variable, or `environment variables`.
        what: String,
        config_map: String,
        /// `does not exist` or `has no key KEY`.
        problem: String,
    },
    /// The value comes from a field of the pod or from a Secret.
    #[error("DaemonSet aws-node sets {what} from {origin}, which eni-bootstrap cannot read")]
    UnreadableSource {
        /// The variable, or `environment variables`.
        what: String,
        /// The source of the value.
        origin: &'static str,
    },
}

impl Advice for AwsNodeError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Api(error) => error.help(),
            Self::NotFound | Self::NoContainer => {
                format!("install the Amazon VPC CNI before you start nodes, or {SETTINGS}").into()
            }
            Self::NotFoundBeside(_) => format!(
                "remove eni-bootstrap from this node, install the Amazon VPC CNI before you start nodes, or {SETTINGS}"
            )
            .into(),
            Self::OtherCni(other) => format!(
                "remove eni-bootstrap from this node; if aws-node must run on this node, {}, or {SETTINGS}",
                other.label_help()
            )
            .into(),
            Self::ConfigMapForbidden { config_map, .. } => format!(
                "allow nodes to read the ConfigMap: `kubectl -n kube-system create role eni-bootstrap-{config_map} --verb=get --resource=configmaps --resource-name={config_map} && kubectl -n kube-system create rolebinding eni-bootstrap-{config_map} --role=eni-bootstrap-{config_map} --group=system:nodes`, or {SETTINGS}"
            )
            .into(),
            Self::MissingConfigMapData { config_map, .. } => format!(
                "create ConfigMap {config_map} or its missing key in namespace kube-system, or {SETTINGS}"
            )
            .into(),
            Self::UnreadableSource { .. } => SETTINGS.into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Api(error) => error.exit_code(),
            Self::NotFound
            | Self::NotFoundBeside(_)
            | Self::NoContainer
            | Self::MissingConfigMapData { .. } => ExitCode::TimedOut,
            Self::ConfigMapForbidden { .. } => ExitCode::PermissionDenied,
            Self::OtherCni(_) | Self::UnreadableSource { .. } => ExitCode::Settings,
        }
    }
}

/// Every cluster has the resource type DaemonSet, so a 404 for it is not a response of the API server.
fn with_resource_type(error: KubernetesError) -> KubernetesError {
    match error {
        KubernetesError::NoResourceType => {
            KubernetesError::Answered { code: 404, message: String::new() }
        }
        other => other,
    }
}

impl ApiServer {
    /// Returns the configuration of the CNI on `node`.
    pub async fn aws_node(&self, node: &LocalNode) -> Result<AwsNode, AwsNodeError> {
        let daemon_set = self.daemon_set().await?;
        let warning = self.check_selector(&daemon_set, node).await?;
        let (mut aws_node, _) = self.configuration(&daemon_set, &[]).await?;
        aws_node.diagnostics.extend(warning);
        Ok(aws_node)
    }

    pub(super) async fn daemon_set(&self) -> Result<DynamicObject, AwsNodeError> {
        debug!("kubernetes: GET daemonsets/{NAME} in {NAMESPACE}");
        let kind = resource("apps", "v1", "DaemonSet", "daemonsets");
        let api = Api::namespaced_with(self.credentials.client().await?, NAMESPACE, &kind);
        let daemon_set = self.get(&api, NAME).await.map_err(with_resource_type)?;
        daemon_set.ok_or(AwsNodeError::NotFound)
    }

    /// Returns the configuration in the container's environment, and the environment. The variables of
    /// [`VARIABLES`] and `also` must be readable.
    pub(super) async fn configuration(
        &self,
        daemon_set: &DynamicObject,
        also: &[&str],
    ) -> Result<(AwsNode, Environment), AwsNodeError> {
        let container = container(daemon_set).ok_or(AwsNodeError::NoContainer)?;
        let mut environment = Environment::new();
        for all in &container.env_from {
            environment.extend(self.env_from(all, &container).await?);
        }
        for variable in &container.env {
            // Other variables are read only if they have a literal value, which `$(NAME)` may refer
            // to.
            let name = variable.name.as_str();
            let matters = VARIABLES.contains(&name) || also.contains(&name);
            if let Some(value) = self.value(variable, &environment, matters).await? {
                environment.insert(variable.name.clone(), value);
            }
        }
        Ok((AwsNode::read(&environment, &container.image), environment))
    }

    /// Returns the variables of one entry of `envFrom`.
    async fn env_from(
        &self,
        all: &EnvFrom,
        container: &Container,
    ) -> Result<Environment, AwsNodeError> {
        let what = "environment variables".to_owned();
        let Some(ConfigMapRef { name, optional }) = &all.config_map_ref else {
            // `env` overrides `envFrom`.
            let set = |name: &&str| container.env.iter().any(|it| it.name == **name);
            let open = VARIABLES.iter().filter(|name| !set(name)).count();
            return if open == 0 {
                Ok(Environment::new())
            } else {
                Err(AwsNodeError::UnreadableSource { what, origin: "a Secret" })
            };
        };
        match self.config_map(name, &what).await? {
            Some(data) => {
                let prefixed = |(key, value): (String, String)| (all.prefix.clone() + &key, value);
                Ok(data.into_iter().map(prefixed).collect())
            }
            None if *optional => Ok(Environment::new()),
            None => {
                let problem = "does not exist".to_owned();
                Err(AwsNodeError::MissingConfigMapData { what, config_map: name.clone(), problem })
            }
        }
    }

    /// Returns the value of a variable; `None` if it is unset or not evaluated.
    async fn value(
        &self,
        variable: &Variable,
        before: &Environment,
        matters: bool,
    ) -> Result<Option<String>, AwsNodeError> {
        let Some(from) = &variable.value_from else {
            return Ok(Some(expand(&variable.value, before)));
        };
        if !matters {
            return Ok(None);
        }
        let what = variable.name.clone();
        let Some(ConfigMapKeyRef { name, key, optional }) = &from.config_map_key_ref else {
            let secret = from.secret_key_ref.is_some();
            let origin = if secret { "a Secret" } else { "a field of the pod" };
            return Err(AwsNodeError::UnreadableSource { what, origin });
        };
        let data = self.config_map(name, &what).await?;
        let exists = data.is_some();
        match data.and_then(|mut data| data.remove(key)) {
            Some(value) => Ok(Some(value)),
            None if *optional => Ok(None),
            None => {
                let problem =
                    if exists { format!("has no key {key}") } else { "does not exist".to_owned() };
                Err(AwsNodeError::MissingConfigMapData { what, config_map: name.clone(), problem })
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
        let api = Api::namespaced_with(self.credentials.client().await?, NAMESPACE, &kind);
        let object = self.get(&api, name).await.map_err(|error| match error {
            source @ KubernetesError::Forbidden(_) => {
                let (what, config_map) = (what.to_owned(), name.to_owned());
                let source = Box::new(source);
                AwsNodeError::ConfigMapForbidden { what, config_map, source }
            }
            other => AwsNodeError::Api(other),
        })?;
        Ok(object.map(|object| {
            let data = object.data.get("data").and_then(serde_json::Value::as_object);
            let text = |(key, value): (&String, &serde_json::Value)| {
                Some((key.clone(), value.as_str()?.to_owned()))
            };
            data.into_iter().flatten().filter_map(text).collect()
        }))
    }
}
