//! A cluster in an API server and in moto, in which every command succeeds, and the program.

use super::cases::Case;
use super::manifest::Right;
use crate::check::aws::Aws;
use crate::support::program;
use eni_bootstrap_real_parts::service_account;
use eni_bootstrap_real_parts::{Account, Cluster, Moto, Who, cluster, own_moto};
use eni_bootstrap_sandbox::fleet::FleetNode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use tempfile::TempDir;

const ENI_CONFIGS: &str = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs";
pub const DAEMON_SETS: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets";

/// The access key id and the secret access key of a user.
pub type Key = (String, String);

/// A cluster `prod` with two zones, custom networking and prefix delegation.
pub struct Site {
    pub cluster: Cluster,
    pub aws: Aws,
    moto: Moto,
    folder: TempDir,
    /// The IDs that moto generates, and what golden files contain instead.
    ids: Vec<(String, &'static str)>,
}

/// The result of a command, and what it used.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// The requests to the API server that RBAC allowed.
    pub requests: BTreeSet<Right>,
    /// The ENIConfigs that the command created. They no longer exist.
    pub created: Vec<&'static str>,
    /// The actions of AWS.
    pub actions: BTreeSet<String>,
}

impl Site {
    /// Starts the cluster. Returns `None` if a real part is missing.
    pub fn start() -> Option<Self> {
        let (cluster, moto) = (cluster()?, own_moto()?);
        let account = moto.account();
        let vpc = account.vpc("10.0.0.0/16");
        let group = account.group(&vpc, "eks-cluster-sg-prod");
        let subnet = |zone: &str, range: &str| account.subnet(&vpc, zone, range);
        let of_nodes = [("us-west-2a", "10.0.0.0/24"), ("us-west-2b", "10.0.1.0/24")]
            .map(|(zone, range)| subnet(zone, range));
        let a = subnet("us-west-2a", "10.0.64.0/20");
        let b = subnet("us-west-2b", "10.0.80.0/20");
        // With so few addresses, their number does not decide whether there is a free prefix.
        let small = subnet("us-west-2a", "10.0.96.0/26");
        for address in ["10.0.96.20", "10.0.96.21"] {
            account.interface(&small, address);
        }
        for tagged in [&b, &small] {
            account.tag(tagged, "tier", "new");
        }
        let aws = Aws::start(account);
        let ids = vec![
            (vpc.clone(), "vpc-0"),
            (group.clone(), "sg-0"),
            (a.clone(), "subnet-a"),
            (b.clone(), "subnet-b"),
            (small.clone(), "subnet-small"),
        ];
        let described = account.cluster_with(
            "prod",
            json!({ "subnetIds": of_nodes, "clusterSecurityGroupId": group }),
        );
        aws.answers.lock().unwrap().cluster = Some(json!({ "cluster": described }).to_string());

        let environment = [
            ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
            ("ENI_CONFIG_LABEL_DEF", "topology.kubernetes.io/zone"),
            ("ENABLE_PREFIX_DELEGATION", "true"),
            ("WARM_PREFIX_TARGET", "1"),
        ];
        let environment = environment.map(|(name, value)| json!({ "name": name, "value": value }));
        cluster.install_cni_version("v1.23.2-eksbuild.1", json!(environment));
        cluster.apply(service_account("kube-system", "aws-node"));
        for (name, id) in [("us-west-2a", &a), ("us-west-2b", &b), ("small", &small)] {
            cluster.eni_config(name, json!({ "subnet": id, "securityGroups": [group] }));
        }
        let site = Self { cluster, aws, moto, folder: tempfile::tempdir().unwrap(), ids };
        site.create_nodes();
        Some(site)
    }

    /// Creates a Node with two pods in each zone. An instance profile with a role is attached to its instance.
    fn create_nodes(&self) {
        let iam = |form: &str| self.account().query("iam", form, "RequestId");
        iam("Action=CreateRole&RoleName=nodes&AssumeRolePolicyDocument=%7B%7D");
        iam("Action=CreateInstanceProfile&InstanceProfileName=nodes");
        iam("Action=AddRoleToInstanceProfile&InstanceProfileName=nodes&RoleName=nodes");
        let mut objects = vec![service_account("default", "default")];
        for (number, zone) in [(1, "us-west-2a"), (2, "us-west-2b")] {
            let run = "Action=RunInstances&ImageId=ami-12c6146b&MinCount=1&MaxCount=1&IamInstanceProfile.Name=nodes";
            let id = self.account().query("ec2", run, "instanceId");
            let node = FleetNode {
                zone,
                max_pods: 110,
                reserved: 1_465,
                ..FleetNode::new(number, "m5.large")
            };
            let mut object = node.object();
            object["spec"]["providerID"] = format!("aws:///{zone}/{id}").into();
            objects.push(object);
            objects.extend(node.pods(0));
        }
        let (first, pods): (Vec<Value>, Vec<Value>) =
            objects.into_iter().partition(|it| it["kind"] != "Pod");
        self.cluster.create_all(&first);
        self.cluster.create_all(&pods);
    }

