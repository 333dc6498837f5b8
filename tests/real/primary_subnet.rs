//! A subnet of the node that a tag excludes from pods, with EC2 of moto and a real kube-apiserver.

use crate::real::real_cluster::{env, ready_cluster};
use crate::support::node::{DROP_IN, Node, RunOutput, error, run_output, with_imds};
use crate::support::real_parts::{Account, Cluster, Moto, Who, moto, own_moto};
use eni_bootstrap_sandbox::{Imds, Instance};
use serde_json::{Value, json};

const CURRENT: &str = "v1.23.2-eksbuild.1";
const ROLE: &str = "kubernetes.io/role/cni";

/// An m5.large without custom networking: its subnet, and another one in its zone.
struct Site<'a> {
    account: Account<'a>,
    own: String,
    other: String,
    cluster: Cluster,
    node: Node,
    _imds: Imds,
}

impl<'a> Site<'a> {
    fn new(moto: &'a Moto) -> Option<Self> {
        let cluster = ready_cluster()?;
        cluster.install_cni_version(CURRENT, env(&[]));
        let account = moto.account();
        let vpc = account.vpc("10.0.0.0/16");
        let own = account.subnet(&vpc, "us-west-2a", "10.0.1.0/24");
        let other = account.subnet(&vpc, "us-west-2a", "10.0.2.0/24");
        let imds = Imds::start(&Instance {
            instance_type: "m5.large".to_owned(),
            user_data: Some(cluster.node_config().into_bytes()),
            vpc_id: vpc,
            subnet_id: own.clone(),
            zone_id: "usw2-az2".to_owned(),
            ..Instance::default()
        });
        let node = with_imds(&imds).with("--ec2-endpoint", account.endpoint);
        Some(Self { account, own, other, cluster, node, _imds: imds })
    }

    fn run(&self, arguments: &[&str]) -> RunOutput {
        self.node.run(["run"].iter().chain(arguments))
    }

    /// Returns the warnings and the max-pods of a successful run.
    fn warnings(&self, output: &RunOutput) -> (Vec<String>, String) {
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let lines = output.stderr.lines().filter(|line| line.starts_with("warning: "));
        let drop_in = self.node.read(DROP_IN).unwrap();
        let max_pods = drop_in.lines().find_map(|line| line.trim().strip_prefix("maxPods: "));
        (lines.map(str::to_owned).collect(), max_pods.unwrap().to_owned())
    }
}

fn assert_line(output: &RunOutput, line: &str) {
    let text = format!("{}{}", output.stderr, output.stdout);
    assert!(text.lines().any(|it| it == line), "{line}\nin {text}");
}

#[test]
fn an_excluded_subnet_takes_one_interface_if_another_subnet_has_the_tag() {
    let Some(moto) = moto() else { return };
    let Some(site) = Site::new(moto) else { return };
    site.account.tag(&site.own, ROLE, "0");
    site.account.tag(&site.other, ROLE, "1");
    let calculation = "20: (3 network interfaces − 1 for the excluded subnet) × 9 secondary IPv4 addresses + 2 host-network pods = 20";
    let tag = format!(
        "the tag kubernetes.io/role/cni=0 excludes the subnet of the node, {}: the CNI assigns no addresses of the primary network interface to pods",
        site.own
    );
    let output = site.run(&[]);
    assert_eq!(site.warnings(&output), (vec![], "20".to_owned()));
    let plan = site.node.run(["plan"]);
    for output in [&output, &plan] {
        assert_line(output, &format!("plan: max-pods {calculation}"));
        assert_line(output, &format!("plan: {tag}"));
    }
    let json: Value =
        serde_json::from_str(&site.node.run(["plan", "--output", "json"]).stdout).unwrap();
    assert_eq!(
        (&json["capacity"]["primary_excluded"], &json["capacity"]["max_pods"]),
        (&json!(1), &json!(20))
    );
    assert_eq!(
        json["diagnostics"],
        json!([{ "code": "primary-subnet-excluded", "severity": "info", "subject": "max-pods", "text": tag }])
    );
    let check = site.node.run(["check"]);
    assert_eq!(check.status, Some(0), "{}", check.stdout);
    assert_line(&check, &format!("ok       max-pods   {calculation}"));
    assert_line(&check, &format!("info     max-pods   {tag}"));

    let included = site.run(&["--cni-primary-subnet-excluded=false"]);
    assert_eq!(site.warnings(&included), (vec![], "29".to_owned()));
    site.cluster.install_cni(env(&[]));
    assert_eq!(site.warnings(&site.run(&[])), (vec![], "29".to_owned()), "version 1.20.4");
    let excluded = site.run(&["--cni-primary-subnet-excluded=true"]);
    assert_eq!(site.warnings(&excluded), (vec![], "20".to_owned()));
    site.cluster.install_cni_version(CURRENT, env(&[("ENABLE_SUBNET_DISCOVERY", "false")]));
    let without_discovery = site.run(&[]);
    assert_eq!(site.warnings(&without_discovery), (vec![], "11".to_owned()));
    assert_line(
        &without_discovery,
        "plan: max-pods 11: (3 network interfaces − 2 that the CNI cannot create) × 9 secondary IPv4 addresses + 2 host-network pods = 11",
    );
}

