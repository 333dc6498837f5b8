//! Nodes and clusters that eni-bootstrap does not support, and nodes that register cordoned.

use crate::support::node::{Node, RunOutput, error, imds_with, in_cluster, ready_api, with_imds};
use eni_bootstrap_sandbox::{Bottlerocket, Fault, Imds, Instance, KubernetesApi};
use serde_json::json;
use std::time::Duration;

const CILIUM: (&str, &str) = ("io.cilium/aws-node-enabled", "true");

/// Returns user data with these lines in the `spec` of its NodeConfig.
fn user_data(api: &KubernetesApi, lines: &str) -> String {
    api.node_config() + lines
}

/// Returns the path of each request for a DaemonSet.
fn daemon_set_requests(api: &KubernetesApi) -> Vec<String> {
    let mut paths: Vec<String> = api.requests().into_iter().map(|it| it.path).collect();
    paths.retain(|path| path.contains("/daemonsets/"));
    paths
}

/// Returns the exit code and the error of a run that wrote nothing.
fn declined(node: &Node, arguments: &[&str]) -> (Option<i32>, String) {
    let output = node.run(arguments);
    assert_eq!(node.written(), Vec::<String>::new());
    (output.status, error(&output).to_owned())
}

#[test]
fn a_cluster_whose_aws_node_is_patched_for_another_cni_is_declined_without_a_wait() {
    let api = ready_api();
    for ((label, value), cni) in [(CILIUM, "Cilium"), (("non-calico", "true"), "Calico")] {
        api.set_node_selector(&[("kubernetes.io/os", "linux"), (label, value)]);
        let (node, _imds) = in_cluster(&api);
        assert_eq!(
            declined(&node, &["run", "--eni-config-wait", "1h"]),
            (
                Some(78),
                format!(
                    "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: this cluster uses {cni} instead of the Amazon VPC CNI: the nodeSelector of DaemonSet aws-node requires label {label}={value}\n  help: remove eni-bootstrap from this node; if aws-node must run on this node, add the label to the settings: `labels = {{ \"{label}\" = \"{value}\" }}`, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
                )
            )
        );
    }
    let check = in_cluster(&api).0.run(["check"]);
    assert!(
        check.stdout.contains("this cluster uses Calico instead of the Amazon VPC CNI"),
        "{check:?}"
    );
}

#[test]
fn a_node_with_the_label_that_aws_node_selects_is_supported() {
    let api = ready_api();
    api.set_node_selector(&[CILIUM]);
    let label = "io.cilium/aws-node-enabled=true";
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["run", "--labels", label]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let lines = format!("  kubelet:\n    flags: [\"--node-labels={label}\"]\n");
    let imds = imds_with(user_data(&api, &lines));
    let output = with_imds(&imds).run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let imds = imds_with(user_data(&api, &lines.replace("=true", "=false")));
    assert_eq!(with_imds(&imds).run(["run"]).status, Some(78));
}

#[test]
fn a_node_object_that_cannot_be_read_yet_does_not_decline_the_node() {
    let api = ready_api();
    api.set_node_selector(&[CILIUM]);
    api.faults().fail_next_matching("selfsubjectreviews", 1, Fault::Status(503));
    let (node, _imds) = in_cluster(&api);
    let mut run = node.start(["run"]);
    assert_eq!(
        run.until("warning: wait: "),
        "warning: wait: failed to read the aws-node DaemonSet: the API server returned status 503; check the health of the control plane: `aws eks describe-cluster --name NAME --query cluster.health`, and the logs of the API server\n"
    );
    assert_eq!(run.end().status, Some(78), "the node has not registered yet");
}

