//! A cluster with nodes, and the program.

use eni_bootstrap_real_parts::{Cluster, Who};
use eni_bootstrap_sandbox::fleet::{self, FleetNode};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::core::params::PostParams;
use kube::{Client, Config};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Requests that are sent at the same time.
const CONCURRENCY: usize = 16;

/// The exit code, stdout and stderr of the program.
pub type Output = (i32, String, String);

/// The subnets of the fleet's ENIConfigs, if no test looks them up.
pub const SUBNETS: [&str; 3] =
    ["subnet-0a0000000000000aa", "subnet-0b0000000000000bb", "subnet-0c0000000000000cc"];

/// Returns the program: that of this build, or the one in the environment variable `KUBECTL_ENI`, to measure a release
/// build.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests")]
fn program() -> OsString {
    std::env::var_os("KUBECTL_ENI").unwrap_or_else(|| env!("CARGO_BIN_EXE_kubectl-eni").into())
}

/// Installs the VPC CNI, the ENIConfigs, the nodes and the pods of the fleet.
pub fn install_fleet(cluster: &Cluster, subnets: [&str; 3]) {
    cluster.install_cni(fleet::environment());
    let nodes = fleet::nodes();
    let mut objects = vec![service_account("default", "default")];
    objects.extend(fleet::eni_configs(subnets));
    objects.extend(nodes.iter().map(FleetNode::object));
    create_all(cluster, &objects);
    let pods = nodes.iter().flat_map(|node| node.pods(node.number % 4));
    create_all(cluster, &pods.collect::<Vec<_>>());
    // A pod that has ended does not count.
    let ended = json!({ "phase": "Succeeded" });
    cluster.set_status("/api/v1/namespaces/default/pods/app-35-1", ended);
}

pub fn service_account(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": name, "namespace": namespace },
    })
}

/// Creates objects in any order.
pub fn create_all(cluster: &Cluster, objects: &[Value]) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = client(&cluster.kubeconfig(Who::Admin)).await;
        // Pods need the ServiceAccount.
        let (first, rest) = objects.split_at(1);
        create(&client, first).await;
        let mut tasks = tokio::task::JoinSet::new();
        for some in rest.chunks(rest.len().div_ceil(CONCURRENCY).max(1)) {
            let (client, some) = (client.clone(), some.to_vec());
            tasks.spawn(async move { create(&client, &some).await });
        }
        tasks.join_all().await;
    });
}

async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

/// Sends a request, and returns the response.
pub fn send(kubeconfig: &str, request: http::Request<Vec<u8>>) -> Value {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { client(kubeconfig).await.request(request).await.unwrap() })
}

/// Returns the documents of a YAML file.
pub fn documents(path: &Path) -> Vec<Value> {
    serde_saphyr::from_multiple(&fs::read_to_string(path).unwrap()).unwrap()
}

async fn create(client: &Client, objects: &[Value]) {
    for object in objects {
        let request = Request::new(collection(object));
        let request = request.create(&PostParams::default(), object.to_string().into_bytes());
        let created = client.request::<Value>(request.unwrap()).await;
        assert!(created.is_ok(), "{object}: {created:?}");
    }
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

/// The program with a kubeconfig.
pub struct Plugin {
    folder: TempDir,
    /// Further environment variables.
    pub variables: Vec<(&'static str, String)>,
}

impl Plugin {
    pub fn new(kubeconfig: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("config"), kubeconfig);
        Self { folder, variables: Vec::new() }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("KUBECONFIG", self.folder.path().join("config"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.arg("nodes").args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

pub fn write(path: &Path, text: &str) {
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}