#[test]
fn an_excluded_subnet_without_another_one_is_rejected() {
    let Some(moto) = moto() else { return };
    let Some(site) = Site::new(moto) else { return };
    site.account.tag(&site.own, ROLE, "0");
    let rejected = "error: failed to compute the node configuration\n  caused by: failed to compute max-pods for m5.large\n  caused by: a tag excludes the subnet of the primary network interface from pods, and the VPC CNI finds no other subnet in the zone\n  help: set the tag kubernetes.io/role/cni=1 on another subnet in the zone, remove kubernetes.io/role/cni from the subnet of the node, or use custom networking; set `cni.primary-subnet-excluded` to false if the CNI does not read the tags\n";
    let output = site.run(&[]);
    assert_eq!((output.status, error(&output)), (Some(78), rejected));
    assert_eq!(site.node.read(DROP_IN), None);
    let check = site.node.run(["check"]);
    assert_eq!(check.status, Some(1));
    assert_line(
        &check,
        "failed   plan      failed to compute the node configuration: failed to compute max-pods for m5.large: a tag excludes the subnet of the primary network interface from pods, and the VPC CNI finds no other subnet in the zone",
    );
    let configured = site.run(&["--cni-primary-subnet-excluded=true"]);
    assert_eq!(site.warnings(&configured), (vec![], "20".to_owned()));

    // A digest or a private tag does not contain the version, so the exclusion never rejects the node.
    site.cluster.install_cni_version("stable", env(&[]));
    let unknown = site.run(&[]);
    let warning = "warning: plan: the version of the CNI is unknown; before 1.22.0, no tag excludes a subnet, so max-pods may be too low; set `cni.version` to the version of the CNI, such as \"1.23.2\"";
    assert_eq!(site.warnings(&unknown), (vec![warning.to_owned()], "20".to_owned()));
}

