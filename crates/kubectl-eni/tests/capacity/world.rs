//! A cluster and an AWS account for the program.

use eni_bootstrap_real_parts::{Account, Cluster, Moto, Who, cluster, own_moto};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;
use tempfile::NamedTempFile;

/// Custom networking with an ENIConfig for each zone.
pub const CUSTOM: (&str, &str) = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
pub const PREFIXES: (&str, &str) = ("ENABLE_PREFIX_DELEGATION", "true");

/// An API server, moto, and a kubeconfig of the administrator.
pub struct World {
    pub cluster: Cluster,
    pub moto: Moto,
    pub kubeconfig: NamedTempFile,
    /// The access key id and the secret access key of the program.
    pub key: (String, String),
    /// The endpoint of EC2 for the program.
    pub ec2: String,
}

/// The output of the program.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Run {
    /// Returns the exit code, stdout and stderr.
    pub fn parts(self) -> (i32, String, String) {
        (self.code, self.stdout, self.stderr)
    }
}

impl World {
    pub fn start() -> Option<Self> {
        let (cluster, moto) = (cluster()?, own_moto()?);
        let mut kubeconfig = NamedTempFile::new().unwrap();
        kubeconfig.write_all(cluster.kubeconfig(Who::Admin).as_bytes()).unwrap();
        let key = ("test".to_owned(), "test".to_owned());
        let ec2 = moto.endpoint.clone();
        Some(Self { cluster, moto, kubeconfig, key, ec2 })
    }

    pub fn account(&self) -> Account<'_> {
        self.moto.account()
    }

    /// Installs the CNI with the variables of its manifest and these.
    pub fn install_cni(&self, variables: &[(&str, &str)]) {
        let manifest = [("WARM_ENI_TARGET", "1"), ("WARM_PREFIX_TARGET", "1")];
        let all: BTreeMap<&str, &str> = manifest.iter().chain(variables).copied().collect();
        let env = all.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.cluster.install_cni_version("v1.23.2-eksbuild.1", env);
    }

    /// Runs `kubectl eni capacity` with these arguments.
    pub fn capacity(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-eni"));
        command.arg("capacity").args(arguments);
        command.args(["--region", "us-west-2", "--cluster-name", "demo", "--kubeconfig"]);
        command.arg(self.kubeconfig.path()).env_clear();
        let (id, secret) = &self.key;
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        command.env("AWS_ENDPOINT_URL_EC2", &self.ec2);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code().unwrap(),
        }
    }

    /// Returns the JSON output with these arguments.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let run = self.capacity(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }

    pub fn eni_config(&self, name: &str, subnet: &str) {
        self.cluster.eni_config(name, json!({ "subnet": subnet, "securityGroups": [] }));
    }

    /// Creates a Node.
    pub fn node(&self, name: &str, zone: &str, instance_type: &str, instance: &str) {
        self.cluster.apply(json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": { "name": name, "labels": {
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": instance_type,
                "topology.kubernetes.io/zone": zone,
            } },
            "spec": { "providerID": format!("aws:///{zone}/{instance}") },
        }));
    }

    /// Sets the internal IP of a Node.
    pub fn set_address(&self, node: &str, address: &str) {
        let addresses = json!([{ "type": "InternalIP", "address": address }]);
        self.cluster
            .set_status(&format!("/api/v1/nodes/{node}"), json!({ "addresses": addresses }));
    }

    /// Starts an instance with this primary address, and returns its ID.
    pub fn instance(&self, subnet: &str, address: &str) -> String {
        let form = format!(
            "Action=RunInstances&ImageId=ami-12c6146b&InstanceType=m5.large&MinCount=1&MaxCount=1&SubnetId={subnet}&PrivateIpAddress={address}"
        );
        self.account().query("ec2", &form, "instanceId")
    }

    /// Creates a network interface with these addresses, the first of which is the primary one.
    pub fn interface(&self, subnet: &str, addresses: &[String]) -> String {
        use std::fmt::Write as _;
        let mut form = format!("Action=CreateNetworkInterface&SubnetId={subnet}");
        for (index, address) in addresses.iter().enumerate() {
            let (number, is_primary) = (index + 1, index == 0);
            let _ = write!(
                form,
                "&PrivateIpAddresses.{number}.PrivateIpAddress={address}&PrivateIpAddresses.{number}.Primary={is_primary}"
            );
        }
        self.account().query("ec2", &form, "networkInterfaceId")
    }

    pub fn reserve(&self, subnet: &str, range: &str, kind: &str) {
        let form = format!(
            "Action=CreateSubnetCidrReservation&SubnetId={subnet}&Cidr={range}&ReservationType={kind}"
        );
        self.account().query("ec2", &form, "subnetCidrReservationId");
    }
}
