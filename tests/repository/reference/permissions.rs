//! `docs/reference/permissions.md`: every permission in the manifests, who needs it, and the result without it.
//!
//! The results for nodes are those that `tests/real/rbac_rights.rs` and the tests of the AWS requests compare. The results for
//! operators are read from the golden files of the tests that remove each permission.

use super::{GENERATED, expect, path};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

/// The result for a node without a permission.
struct Need {
    permission: &'static str,
    /// The feature that uses the permission.
    used_for: &'static str,
    /// The result on a first boot.
    without: &'static str,
    /// The result with a record of a successful run, or the result of `check`.
    otherwise: &'static str,
}

const fn need(
    permission: &'static str,
    used_for: &'static str,
    without: &'static str,
    otherwise: &'static str,
) -> Need {
    Need { permission, used_for, without, otherwise }
}

const OTHER_CNI: &str = "only without aws-node: the error (exit code 75) does not name this CNI";

const KUBERNETES: [Need; 8] = [
    need(
        "get daemonsets/aws-node",
        "max-pods: the configuration of the CNI. Not with `cni.source = \"settings\"`",
        "exit code 77 after `eni-config.wait`",
        "warnings; uses the recorded CNI configuration",
    ),
    need(
        "get eniconfigs",
        "custom networking: whether the ENIConfig of the node exists",
        "exit code 77 after `eni-config.wait`",
        "warnings; uses the recorded ENIConfig",
    ),
    need(
        "watch eniconfigs",
        "custom networking: reports a new ENIConfig immediately",
        "warning; polls instead",
        "the same",
    ),
    need("get daemonsets/cilium", "the name of another CNI in the error", OTHER_CNI, "the same"),
    need("get daemonsets/calico-node", "the same", OTHER_CNI, "the same"),
    need("get daemonsets/kube-flannel-ds", "the same", OTHER_CNI, "the same"),
    need("get daemonsets/weave-net", "the same", OTHER_CNI, "the same"),
    need("get daemonsets/antrea-agent", "the same", OTHER_CNI, "the same"),
];

const AWS: [Need; 6] = [
    need(
        "ec2:DescribeInstanceTypes",
        "instance types that the embedded table does not contain",
        "exit code 77 if the embedded table does not contain the instance type",
        "the same",
    ),
    need(
        "ec2:DescribeSubnets",
        "the check of the subnets for pods; without custom networking, also max-pods",
        "skips the check of the subnet. Without custom networking: warning; max-pods is computed as if no tag excludes the node's subnet",
        "`skipped`, exit code 2",
    ),
    need(
        "ec2:DescribeSecurityGroups",
        "custom networking: the check of the security groups",
        "skips the check of the security groups",
        "`skipped`, exit code 2",
    ),
    need(
        "ec2:DescribeNetworkInterfaces",
        "prefix delegation: the check of the free prefixes",
        "skips the check of the free prefixes",
        "`skipped`, exit code 2",
    ),
    need(
        "ec2:GetSubnetCidrReservations",
        "prefix delegation: the check of the free prefixes",
        "skips the check of the free prefixes",
        "`skipped`, exit code 2",
    ),
    need(
        "eks:DescribeCluster",
        "the endpoint and the certificate authority, if only the cluster's name is known",
        "exit code 77 if only the cluster's name is known",
        "the same",
    ),
];

const NODES: &str = "
## Nodes: Kubernetes

[packaging/rbac.yaml](../../packaging/rbac.yaml) grants these permissions to the group `system:nodes`. None of them allows a write or
access to secrets. If aws-node takes a value from a ConfigMap, nodes also need the permission to get this ConfigMap. The error
message contains the commands that create the Role. The tests remove each permission, one at a time.

