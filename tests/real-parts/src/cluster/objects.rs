//! An administrator's client that creates, reads and deletes objects in the cluster.

use std::fs;
use std::panic;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use http::Request;
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::core::v1::Node;
use kube::api::{
    Api, DynamicObject, GroupVersionKind, Patch, PatchParams, WatchEvent, WatchParams,
};
use kube::client::{Body, ConfigExt as _};
use kube::discovery::{self, Scope};
use kube::{Client, Config, Error};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tower::{BoxError, ServiceBuilder};

use super::{Cluster, Who};

/// How long the API server may take to apply a change.
const TIMEOUT: Duration = Duration::from_mins(5);
const RBAC: &str = "rbac.authorization.k8s.io";

impl Cluster {
    /// Reads an API path with `token`. An error is the status and message of the response; the status
    /// is 0 if there is no response.
    pub fn get(&self, token: &str, path: &str) -> Result<Value, (u16, String)> {
        self.request(token, &Request::get(path).body(Vec::new()).unwrap())
    }

    /// Creates or changes an object. The default namespace is `default`. Returns when the change is in
    /// effect.
    pub fn apply(&self, object: Value) {
        self.apply_all(&[object]);
    }

    /// Applies each document of a YAML file.
    pub fn apply_file(&self, path: &Path) {
        self.apply_all(&documents(&fs::read_to_string(path).unwrap()));
    }

    /// Validates an object in a server-side dry run, which rejects unknown fields. An error is the status and the
    /// message of the response; the status is 0 if the API server does not serve this kind.
    pub fn dry_run(&self, object: &Value) -> Result<(), (u16, String)> {
        self.with_client(&Who::Admin.token(), async |client| {
            let params = PatchParams::apply("test").force().validation_strict().dry_run();
            server_side_apply(client, object, &params).await.map_err(status_and_message)
        })
    }

    /// Deletes the object at an API path. Returns when it no longer exists.
    pub fn delete(&self, path: &str) {
        let admin = &Who::Admin.token();
        let result = self.request(admin, &Request::delete(path).body(Vec::new()).unwrap());
        // The response is a status, or for some resource types the deleted object.
        assert_eq!(result.map(drop), Ok(()), "DELETE {path}");
        wait_until(path, || matches!(self.get(admin, path), Err((404, _))));
        if path.contains(RBAC) {
            self.wait_for_rbac();
        }
    }

    /// Installs the VPC CNI objects that a node reads: the `CustomResourceDefinition` of ENIConfigs, and the
    /// DaemonSet `kube-system/aws-node` with these environment variables. The version is 1.20.4, in which
    /// no tag excludes a subnet.
    pub fn install_cni(&self, env: Value) {
        self.install_cni_version("v1.20.4-eksbuild.1", env);
    }

    /// Installs the objects of [`Self::install_cni`] with this tag of the aws-node image.
    pub fn install_cni_version(&self, tag: &str, env: Value) {
        let mut objects = documents(include_str!("../../../real/kubernetes/cni.yaml"));
        let container = objects[1].pointer_mut("/spec/template/spec/containers/0").unwrap();
        container["env"] = env;
        container["image"] =
            format!("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:{tag}").into();
        self.apply_all(&objects);
    }

    /// Changes the status of the object at an API path, as its controller does.
    #[expect(clippy::needless_pass_by_value, reason = "tests pass temporary values")]
    pub fn set_status(&self, path: &str, status: Value) {
        let body = json!({ "status": status }).to_string().into_bytes();
        let request = Request::patch(format!("{path}/status"))
            .header("content-type", "application/merge-patch+json")
            .body(body);
        let result = self.request(&Who::Admin.token(), &request.unwrap());
        assert_eq!(result.map(drop), Ok(()), "PATCH {path}/status");
    }

    /// Creates or changes an ENIConfig.
    #[expect(clippy::needless_pass_by_value, reason = "tests pass temporary values")]
    pub fn eni_config(&self, name: &str, spec: Value) {
        self.apply(json!({
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfig",
            "metadata": { "name": name },
            "spec": spec,
        }));
    }

    /// Watches the Node `name` until `is_complete` returns true for it, and returns it. After `limit`, returns
    /// its last state as the error; null if it does not exist.
    pub fn watch_node(
        &self,
        name: &str,
        limit: Duration,
        is_complete: impl Fn(&Value) -> bool + Sync,
    ) -> Result<Value, Value> {
        self.with_client(&Who::Admin.token(), async |client| {
            let nodes: Api<Node> = Api::all(client);
            let params = WatchParams::default().fields(&format!("metadata.name={name}"));
            // Version 0: the watch starts with the current state.
            let mut events = pin!(nodes.watch(&params, "0").await.unwrap());
            let mut last = Value::Null;
            let watch = async {
                while let Some(event) = events.try_next().await.unwrap() {
                    if let WatchEvent::Added(node) | WatchEvent::Modified(node) = event {
                        last = serde_json::to_value(node).unwrap();
                        if is_complete(&last) {
                            break;
                        }
                    }
                }
            };
            let in_time = tokio::time::timeout(limit, watch).await.is_ok();
            if in_time { Ok(last) } else { Err(last) }
        })
    }

