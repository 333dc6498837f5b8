//! Whole runs on nodes whose max-pods is already configured. `tests/scenarios` covers where else it can be
//! configured.

use crate::support::node::{DROP_IN, Node, imds_with, ready_api, with_imds};
use eni_bootstrap_sandbox::{Imds, KubernetesApi};

/// A node whose NodeConfig has this under `spec.kubelet`.
fn with_kubelet(api: &KubernetesApi, kubelet: &str) -> (Node, Imds) {
    let imds = imds_with(format!("{}  kubelet:\n{kubelet}", api.node_config()));
    (with_imds(&imds), imds)
}

/// The lines of a run that name the existing max-pods.
fn lines(node: &Node, arguments: &[&str]) -> Vec<String> {
    let ended = node.run(["run"].iter().chain(arguments));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let lines = ended.stderr.lines().filter(|line| line.contains("max-pods to"));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_policy_decides_between_user_data_and_the_calculation() {
    let api = ready_api();
    let kubelet = "    config:\n      maxPods: 110\n    flags:\n      - --node-labels=eks.amazonaws.com/nodegroup=blue\n";
    let (node, _imds) = with_kubelet(&api, kubelet);
    assert_eq!(
        lines(&node, &[]),
        [
            "plan: user data sets max-pods to 110 (managed node group); ours, 20, wins: pods.policy = \"override\""
        ]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
    assert!(!written.contains("--max-pods"), "no flag to override: {written}");
    assert_eq!(
        lines(&node, &["--pods-policy", "respect"]),
        ["plan: user data sets max-pods to 110 (managed node group); so do we"]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 110\n"), "{written}");
    assert!(written.contains("memory: \"1465Mi\""), "kube-reserved follows max-pods: {written}");
}

#[test]
fn a_later_flag_overrides_a_flag() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    flags: [--max-pods=17]\n");
    assert_eq!(
        lines(&node, &[]),
        [
            "plan: a kubelet flag in user data sets max-pods to 17; ours, 20, wins: pods.policy = \"override\""
        ]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(
        written.ends_with("\n      - \"--max-pods=20\"\n      - \"--kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi\"\n"),
        "{written}"
    );
    assert_eq!(
        lines(&node, &["--pods-policy", "lower"]),
        ["plan: a kubelet flag in user data sets max-pods to 17; so do we"]
    );
}

#[test]
fn a_flag_overrides_a_drop_in_of_the_kubelet() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    maxPodsExpression: max_pods - 1\n");
    node.file("etc/kubernetes/kubelet/config.json.d/40-nodeadm.conf", "{\"maxPods\": 77}");
    node.file("etc/kubernetes/kubelet/config.json.d/50-site.conf", "{\"maxPods\": 5}");
    let place = "/etc/kubernetes/kubelet/config.json.d/50-site.conf sets max-pods to 5";
    assert_eq!(
        lines(&node, &[]),
        [format!("plan: {place}; ours, 20, wins: pods.policy = \"override\"")]
    );
    assert!(node.read(DROP_IN).unwrap().contains("      - \"--max-pods=20\"\n"));
    let lower = node.run(["run", "--pods-policy", "lower"]);
    for line in [
        &format!("plan: {place}; so do we\n"),
        "warning: maxPodsExpression in user data is \"max_pods - 1\", which only nodeadm can work out: pods.policy passes over it\n",
    ] {
        assert!(lower.stderr.contains(line), "{line} in {}", lower.stderr);
    }
}

#[test]
fn a_value_of_karpenter_is_a_warning() {
    let api = ready_api();
    let kubelet =
        "    config: {maxPods: 29}\n    flags: ['--node-labels=karpenter.sh/capacity-type=spot']\n";
    let (node, _imds) = with_kubelet(&api, kubelet);
    assert_eq!(
        lines(&node, &[]),
        [
            "warning: user data sets max-pods to 29 (Karpenter); ours, 20, wins: pods.policy = \"override\". Karpenter plans pods by its own figure: set kubelet.maxPods: 20 in the EC2NodeClass, or its RESERVED_ENIS, so that the two agree"
        ]
    );
}