    pub fn account(&self) -> Account<'_> {
        self.moto.account()
    }

    /// Runs a command as the operator, with an AWS access key. Removes what it creates.
    pub fn run(&self, case: &Case, key: &Key) -> Run {
        let folder = self.folder.path();
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        fs::write(folder.join("config"), self.cluster.kubeconfig(Who::Operator)).unwrap();
        let mut answers = self.aws.answers.lock().unwrap();
        answers.calls.clear();
        answers.pod_identity =
            case.has_association.then_some("arn:aws:iam::123456789012:role/aws-node");
        drop(answers);
        let logged = self.audit_log().len();

        let mut command = program(case.arguments.iter().copied());
        command.args(["--cluster-name", "prod", "--region", "us-west-2"]).current_dir(folder);
        command.env("KUBECONFIG", "config").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ACCESS_KEY_ID", &key.0).env("AWS_SECRET_ACCESS_KEY", &key.1);
        for name in ["EC2", "EKS", "IAM"] {
            command.env(format!("AWS_ENDPOINT_URL_{name}"), &self.aws.endpoint);
        }
        let output = command.output().unwrap();

        let requests = allowed(&self.audit_log()[logged..]);
        let created = if case.creates { self.remove_created() } else { Vec::new() };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            requests,
            created,
            actions: self.aws.answers.lock().unwrap().calls.clone(),
        }
    }

    /// Deletes the file of `limits refresh` and the ENIConfigs of `configs --apply`. Returns these ENIConfigs.
    fn remove_created(&self) -> Vec<&'static str> {
        let _ = fs::remove_file(self.folder.path().join("instance-types.csv"));
        let mut names = vec!["new-us-west-2a", "new-us-west-2b"];
        names.retain(|name| {
            let path = format!("{ENI_CONFIGS}/{name}");
            let exists = self.cluster.get("admin-token", &path).is_ok();
            if exists {
                self.cluster.delete(&path);
            }
            exists
        });
        names
    }

    fn audit_log(&self) -> String {
        fs::read_to_string(self.cluster.audit_log()).unwrap_or_default()
    }

    /// Replaces the IDs that moto generates.
    pub fn steady(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }
}

/// Returns the requests for resources in the audit log that RBAC allowed.
fn allowed(log: &str) -> BTreeSet<Right> {
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let allowed = events.filter(|event| {
        event["annotations"]["authorization.k8s.io/decision"] == "allow"
            && event["objectRef"]["resource"].is_string()
    });
    let right = |event: Value| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let object = &event["objectRef"];
        Right {
            verb: text(&event["verb"]).unwrap(),
            resource: text(&object["resource"]).unwrap(),
            name: text(&object["name"]),
        }
    };
    allowed.map(right).collect()
}

impl Run {
    /// Returns the first error, or else the first skipped or failed check that `complete` does not have, in one
    /// line without the fix.
    pub fn problem(&self, complete: &Self) -> Option<String> {
        if let Some((_, error)) = self.stderr.split_once("error: ") {
            let lines = error.lines().take_while(|line| !line.starts_with("  help: "));
            return Some(format!("error: {}", lines.map(str::trim).collect::<Vec<_>>().join("; ")));
        }
        let (text, complete) = (self.text(), complete.text());
        let known: BTreeSet<&str> = complete.lines().collect();
        let mut lines = text.lines().skip_while(|line| {
            let is_problem = ["skipped", "failed", "SKIPPED"].iter().any(|it| line.starts_with(it));
            !is_problem || known.contains(line)
        });
        let first = lines.next()?;
        if first == "SKIPPED" {
            // The heading of a list. Other runs may have it, too.
            return lines
                .map(str::trim)
                .find(|it| !it.is_empty())
                .map(|it| format!("skipped: {it}"));
        }
        let mut problem = vec![first];
        let is_end = |line: &str| {
            let next = ["ok ", "skipped ", "skipped:", "failed ", "warning ", "checks:", "→"];
            line.trim().is_empty() || next.iter().any(|it| line.trim_start().starts_with(it))
        };
        problem.extend(lines.take_while(|line| !is_end(line)));
        let words = problem.iter().flat_map(|line| line.split_whitespace());
        Some(words.collect::<Vec<_>>().join(" "))
    }

    fn text(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}