#[test]
fn a_node_that_used_the_cni_before_continues_if_its_labels_cannot_be_read() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    api.set_node_selector(&[CILIUM]);
    let run = || node.run(["run", "--eni-config-wait", "0"]);
    let warning = |reason: &str| {
        format!(
            "warning: plan: the nodeSelector of DaemonSet aws-node requires label io.cilium/aws-node-enabled=true, and the labels of this node cannot be read ({reason}); continuing, because the last run on this instance succeeded with the Amazon VPC CNI; add the label to the settings: `labels = {{ \"io.cilium/aws-node-enabled\" = \"true\" }}`"
        )
    };
    let output = run();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let unknown = warning("the credentials do not belong to a kubelet");
    assert_eq!(plan_warnings(&output), [unknown.as_str()]);
    let check = node.run(["check"]).stdout;
    let text = unknown.trim_start_matches("warning: plan: ").split("; add").next().unwrap();
    let line = check.lines().find(|line| line.starts_with("warning  aws-node "));
    assert_eq!(line.map(|it| it["warning  aws-node ".len()..].trim_start()), Some(text), "{check}");
    api.faults().fail_next_matching("selfsubjectreviews", 1, Fault::Status(403));
    let output = run();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let forbidden = warning("the API server returned 403 Forbidden without a reason");
    assert_eq!(plan_warnings(&output), [forbidden]);

    let record = "var/lib/eni-bootstrap/last-run.json";
    let text = node.read(record).unwrap();
    let id = Instance::default().instance_id;
    node.file(record, &text.replace(&id, "i-0fedcba9876543210"));
    assert_eq!(run().status, Some(78), "the record of another instance");
    node.file(record, &text);
    let output = node.run(["run", "--eni-config-wait", "0", "--fallback-wait", "off"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    std::fs::remove_file(node.root().join(record)).unwrap();
    assert_eq!(run().status, Some(78), "no record");
}

#[test]
fn other_node_selectors_are_not_judged() {
    let api = ready_api();
    api.set_node_selector(&[("team", "blue"), ("node.kubernetes.io/instance-type", "m5.large")]);
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        daemon_set_requests(&api),
        ["/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node"],
        "one request on the usual boot"
    );
}

#[test]
fn without_aws_node_the_error_names_the_other_cni() {
    let api = ready_api();
    api.set_aws_node(None);
    for name in ["kube-system/antrea-agent", "calico-system/calico-node", "kube-system/cilium"] {
        api.add_daemon_set(name);
        let (node, _imds) = in_cluster(&api);
        assert_eq!(
            declined(&node, &["run", "--eni-config-wait", "0"]),
            (
                Some(75),
                format!(
                    "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: this cluster has DaemonSet {name} and no aws-node: eni-bootstrap supports only the Amazon VPC CNI\n  help: remove eni-bootstrap from this node, install the Amazon VPC CNI before you start nodes, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
                )
            )
        );
    }
}

#[test]
fn a_vpc_cni_that_is_installed_later_ends_the_wait_beside_another_cni() {
    let api = ready_api();
    api.set_aws_node(None);
    api.add_daemon_set("kube-system/cilium");
    let (node, _imds) = in_cluster(&api);
    let mut run = node.start(["run"]);
    assert_eq!(
        run.until("warning: wait: "),
        "warning: wait: this cluster has DaemonSet kube-system/cilium and no aws-node: eni-bootstrap supports only the Amazon VPC CNI; remove eni-bootstrap from this node, install the Amazon VPC CNI before you start nodes, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
    );
    // aws-node and six other DaemonSets, and then aws-node twice.
    assert!(api.wait_for("other", 9, Duration::from_mins(5)), "{:?}", api.requests());
    api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")]));
    let output = run.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let cilium = |path: &&String| path.ends_with("/cilium");
    assert_eq!(daemon_set_requests(&api).iter().filter(cilium).count(), 1, "once for each wait");
}

