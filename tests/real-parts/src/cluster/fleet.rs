//! Creates many objects: the nodes and pods of the simulated fleet.

use super::{Cluster, Who};
use eni_bootstrap_sandbox::fleet::{self, FleetNode};
use http::Request;
use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Requests that are sent at the same time.
const CONCURRENCY: usize = 16;

impl Cluster {
    /// Installs the VPC CNI, the ENIConfigs with these subnets, the nodes and the pods of the fleet.
    pub fn install_fleet(&self, subnets: [&str; 3]) {
        self.install_cni(fleet::environment());
        let nodes = fleet::nodes();
        let mut objects = vec![service_account("default", "default")];
        objects.extend(fleet::eni_configs(subnets));
        objects.extend(nodes.iter().map(FleetNode::object));
        self.create_all(&objects);
        let pods = nodes.iter().flat_map(|node| node.pods(node.number % 4));
        self.create_all(&pods.collect::<Vec<_>>());
        // A pod that has ended does not count.
        let ended = json!({ "phase": "Succeeded" });
        self.set_status("/api/v1/namespaces/default/pods/app-35-1", ended);
    }

    /// Creates the first object, and then the others in any order.
    pub fn create_all(&self, objects: &[Value]) {
        self.with_client(&Who::Admin.token(), async |client| {
            // Pods need the ServiceAccount.
            let (first, rest) = objects.split_at(1);
            create(&client, first).await;
            let mut tasks = JoinSet::new();
            for some in rest.chunks(rest.len().div_ceil(CONCURRENCY).max(1)) {
                let (client, some) = (client.clone(), some.to_vec());
                tasks.spawn(async move { create(&client, &some).await });
            }
            tasks.join_all().await;
        });
    }

    /// Returns a token of a `ServiceAccount`, as the kubelet requests it for a pod.
    pub fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": { "expirationSeconds": 3600 },
        });
        let response = self.request(&Who::Admin.token(), &post(&path, &body)).unwrap();
        response["status"]["token"].as_str().unwrap().to_owned()
    }
}

/// Returns a `ServiceAccount`.
pub fn service_account(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": name, "namespace": namespace },
    })
}

/// Returns the API path of an object's kind.
pub fn collection(object: &Value) -> String {
    let namespace = object["metadata"]["namespace"].as_str();
    let plural = object["kind"].as_str().unwrap().to_lowercase() + "s";
    let group = match object["apiVersion"].as_str().unwrap() {
        "v1" => "/api/v1".to_owned(),
        group => format!("/apis/{group}"),
    };
    match namespace {
        Some(namespace) => format!("{group}/namespaces/{namespace}/{plural}"),
        None => format!("{group}/{plural}"),
    }
}

async fn create(client: &Client, objects: &[Value]) {
    for object in objects {
        let created = client.request::<Value>(post(&collection(object), object)).await;
        created.unwrap_or_else(|error| panic!("{object}: {error:?}"));
    }
}

fn post(path: &str, body: &Value) -> Request<Vec<u8>> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(body.to_string().into_bytes()).unwrap()
}
