//! A figure that somebody else has told the kubelet: it is named, and whose wins is said.

use crate::support::node::{DROP_IN, Node, imds_with, in_cluster, ready_api, with_imds};
use eni_bootstrap_sandbox::{Imds, KubernetesApi};

/// A node whose NodeConfig has this under `spec.kubelet`.
fn with_kubelet(api: &KubernetesApi, kubelet: &str) -> (Node, Imds) {
    let imds = imds_with(format!("{}  kubelet:\n{kubelet}", api.node_config()));
    (with_imds(&imds), imds)
}

/// The lines of a run that name the other figure.
fn said(node: &Node, arguments: &[&str]) -> Vec<String> {
    let ended = node.run(["run"].iter().chain(arguments));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let lines = ended.stderr.lines().filter(|line| line.contains("max-pods to"));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_figure_in_user_data_is_named_and_the_policy_decides() {
    let api = ready_api();
    let kubelet = "    config:\n      maxPods: 110\n    flags:\n      - --node-labels=eks.amazonaws.com/nodegroup=blue\n";
    let (node, _imds) = with_kubelet(&api, kubelet);
    assert_eq!(
        said(&node, &[]),
        [
            "plan: user data sets max-pods to 110 (the managed node group's); ours, 20, wins: pods.policy = \"override\""
        ]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
    assert!(!written.contains("--max-pods"), "no flag, so none is beaten: {written}");
    assert_eq!(
        said(&node, &["--pods-policy", "respect"]),
        ["plan: user data sets max-pods to 110 (the managed node group's); so do we"]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 110\n"), "{written}");
    assert!(written.contains("memory: \"1465Mi\""), "the reserve follows: {written}");
}

#[test]
fn a_flag_is_beaten_by_a_later_flag() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    flags: [--max-pods=17]\n");
    assert_eq!(
        said(&node, &[]),
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
        said(&node, &["--pods-policy", "lower"]),
        ["plan: a kubelet flag in user data sets max-pods to 17; so do we"]
    );
}

#[test]
fn a_reserve_that_is_a_flag_is_beaten_by_a_later_flag_too() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    flags: ['--kube-reserved=memory=1Gi']\n");
    assert_eq!(said(&node, &[]), Vec::<String>::new());
    let written = node.read(DROP_IN).unwrap();
    assert!(
        written.ends_with(
            "\n      - \"--kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi\"\n"
        ),
        "{written}"
    );
}

#[test]
fn a_comment_and_a_command_that_is_not_in_force_set_nothing() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let drop_in = "etc/systemd/system/kubelet.service.d/20-site.conf";
    node.file(
        drop_in,
        "[Service]\n# --max-pods=17 was too low, and karpenter.sh/ is gone\nExecStart=/usr/bin/kubelet --max-pods=18 --kube-reserved=cpu=1\nExecStart=\nExecStart=/usr/bin/kubelet --kube-reserved-cgroup=/runtime $NODEADM_KUBELET_ARGS\n",
    );
    node.file("etc/default/kubelet", "KUBELET_EXTRA_ARGS=--max-pods=19 # nobody reads it\n");
    assert_eq!(said(&node, &["--pods-policy", "respect"]), Vec::<String>::new());
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
    assert!(!written.contains("--kube-reserved"), "no flag, so none is beaten: {written}");
    node.file(drop_in, "[Service]\nEnvironment='KUBELET_EXTRA_ARGS=--v=2 --max-pods=9'\n");
    assert_eq!(
        said(&node, &["--pods-policy", "respect"]),
        ["plan: the kubelet's own arguments set max-pods to 9; so do we"]
    );
}

#[test]
fn a_drop_in_of_the_kubelets_own_takes_a_flag_to_beat() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    maxPodsExpression: max_pods - 1\n");
    node.file("etc/kubernetes/kubelet/config.json.d/40-nodeadm.conf", "{\"maxPods\": 77}");
    node.file("etc/kubernetes/kubelet/config.json.d/50-site.conf", "{\"maxPods\": 5}");
    let place = "/etc/kubernetes/kubelet/config.json.d/50-site.conf sets max-pods to 5";
    assert_eq!(
        said(&node, &[]),
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
fn other_drop_ins_are_read_in_nodeadms_order() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    config: {maxPods: 58}\n");
    let config = |max_pods: u32| {
        format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config:\n      maxPods: {max_pods}\n"
        )
    };
    node.file("etc/eks/nodeadm.d/50-site.yaml", &config(30));
    node.file("etc/eks/nodeadm.d/60-notes.txt", &config(31));
    assert_eq!(
        said(&node, &[]),
        [
            "plan: /etc/eks/nodeadm.d/50-site.yaml sets max-pods to 30; ours, 20, wins: pods.policy = \"override\""
        ]
    );
    // nodeadm takes a MIME document there, too.
    node.file(
        "etc/eks/nodeadm.d/95-late.yaml",
        &format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"B\"\n\n--B\nContent-Type: application/node.eks.aws\n\n{}--B--\n", config(40)),
    );
    assert_eq!(
        said(&node, &[]),
        [
            "warning: /etc/eks/nodeadm.d/95-late.yaml sets max-pods to 40; it comes after 90-eni-bootstrap.yaml, so it wins over our 20: rename it, or take maxPods out of it"
        ]
    );
}

#[test]
fn karpenters_figure_is_a_warning() {
    let api = ready_api();
    let kubelet =
        "    config: {maxPods: 29}\n    flags: ['--node-labels=karpenter.sh/capacity-type=spot']\n";
    let (node, _imds) = with_kubelet(&api, kubelet);
    assert_eq!(
        said(&node, &[]),
        [
            "warning: user data sets max-pods to 29 (Karpenter's); ours, 20, wins: pods.policy = \"override\". Karpenter plans pods by its own figure: set kubelet.maxPods: 20 in the EC2NodeClass, or its RESERVED_ENIS, so that the two agree"
        ]
    );
}