#[test]
fn denied_tags_are_a_warning_and_the_next_boot_uses_the_record() {
    let Some(moto) = own_moto() else { return };
    let Some(site) = Site::new(&moto) else { return };
    let other = json!({ "Version": "2012-10-17", "Statement":
        [{ "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" }] });
    let (key, secret) = site.account.user("nobody", &other);
    let all = json!({ "Version": "2012-10-17", "Statement":
        [{ "Effect": "Allow", "Action": "ec2:DescribeSubnets", "Resource": "*" }] });
    let (allowed_key, allowed_secret) = site.account.user("node", &all);
    site.account.tag(&site.own, ROLE, "0");
    site.account.tag(&site.other, ROLE, "1");
    site.account.enforce_policies();
    let run = |key: &str, secret: &str| {
        let mut command = site.node.command(["run"]);
        command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
        run_output(command.output().unwrap())
    };
    let denied = "access denied for ec2:DescribeSubnets: AccessDenied: User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: ec2:DescribeSubnets";
    let warning = format!(
        "warning: plan: {denied}; max-pods is computed as if no tag excludes the subnet of the node; if aws-node uses the IAM role of the node, it creates no network interface, and only the addresses of the attached network interfaces serve pods (max-pods 11); allow ec2:DescribeSubnets for the IAM role of the node, or set cni.primary-subnet-excluded"
    );
    let output = run(&key, &secret);
    assert_eq!(site.warnings(&output), (vec![warning], "29".to_owned()));
    let output = run(&allowed_key, &allowed_secret);
    assert_eq!(site.warnings(&output), (vec![], "20".to_owned()));
    let output = run(&key, &secret);
    let (warnings, max_pods) = site.warnings(&output);
    assert_eq!((warnings.len(), max_pods.as_str()), (1, "20"), "{}", output.stderr);
    let prefix = format!(
        "warning: plan: {denied}; using the state of the node's subnet (excluded from pods) of the last successful run ("
    );
    assert!(warnings[0].starts_with(&prefix), "{}", warnings[0]);
}

/// The CNI compares the tags with `CLUSTER_NAME` of aws-node, however the agent reaches the cluster.
#[test]
fn the_cluster_tag_of_a_subnet_is_compared_with_cluster_name_of_aws_node() {
    let Some(moto) = moto() else { return };
    let Some(site) = Site::new(moto) else { return };
    let tag = "cni.networking.k8s.aws/cluster/other";
    site.account.tag(&site.other, tag, "shared");
    site.cluster.eni_config("us-west-2a", json!({ "subnet": site.other }));
    let custom = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
    let kubeconfig = site.node.file("kubeconfig", &site.cluster.kubeconfig(Who::Admin));
    let kubeconfig = format!("--cluster-kubeconfig={}", kubeconfig.display());
    let run = |variables: &[(&str, &str)], tag: &str, arguments: &[&str]| {
        site.cluster.install_cni_version(tag, env(variables));
        let arguments = ["--eni-config-verify=true", "--eni-config-wait=0"].iter().chain(arguments);
        site.node.run(["run"].iter().chain(arguments))
    };
    let named = [custom, ("CLUSTER_NAME", "prod")];
    let succeeds = |output: RunOutput| assert_eq!(output.status, Some(0), "{}", output.stderr);
    // Only the cluster tag.
    succeeds(run(&named, CURRENT, &[]));
    // The role tag, too.
    site.account.tag(&site.other, ROLE, "1");
    succeeds(run(&[custom], CURRENT, &[]));
    succeeds(run(&named, "v1.21.1-eksbuild.1", &[]));
    let other = &site.other;
    let rejected = format!(
        "error: the node is not ready for the kubelet\n  caused by: ENIConfig us-west-2a is not ready\n  caused by: the CNI assigns no pod addresses from {other} because of its tag {tag} (CLUSTER_NAME of aws-node is prod)\n  help: remove the tag, or set spec.subnet to another subnet: `kubectl edit eniconfig us-west-2a`\n"
    );
    for arguments in [&[][..], &[kubeconfig.as_str()]] {
        let output = run(&named, CURRENT, arguments);
        assert_eq!((output.status, error(&output)), (Some(75), rejected.as_str()), "{arguments:?}");
        succeeds(run(&[custom], CURRENT, arguments));
    }
    let warning = format!(
        "warning: verify: subnet: the version of the CNI is unknown; from 1.22.0, the CNI assigns no pod addresses from {other} because of its tag {tag} (CLUSTER_NAME of aws-node is prod); set `cni.version`; if it is 1.22.0 or later, remove the tag, or set spec.subnet to another subnet: `kubectl edit eniconfig us-west-2a`"
    );
    let unknown = run(&named, "stable", &[]);
    assert_eq!(site.warnings(&unknown).0, [warning]);
}
