//! A cluster with three zones, and the program.

use crate::check::aws::{Answers, Aws};
use eni_bootstrap_real_parts::{Account, Cluster, Moto, Who, cluster, own_moto};
use serde_json::{Value, json};
use std::process::Command;
use std::{fs, iter};
use tempfile::TempDir;

/// The role of IRSA.
pub const IRSA: &str = "arn:aws:iam::123456789012:role/aws-node";
pub const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];
const SERVICE_ACCOUNT: &str = "/api/v1/namespaces/kube-system/serviceaccounts/aws-node";

/// A cluster `prod` with three zones, custom networking and an IRSA role.
pub struct Site {
    pub cluster: Cluster,
    pub moto: Moto,
    pub vpc: String,
    pub aws: Aws,
    folder: TempDir,
}

/// The result of a command.
#[derive(Debug, PartialEq, Eq)]
pub struct RunOutput {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Site {
    /// Starts the cluster. Returns `None` if a real part is missing.
    pub fn start() -> Option<Self> {
        let (cluster, moto) = (cluster()?, own_moto()?);
        let account = moto.account();
        let vpc = account.vpc("10.0.0.0/16");
        let subnets: Vec<String> = iter::zip(ZONES, 1..)
            .map(|(zone, number)| account.subnet(&vpc, zone, &format!("10.0.{number}.0/24")))
            .collect();
        let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
        account.cluster("prod", &subnets);
        let aws = Aws::start(account);
        let folder = tempfile::tempdir().unwrap();
        let site = Self { cluster, moto, vpc, aws, folder };
        site.install("v1.23.2-eksbuild.1", &[]);
        site.annotate(Some(IRSA));
        Some(site)
    }

    /// Installs aws-node with this version, custom networking and these variables.
    pub fn install(&self, version: &str, variables: &[(&str, &str)]) {
        let custom = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")];
        let of_env = |(name, value): &(&str, &str)| json!({ "name": name, "value": value });
        // The last value of a variable takes precedence.
        let all: std::collections::BTreeMap<_, _> =
            custom.iter().chain(variables).copied().collect();
        let env: Vec<Value> = all.iter().map(|(name, value)| of_env(&(name, value))).collect();
        self.cluster.install_cni_version(version, env.into());
    }

    /// Creates the service account of aws-node with this role.
    pub fn annotate(&self, role: Option<&str>) {
        let annotations = role.map(|role| json!({ "eks.amazonaws.com/role-arn": role }));
        self.cluster.apply(json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {
                "name": "aws-node", "namespace": "kube-system",
                "annotations": annotations.unwrap_or_else(|| json!({})),
            },
        }));
    }

    pub fn delete_service_account(&self) {
        self.cluster.delete(SERVICE_ACCOUNT);
    }

    pub fn account(&self) -> Account<'_> {
        self.moto.account()
    }

    /// Creates a subnet `10.0.NUMBER.0/24` and returns its id.
    pub fn subnet(&self, zone: &str, number: u8) -> String {
        self.account().subnet(&self.vpc, zone, &format!("10.0.{number}.0/24"))
    }

    /// Creates an ENIConfig.
    pub fn eni_config(&self, name: &str, subnet: &str) {
        self.cluster.eni_config(name, json!({ "subnet": subnet }));
    }

    pub fn answer(&self, answers: Answers) {
        *self.aws.answers.lock().unwrap() = answers;
    }

    /// Returns `kubectl-eni check` with the user of `who`, and with AWS credentials.
    pub fn command(&self, who: Who, arguments: &[&str]) -> Command {
        let kubeconfig = self.folder.path().join(format!("{who:?}.kubeconfig"));
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        fs::write(&kubeconfig, self.cluster.kubeconfig(who)).unwrap();
        let mut command = program();
        command.args(["check", "--kubeconfig", kubeconfig.to_str().unwrap()]).args(arguments);
        let endpoint = &self.aws.endpoint;
        for name in ["EC2", "EKS", "IAM"] {
            command.env(format!("AWS_ENDPOINT_URL_{name}"), endpoint);
        }
        command
    }

    /// Runs `kubectl-eni check` for the cluster `prod` in us-west-2.
    pub fn check(&self, arguments: &[&str]) -> RunOutput {
        let all = [&["--cluster-name=prod", "--region=us-west-2"], arguments].concat();
        run(self.command(Who::Admin, &all))
    }
}

/// Returns the program with AWS credentials and without other settings of this machine.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-eni"));
    command.env_clear().env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

pub fn run(mut command: Command) -> RunOutput {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    RunOutput {
        status: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Asserts that the golden file `tests/golden/check/NAME` contains `actual`.
pub fn expect_golden(name: &str, actual: &str) {
    crate::support::expect_golden(&format!("check/{name}"), actual);
}
