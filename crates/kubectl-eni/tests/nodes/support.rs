//! The program, and requests to the API server.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

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
