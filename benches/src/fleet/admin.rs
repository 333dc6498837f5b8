//! An administrator's client of the API server, which keeps its connection open.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::metrics::Metrics;
use eni_bootstrap_real_parts::cluster::{Cluster, Who};

const ENI_CONFIGS: &str = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs";
/// The pause between two reads of the metrics, which use CPU time of the API server.
const POLL: Duration = Duration::from_millis(500);
/// The maximum time until all agents have a watch.
const LIMIT: Duration = Duration::from_mins(3);

/// The times of a creation.
#[derive(Clone, Copy, Debug)]
pub struct Created {
    /// The request was sent.
    pub sent: Instant,
    /// The response arrived.
    pub answered: Instant,
}

/// The client.
pub struct Admin {
    runtime: Runtime,
    client: Client,
}

impl Admin {
    pub fn new(cluster: &Cluster) -> Result<Self, Box<dyn Error>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let kubeconfig = Kubeconfig::from_yaml(&cluster.kubeconfig(Who::Admin))?;
        let client = runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
            Ok::<_, Box<dyn Error>>(Client::try_from(config)?)
        })?;
        Ok(Self { runtime, client })
    }

    fn send(&self, request: Request<Vec<u8>>) -> Result<String, Box<dyn Error>> {
        Ok(self.runtime.block_on(self.client.request_text(request))?)
    }

    /// Creates the ENIConfig `name`.
    pub fn create_eni_config(&self, name: &str) -> Result<Created, Box<dyn Error>> {
        let object = json!({
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfig",
            "metadata": { "name": name },
            "spec": { "subnet": "subnet-0a", "securityGroups": ["sg-0b"] },
        });
        let request = Request::post(ENI_CONFIGS).header("content-type", "application/json");
        let request = request.body(object.to_string().into_bytes())?;
        let sent = Instant::now();
        self.send(request)?;
        Ok(Created { sent, answered: Instant::now() })
    }

    pub fn delete_eni_config(&self, name: &str) -> Result<(), Box<dyn Error>> {
        self.send(Request::delete(format!("{ENI_CONFIGS}/{name}")).body(Vec::new())?)?;
        Ok(())
    }

    pub fn metrics(&self) -> Result<Metrics, Box<dyn Error>> {
        Ok(Metrics::new(self.send(Request::get("/metrics").body(Vec::new())?)?))
    }

    /// Waits until the API server has `count` open watches of ENIConfigs.
    pub fn wait_for_watches(&self, count: usize) -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        loop {
            let open = self.metrics()?.open_watches();
            #[expect(clippy::cast_precision_loss, reason = "a few thousand watches")]
            if open >= count as f64 {
                return Ok(());
            }
            if started.elapsed() > LIMIT {
                return Err(format!("{open} of {count} watches after {LIMIT:?}").into());
            }
            thread::sleep(POLL);
        }
    }
}