| permission | used for | `run` on a first boot without it | `run` with a [record](../cluster.md#boot-without-the-api-server) |
|---|---|---|---|
";

const NODES_AWS: &str = "
## Nodes: AWS

[packaging/iam-policy.json](../../packaging/iam-policy.json) allows these actions. All of them only read. Attach it to the IAM role of
the nodes. AmazonEKSWorkerNodePolicy allows four of the six actions. AmazonEKS\\_CNI\\_Policy allows `ec2:DescribeNetworkInterfaces`.
Neither allows `ec2:GetSubnetCidrReservations`. With a [record](../cluster.md#boot-without-the-api-server), `run` uses the recorded
limits of the instance type, subnet of the node and cluster instead.

| action | used for | `run` on a first boot without it | `check` without it |
|---|---|---|---|
";

const OPERATORS: &str = "
## Operators: Kubernetes

[packaging/rbac-operator.yaml](../../packaging/rbac-operator.yaml) grants these permissions to the group `kubectl-eni`, and so does the
[Helm chart](../helm-chart.md). [Permissions](../kubectl-eni.md#permissions) lists them by command. A command that is not listed
in a row does not need the permission. Exit code 1 means that a check failed, and 2 that a check was skipped.

| permission | commands without it |
|---|---|
";

const OPERATORS_AWS: &str = "
## Operators: AWS

[packaging/iam-policy-operator.json](../../packaging/iam-policy-operator.json) allows these actions for the person or the job that runs
the plugin. Except for `limits refresh`, `ec2:DescribeInstanceTypes` is needed only for an instance type that the embedded table does
not contain.

| action | commands without it |
|---|---|
";

#[test]
fn the_permissions_are_generated() {
    let mut text = format!("# Reference: permissions\n\n{GENERATED}");
    text.push_str(NODES);
    needs(&mut text, &KUBERNETES, &rights("packaging/rbac.yaml"));
    text.push_str(NODES_AWS);
    needs(&mut text, &AWS, &actions("packaging/iam-policy.json"));
    text.push_str(OPERATORS);
    results(&mut text, "kubernetes.txt", &rights("packaging/rbac-operator.yaml"));
    text.push_str(OPERATORS_AWS);
    results(&mut text, "aws.txt", &actions("packaging/iam-policy-operator.json"));
    expect("docs/reference/permissions.md", &text);
}

/// Appends a row for each permission. Each permission of the manifest must have a row, and each row a permission.
fn needs(text: &mut String, needs: &[Need], granted: &BTreeSet<String>) {
    let documented: BTreeSet<String> = needs.iter().map(|it| it.permission.to_owned()).collect();
    assert_eq!(&documented, granted);
    for Need { permission, used_for, without, otherwise } in needs {
        let _ = writeln!(text, "| `{permission}` | {used_for} | {without} | {otherwise} |");
    }
}

/// Appends a row for each permission with the results of the commands without it.
fn results(text: &mut String, golden: &str, granted: &BTreeSet<String>) {
    let file = path("crates/kubectl-eni/tests/golden/rights").join(golden);
    let golden = fs::read_to_string(file).unwrap();
    let mut without: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for section in golden.split("# without ").skip(1) {
        let section = section.split("\n# with ").next().unwrap();
        let (permission, lines) = section.split_once('\n').unwrap();
        let permission = permission.split(',').next().unwrap();
        let lines = lines.lines().filter_map(|line| {
            let (command, rest) = line.split_once(": exit code ")?;
            Some(format!("`{command}`: exit code {}", rest.split(':').next()?))
        });
        without.entry(permission).or_default().extend(lines);
    }
    let documented: BTreeSet<String> = without.keys().map(|&it| it.to_owned()).collect();
    assert_eq!(&documented, granted);
    for (permission, mut lines) in without {
        lines.dedup();
        let mut lines = lines.join("<br>");
        if let Some(cni) = permission.strip_prefix("get daemonsets/").filter(|it| *it != "aws-node")
        {
            lines = format!("only without aws-node: the error does not name {cni}");
        }
        let _ = writeln!(text, "| `{permission}` | {lines} |");
    }
}

/// Returns the permissions in a manifest, such as `get daemonsets/aws-node`.
fn rights(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(path(manifest)).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let rules = objects.iter().flat_map(|it| it["rules"].as_array().into_iter().flatten());
    let mut rights = BTreeSet::new();
    for rule in rules {
        for verb in strings(&rule["verbs"]) {
            for resource in strings(&rule["resources"]) {
                let names = strings(&rule["resourceNames"]);
                rights.extend(names.iter().map(|name| format!("{verb} {resource}/{name}")));
                if names.is_empty() {
                    rights.insert(format!("{verb} {resource}"));
                }
            }
        }
    }
    rights
}

/// Returns the actions in an IAM policy.
fn actions(policy: &str) -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(&fs::read_to_string(path(policy)).unwrap()).unwrap();
    policy["Statement"].as_array().unwrap().iter().flat_map(|it| strings(&it["Action"])).collect()
}

fn strings(value: &Value) -> Vec<String> {
    let values = value.as_array().into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}
