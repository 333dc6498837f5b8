//! Reads what the audit needs from the API server and, with `--verify-subnets`, from EC2.

use super::Args;
use super::audit::{Observed, SkippedCheck};
use super::eni_config::EniConfigs;
use super::error::NodesError;
use super::list::list;
use super::node::{Node, NodeObject, PodCounts, PodObject, count};
use super::subnets;
use super::zones::KnownZones;
use crate::aws::AwsOptions;
use crate::cluster::{ApiError, Cluster, RequestError};
use crate::error::Error;
use eni_bootstrap::adapter::kubernetes::{ApiServer, ClusterCni};
use eni_core::domain::eni_config::EXTERNAL_LABEL;
use eni_core::failure::one_line;
use kube::Client;
use kube::api::ListParams;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Selects the pods that are assigned to a node and have not ended.
const ON_A_NODE: &str = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";

/// Reads the nodes, the pods and the configuration of the CNI.
pub(super) async fn observe(
    args: &Args,
    cluster: &Cluster,
    aws: &AwsOptions,
) -> Result<Observed, Error> {
    let client = &cluster.client;
    // First, because it determines which labels of the nodes are needed.
    let mut cni =
        ApiServer::with_client(client.clone()).cluster_cni(&[]).await.map_err(NodesError::from)?;
    cni.aws_node.cni.reserved_enis = args.cni_reserved_enis;
    let (nodes, pods, eni_configs) = tokio::join!(
        nodes(client, args.selector.as_deref(), &cni),
        optional(!args.no_pods, pods(client)),
        optional(cni.aws_node.cni.custom_networking, eni_configs(client)),
    );
    let nodes = nodes.map_err(|error| invalid_selector(error, args.selector.as_deref()))?;
    let mut skipped = Vec::new();
    let pods = unless_forbidden("pods", pods?, &mut skipped);
    let eni_configs = unless_forbidden("eni-configs", eni_configs?, &mut skipped);
    let mut eni_configs = eni_configs.map(|by_name| EniConfigs {
        by_name,
        subnets: None,
        zones: KnownZones::of(&nodes),
    });
    if let Some(eni_configs) = eni_configs.as_mut().filter(|_| args.verify_subnets) {
        let region = cluster.region()?;
        match subnets::read(&aws.context()?, region, eni_configs.by_name.values()).await {
            Ok(found) => eni_configs.subnets = Some(found),
            Err(reason) => skipped.push(SkippedCheck { check: "subnets", reason }),
        }
    }
    Ok(Observed { cni, nodes, eni_configs, pods, skipped, pods_extra: args.pods_extra })
}

/// The result of an optional request: `None` if it was not needed, and the error if RBAC denies it.
type Optional<T> = Option<Result<T, ApiError>>;

/// Sends a request if it `is_needed`. Another error than a denied permission ends the audit.
async fn optional<T>(
    is_needed: bool,
    request: impl Future<Output = Result<T, ApiError>>,
) -> Result<Optional<T>, ApiError> {
    if !is_needed {
        return Ok(None);
    }
    match request.await {
        Err(error) if error.status() != Some(403) => Err(error),
        result => Ok(Some(result)),
    }
}

/// Returns the result. If it is missing, adds the reason to `skipped`.
fn unless_forbidden<T>(
    check: &'static str,
    result: Optional<T>,
    skipped: &mut Vec<SkippedCheck>,
) -> Option<T> {
    match result? {
        Ok(value) => Some(value),
        Err(error) => {
            skipped.push(SkippedCheck { check, reason: reason(&error) });
            None
        }
    }
}

/// Returns the message of the API server, or else the whole error.
fn reason(error: &ApiError) -> String {
    match &error.source {
        RequestError::Status(status) if !status.message.is_empty() => status.message.clone(),
        _ => one_line(error),
    }
}

fn invalid_selector(error: ApiError, selector: Option<&str>) -> Error {
    match (error.status(), selector) {
        (Some(400), Some(selector)) => NodesError::Selector(selector.to_owned()).into(),
        _ => error.into(),
    }
}

/// Returns the nodes on which the CNI runs.
pub(crate) async fn nodes_with_cni(
    client: &Client,
    cni: &ClusterCni,
) -> Result<Vec<Node>, ApiError> {
    let mut all = nodes(client, None, cni).await?;
    all.retain(|node| node.scope().out_of_scope(&cni.node_selector).is_none());
    Ok(all)
}

async fn nodes(
    client: &Client,
    selector: Option<&str>,
    cni: &ClusterCni,
) -> Result<Vec<Node>, ApiError> {
    let aws_node = &cni.aws_node;
    let mut labels: BTreeSet<String> = cni.node_selector.keys().cloned().collect();
    labels.extend([EXTERNAL_LABEL.to_owned(), aws_node.eni_config_label.clone()]);
    let annotation = aws_node.eni_config_annotation.as_str();
    let params = ListParams { label_selector: selector.map(str::to_owned), ..Default::default() };
    let mut nodes = Vec::new();
    list(client, ("nodes", "/api/v1/nodes"), params, |page: Vec<NodeObject>| {
        nodes.extend(page.into_iter().map(|node| node.reduce(&labels, annotation)));
    })
    .await?;
    Ok(nodes)
}

async fn pods(client: &Client) -> Result<PodCounts, ApiError> {
    let params = ListParams::default().fields(ON_A_NODE);
    let mut counts = PodCounts::new();
    list(client, ("pods", "/api/v1/pods"), params, |page: Vec<PodObject>| {
        count(&mut counts, page);
    })
    .await?;
    Ok(counts)
}

#[derive(Deserialize)]
struct EniConfigObject {
    metadata: EniConfigMetadata,
    #[serde(default)]
    spec: serde_json::Value,
}

#[derive(Deserialize)]
struct EniConfigMetadata {
    name: String,
}

/// Returns the subnet of each ENIConfig, by the name of the ENIConfig.
async fn eni_configs(client: &Client) -> Result<BTreeMap<String, String>, ApiError> {
    let mut by_name = BTreeMap::new();
    let path = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs";
    let params = ListParams::default();
    list(client, ("eniconfigs", path), params, |page: Vec<EniConfigObject>| {
        for EniConfigObject { metadata, spec } in page {
            // A field of the wrong type counts as missing, as it does for the CNI.
            let subnet = spec.get("subnet").and_then(serde_json::Value::as_str);
            by_name.insert(metadata.name, subnet.unwrap_or_default().to_owned());
        }
    })
    .await?;
    Ok(by_name)
}