#[test]
fn an_auto_mode_node_is_declined() {
    let help = |source: &str| {
        format!(
            "  help: remove eni-bootstrap from this node, or remove the label from {source} if the node has another type\n"
        )
    };
    let api = ready_api();
    let lines = "  kubelet:\n    flags: [--node-labels=eks.amazonaws.com/compute-type=auto]\n";
    let imds = imds_with(user_data(&api, lines));
    assert_eq!(
        declined(&with_imds(&imds), &["run"]),
        (
            Some(78),
            format!(
                "error: this is an EKS Auto Mode node (a kubelet flag in user data sets label eks.amazonaws.com/compute-type=auto), and the Amazon VPC CNI does not run on Auto Mode nodes\n{}",
                help("user data")
            )
        )
    );
    let imds = Imds::start(&Instance::default());
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    let mut seed = Bottlerocket::seed(&Instance::default(), &api);
    seed["kubernetes"]["node-labels"] = json!({ "eks.amazonaws.com/compute-type": "auto" });
    let settings = Bottlerocket::in_container(node.root(), &seed);
    assert_eq!(
        declined(&node, &["run"]),
        (
            Some(78),
            format!(
                "error: this is an EKS Auto Mode node (settings.kubernetes.node-labels sets label eks.amazonaws.com/compute-type=auto), and the Amazon VPC CNI does not run on Auto Mode nodes\n{}",
                help("settings.kubernetes.node-labels")
            )
        )
    );
    assert!(settings.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", settings.lines());
    assert_eq!(api.requests(), [], "no request to the cluster");
}

/// Returns a node whose metadata service does not exist, as on every hybrid node.
fn without_imds() -> Node {
    let mut imds = Imds::start(&Instance::default());
    imds.kill();
    with_imds(&imds)
}

#[test]
fn a_hybrid_node_is_declined_without_a_request_to_imds() {
    let run = &["run", "--imds-wait", "1h"];
    let node = without_imds();
    node.file(
        "etc/eks/kubelet/environment",
        "NODEADM_KUBELET_ARGS=\"--node-labels=eks.amazonaws.com/compute-type=hybrid,eks.amazonaws.com/hybrid-credential-provider=ssm --v=2\"\n",
    );
    assert_eq!(
        declined(&node, run),
        (
            Some(78),
            "error: this is an EKS hybrid node (a kubelet flag in /etc/eks/kubelet/environment sets label eks.amazonaws.com/compute-type=hybrid), and the Amazon VPC CNI does not run on hybrid nodes\n  help: remove eni-bootstrap from this node, or remove the label from /etc/eks/kubelet/environment if the node has another type\n".to_owned()
        )
    );
    let node = without_imds();
    node.file(
        "etc/eks/nodeadm.d/10-site.yaml",
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  hybrid:\n    ssm: {activationId: x, activationCode: y}\n",
    );
    assert_eq!(
        declined(&node, run),
        (
            Some(78),
            "error: this is an EKS hybrid node (/etc/eks/nodeadm.d/10-site.yaml has spec.hybrid), and the Amazon VPC CNI does not run on hybrid nodes\n  help: remove eni-bootstrap from this node, or remove `spec.hybrid` if the node has another type\n".to_owned()
        )
    );
}

#[test]
fn an_unreadable_environment_file_of_nodeadm_is_a_warning() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    node.file("etc/eks/kubelet/environment/file", "");
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let path = node.root().join("etc/eks/kubelet/environment");
    let warning = format!(
        "warning: host: {} is a directory, not a regular file; its values are ignored",
        path.display()
    );
    assert!(output.stderr.lines().any(|line| line == warning), "{}", output.stderr);
}

/// Returns the warnings of the plan in the log.
fn plan_warnings(output: &RunOutput) -> Vec<&str> {
    output.stderr.lines().filter(|line| line.starts_with("warning: plan: ")).collect()
}

#[test]
fn a_node_that_registers_cordoned_is_a_warning_unless_the_cni_serves_it() {
    let custom = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
    let api = ready_api();
    let imds =
        imds_with(user_data(&api, "  kubelet:\n    flags: [--register-schedulable=false]\n"));
    let run = || with_imds(&imds).run(["run"]);
    let output = run();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        plan_warnings(&output),
        [
            "warning: plan: a kubelet flag in user data sets --register-schedulable=false, so a new node registers cordoned: the CNI attaches no network interfaces to it, and it stays NotReady while it is cordoned; remove this configuration, or run `kubectl -n kube-system set env daemonset aws-node AWS_MANAGE_ENIS_NON_SCHEDULABLE=true`"
        ]
    );
    api.set_aws_node(Some(&[custom, ("AWS_MANAGE_ENIS_NON_SCHEDULABLE", "true")]));
    assert_eq!(plan_warnings(&run()), Vec::<&str>::new());
    api.set_aws_node(Some(&[]));
    assert_eq!(plan_warnings(&run()), Vec::<&str>::new(), "without custom networking");
}
