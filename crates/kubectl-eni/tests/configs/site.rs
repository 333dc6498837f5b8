//! A cluster with three zones in moto and in an API server, and the program that runs against it.

use eni_bootstrap_real_parts::{Account, Cluster, Moto, Who, cluster, own_moto};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Command;
use tempfile::NamedTempFile;

/// The exit code and the output of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Returns the whole result as one text, for a golden file.
    pub fn text(&self, arguments: &[&str]) -> String {
        let Self { status, stdout, stderr } = self;
        let status = status.map_or_else(|| "killed".to_owned(), |status| status.to_string());
        format!(
            "$ kubectl eni configs {}\n{stdout}-- stderr --\n{stderr}-- exit code {status} --\n",
            arguments.join(" ")
        )
    }
}

/// The pod subnets, security groups and VPCs of the cluster `prod` in us-west-2.
pub struct Site {
    pub cluster: Cluster,
    pub moto: Moto,
    pub vpc: String,
    /// The security group that EKS created.
    pub group: String,
    /// The cluster as EKS describes it.
    pub described: Value,
    /// The URL of EKS; `None` for moto.
    pub eks: Option<String>,
    /// The IDs in the output, and what golden files contain instead, with the same length.
    ids: Vec<(String, String)>,
}

/// A subnet for pods: zone, CIDR block, and tags.
type PodSubnet<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

impl Site {
    /// Returns a cluster with nodes in three zones and these pod subnets, or `None` if a real part is missing.
    pub fn new(pod_subnets: &[PodSubnet<'_>]) -> Option<Self> {
        let (cluster, moto) = (cluster()?, own_moto()?);
        let account = moto.account();
        let vpc = account.vpc("10.0.0.0/16");
        let group = account.group(&vpc, "eks-cluster-sg-prod");
        let mut ids =
            vec![(vpc.clone(), same_length(&vpc, "0")), (group.clone(), same_length(&group, "0"))];
        let mut add = |id: &str, name: &str| ids.push((id.to_owned(), same_length(id, name)));
        let zones = [
            ("us-west-2a", "10.0.0.0/24"),
            ("us-west-2b", "10.0.1.0/24"),
            ("us-west-2c", "10.0.2.0/24"),
        ];
        let node_subnets: Vec<String> =
            zones.iter().map(|(zone, range)| account.subnet(&vpc, zone, range)).collect();
        for (zone, range, tags) in pod_subnets {
            let subnet = account.subnet(&vpc, zone, range);
            for (key, value) in *tags {
                account.tag(&subnet, key, value);
            }
            add(&subnet, &format!("{}{}", &zone[9..], range.replace(['.', '/'], "")));
        }
        let node_subnets: Vec<&str> = node_subnets.iter().map(String::as_str).collect();
        let described = account.cluster_with(
            "prod",
            json!({
                "subnetIds": node_subnets,
                "clusterSecurityGroupId": group,
            }),
        );
        let site = Self { cluster, moto, vpc, group, described, eks: None, ids };
        site.set_cni(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")]);
        Some(site)
    }

    pub fn account(&self) -> Account<'_> {
        self.moto.account()
    }

    /// Returns the ID of the pod subnet with this zone and CIDR block.
    pub fn subnet(&self, zone: &str, range: &str) -> &str {
        let name = format!("{}{}", &zone[9..], range.replace(['.', '/'], ""));
        let found =
            self.ids.iter().find(|(id, placeholder)| *placeholder == same_length(id, &name));
        &found.unwrap().0
    }

    /// Replaces another ID in the output.
    pub fn name(&mut self, id: &str, name: &str) {
        self.ids.push((id.to_owned(), same_length(id, name)));
    }

    /// Installs aws-node with these variables.
    pub fn set_cni(&self, variables: &[(&str, &str)]) {
        let variables =
            variables.iter().map(|(name, value)| json!({ "name": name, "value": value }));
        self.cluster.install_cni(Value::Array(variables.collect()));
    }

    /// Runs `kubectl eni configs` as the administrator.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_as(Who::Admin, ("test", "test"), arguments)
    }

    /// Runs `kubectl eni configs` as a user of the cluster, with an AWS access key.
    pub fn run_as(&self, who: Who, key: (&str, &str), arguments: &[&str]) -> Run {
        let mut kubeconfig = NamedTempFile::new().unwrap();
        kubeconfig.write_all(self.cluster.kubeconfig(who).as_bytes()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-eni"));
        command.env_clear();
        command.env("AWS_ACCESS_KEY_ID", key.0).env("AWS_SECRET_ACCESS_KEY", key.1);
        command.env("AWS_ENDPOINT_URL_EC2", &self.moto.endpoint);
        command.env("AWS_ENDPOINT_URL_EKS", self.eks.as_ref().unwrap_or(&self.moto.endpoint));
        command.arg("configs").arg("--kubeconfig").arg(kubeconfig.path());
        command.args(["--region", "us-west-2", "--cluster-name", "prod"]).args(arguments);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| self.with_placeholders(&String::from_utf8(bytes).unwrap());
        Run {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Replaces the IDs that moto generates.
    pub fn with_placeholders(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    /// Compares the result of each list of arguments with a golden file.
    pub fn expect(&self, name: &str, runs: &[&[&str]]) {
        let texts: Vec<String> = runs
            .iter()
            .map(|arguments| {
                let shown = self.with_placeholders(&arguments.join(" "));
                self.run(arguments).text(&[&shown])
            })
            .collect();
        expect_golden(name, &texts.join("\n"));
    }

    /// Returns `spec` of an ENIConfig in the cluster; `None` if it does not exist.
    pub fn spec(&self, name: &str) -> Option<Value> {
        let path = format!("/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/{name}");
        let object = self.cluster.get("admin-token", &path).ok()?;
        serde_json::from_str(&self.with_placeholders(&object["spec"].to_string())).ok()
    }
}

/// Returns an ID of the same length that ends with `name`, so that tables stay aligned.
fn same_length(id: &str, name: &str) -> String {
    let (prefix, digits) = id.split_once('-').unwrap();
    format!("{prefix}-{name:0>width$}", width = digits.len())
}

/// Asserts that the golden file `tests/golden/configs/NAME` contains `actual`.
pub fn expect_golden(name: &str, actual: &str) {
    crate::support::expect_golden(&format!("configs/{name}"), actual);
}