    fn apply_all(&self, objects: &[Value]) {
        let group = |object: &Value| object["apiVersion"].as_str().unwrap().to_owned();
        for object in objects {
            self.apply_one(object);
            if object["kind"] == "CustomResourceDefinition" {
                self.wait_for_kind(&object["spec"]);
            }
        }
        if objects.iter().any(|object| group(object).starts_with(RBAC)) {
            self.wait_for_rbac();
        }
    }

    fn apply_one(&self, object: &Value) {
        let result = self.with_client(&Who::Admin.token(), async |client| {
            let params = PatchParams::apply("test").force().validation_strict();
            server_side_apply(client, object, &params).await.map_err(status_and_message)
        });
        assert_eq!(result, Ok(()), "{object}");
    }

    /// Waits until the API server serves a newly created resource type.
    fn wait_for_kind(&self, spec: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (group, version) = (text(&spec["group"]), text(&spec["versions"][0]["name"]));
        let (kind, plural) = (text(&spec["names"]["kind"]), text(&spec["names"]["plural"]));
        let path = format!("/apis/{group}/{version}/{plural}");
        let kind = GroupVersionKind::gvk(&group, &version, &kind);
        let admin = &Who::Admin.token();
        wait_until(&path, || {
            let is_listed = async |client| discovery::pinned_kind(&client, &kind).await.is_ok();
            self.get(admin, &path).is_ok() && self.with_client(admin, is_listed)
        });
    }

    /// Waits until the RBAC authorizer has received all roles and bindings. It receives each of the four
    /// kinds in the order of creation. So this creates one more of each and waits until they apply.
    fn wait_for_rbac(&self) {
        static CALL: AtomicU32 = AtomicU32::new(0);
        let name = format!("rbac-barrier-{}", CALL.fetch_add(1, Ordering::Relaxed));
        for (prefix, namespace, resource) in
            [("Cluster", Value::Null, "configmaps"), ("", "default".into(), "secrets")]
        {
            let metadata = json!({ "name": name, "namespace": namespace });
            let objects = [
                json!({
                    "apiVersion": format!("{RBAC}/v1"),
                    "kind": format!("{prefix}Role"),
                    "metadata": metadata,
                    "rules": [{ "apiGroups": [""], "resources": [resource], "verbs": ["get"] }],
                }),
                json!({
                    "apiVersion": format!("{RBAC}/v1"),
                    "kind": format!("{prefix}RoleBinding"),
                    "metadata": metadata,
                    "roleRef": { "apiGroup": RBAC, "kind": format!("{prefix}Role"), "name": name },
                    "subjects": [{ "apiGroup": RBAC, "kind": "User", "name": name }],
                }),
            ];
            for object in &objects {
                self.apply_one(object);
            }
            let access_review = json!({
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": { "user": name, "resourceAttributes": {
                    "namespace": namespace, "resource": resource, "verb": "get",
                } },
            });
            let review = Request::post("/apis/authorization.k8s.io/v1/subjectaccessreviews")
                .header("content-type", "application/json")
                .body(access_review.to_string().into_bytes())
                .unwrap();
            wait_until("RBAC update", || {
                self.request(&Who::Admin.token(), &review).unwrap()["status"]["allowed"] == true
            });
        }
    }

    pub(super) fn request(
        &self,
        token: &str,
        request: &Request<Vec<u8>>,
    ) -> Result<Value, (u16, String)> {
        let text = self.with_client(token, async |client| {
            client.request_text(request.clone()).await.map_err(status_and_message)
        })?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Runs `work` on a separate thread, because the test may already be inside a tokio runtime.
    pub(super) fn with_client<T: Send>(
        &self,
        token: &str,
        work: impl AsyncFnOnce(Client) -> T + Send,
    ) -> T {
        let mut config = Config::new(self.url().parse().unwrap());
        let authority = CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap();
        config.root_cert = Some(vec![authority.to_vec()]);
        config.auth_info.token = Some(token.to_owned().into());
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async { work(client(&config)).await })
        };
        thread::scope(|scope| scope.spawn(work).join())
            .unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    }
}

/// Builds the client as kube does, with `TCP_NODELAY`. Without it every new connection waits 40 ms for
/// an acknowledgement.
fn client(config: &Config) -> Client {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let https = config.rustls_https_connector_with_connector(http).unwrap();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().unwrap())
        .map_err(BoxError::from)
        .service(legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(https));
    Client::new(service, "default")
}

async fn server_side_apply(
    client: Client,
    object: &Value,
    params: &PatchParams,
) -> kube::Result<()> {
    let typed: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    let kind = GroupVersionKind::try_from(typed.types.unwrap()).unwrap();
    let (resource, capabilities) = discovery::pinned_kind(&client, &kind).await?;
    let namespace = typed.metadata.namespace.as_deref().unwrap_or("default");
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client, &resource),
        Scope::Namespaced => Api::namespaced_with(client, namespace, &resource),
    };
    api.patch(&typed.metadata.name.unwrap(), params, &Patch::Apply(object)).await.map(drop)
}

fn status_and_message(error: Error) -> (u16, String) {
    match error {
        Error::Api(status) => (status.code, status.message),
        other => (0, other.to_string()),
    }
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < TIMEOUT, "{what}: not completed within {TIMEOUT:?}");
        thread::sleep(Duration::from_millis(10));
    }
}
