//! Hosts as whole runs: what is found, whose max-pods wins, and that `undo` leaves nothing.

use crate::node::{DROP_IN, Node, error, with_imds};
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

fn api() -> KubernetesApi {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    api
}

/// A node whose NodeConfig has this under `spec.kubelet`.
fn with_kubelet(api: &KubernetesApi, kubelet: &str) -> (Node, Imds) {
    let user_data = Some(format!("{}  kubelet:\n{kubelet}", api.node_config()).into_bytes());
    let imds = Imds::start(&Instance { user_data, ..Instance::default() });
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
    let api = api();
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
    let api = api();
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
    let api = api();
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
fn a_drop_in_of_the_kubelets_own_takes_a_flag_to_beat() {
    let api = api();
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
    let api = api();
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
    let api = api();
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

/// kubeadm's unit and drop-in, shortened.
///
/// Source: `cmd/krel/templates/latest/kubeadm/10-kubeadm.conf`, kubernetes/release.
fn kubeadm(api: &KubernetesApi) -> (Node, Imds) {
    let user_data = Some(api.node_config().into_bytes());
    let imds = Imds::start(&Instance { user_data, ..Instance::default() });
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    node.file("lib/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet\n");
    node.file(
        "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
        "[Service]\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n",
    );
    (node, imds)
}

#[test]
fn kubeadms_file_is_taken_over_with_what_stands_in_it() {
    const FILE: &str = "etc/default/kubelet";
    let api = api();
    let (node, _imds) = kubeadm(&api);
    let theirs = "# the site's own\nKUBELET_EXTRA_ARGS=\"--v=2 --max-pods=17\"\n";
    node.file(FILE, theirs);
    let ended = node.run(["run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    for line in [
        "host: kubeadm (kubelet.service reads kubeadm's file of further arguments; kubelet-dropin would fit, too); user data: holds a NodeConfig\n",
        "plan: the kubelet's own arguments set max-pods to 17; ours, 20, wins: pods.policy = \"override\"\n",
        "apply: /etc/default/kubelet is written\n",
    ] {
        assert!(ended.stderr.contains(line), "{line} in {}", ended.stderr);
    }
    let written = node.read(FILE).unwrap();
    assert!(written.starts_with(theirs), "{written}");
    assert!(
        written
            .contains("\nKUBELET_EXTRA_ARGS=\"--v=2 --max-pods=17 --max-pods=20 --kube-reserved=")
    );
    let again = node.run(["run"]);
    assert!(
        again.stderr.contains("apply: /etc/default/kubelet says so already\n"),
        "{}",
        again.stderr
    );
    assert_eq!(node.read(FILE).unwrap(), written);
    assert_eq!(node.run(["undo"]).status, Some(0));
    assert_eq!(node.read(FILE).as_deref(), Some(theirs));
    node.file(FILE, "KUBELET_EXTRA_ARGS=\"open\n");
    let refused = node.run(["run"]);
    assert_eq!(
        (refused.status, error(&refused)),
        (
            Some(65),
            "error: this machine could not be identified\n  because: this image is of no known family\n  because: KUBELET_EXTRA_ARGS in /etc/default/kubelet is quoted in a way that nothing can be added to\n  help: write it as one text in one pair of quotes, or use `--host-kind kubelet-dropin`\n"
        )
    );
}

#[test]
fn undo_leaves_nothing_of_ours() {
    let api = api();
    for host in ["nodeadm", "kubelet-dropin"] {
        let (node, _imds) = with_kubelet(&api, "    config: {maxPods: 58}\n");
        assert_eq!(node.run(["run", "--host-kind", host]).status, Some(0));
        assert!(!node.written().is_empty());
        let undone = node.run(["undo"]);
        assert_eq!(undone.status, Some(0), "{}", undone.stderr);
        assert!(undone.stderr.contains(" is removed\n"), "{}", undone.stderr);
        assert_eq!(node.written(), Vec::<String>::new(), "{host}");
        assert_eq!(node.run(["undo"]).status, Some(0), "twice is as good as once");
    }
}

/// A machine whose kubelet is the snap, with a `snap` command that keeps its setting in a file: there is
/// no snapd here. Its words are snapd's.
fn ubuntu(api: &KubernetesApi, arguments: Option<&str>) -> (Node, Imds) {
    let user_data = Some(api.node_config().into_bytes());
    let imds = Imds::start(&Instance { user_data, ..Instance::default() });
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    node.file("etc/systemd/system/snap.kubelet-eks.daemon.service", "[Service]\n");
    if let Some(arguments) = arguments {
        node.file("args", arguments);
    }
    let args = node.root().join("args").display().to_string();
    let snap = node.file(
        "bin/snap",
        &format!(
            r#"#!/bin/sh
case "$1 $2" in
"get kubelet-eks") cat {args} 2>/dev/null || {{ echo 'error: snap "kubelet-eks" has no "args" configuration option' >&2; exit 1; }} ;;
"set kubelet-eks") printf '%s\n' "${{3#args=}}" >{args} ;;
esac
"#
        ),
    );
    std::fs::set_permissions(snap, std::fs::Permissions::from_mode(0o755)).unwrap();
    (node, imds)
}

#[test]
fn the_snaps_arguments_are_kept_and_ours_come_last() {
    let api = api();
    let ours = "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";
    for (before, after) in [(None, ours.to_owned()), (Some("--v=2\n"), format!("--v=2 {ours}"))] {
        let (node, _imds) = ubuntu(&api, before);
        let run = |arguments: &[&str]| {
            let mut command = node.command(arguments);
            command.env("PATH", format!("{}/bin:/usr/bin:/bin", node.root().display()));
            crate::node::ended(command.output().unwrap())
        };
        let first = run(&["run"]);
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        assert!(
            first.stderr.contains("host: snap (there is a snap.kubelet-eks.daemon.service);"),
            "{}",
            first.stderr
        );
        assert!(first.stderr.contains("apply: snap kubelet-eks, args is written\n"));
        assert_eq!(node.read("args").unwrap().trim_end(), after);
        let second = run(&["run"]);
        assert!(
            second.stderr.contains("apply: snap kubelet-eks, args says so already\n"),
            "{}",
            second.stderr
        );
        assert_eq!(run(&["plan", "--output", "diff"]).stdout, "");
        assert_eq!(run(&["undo"]).status, Some(0));
        assert_eq!(node.read("args").unwrap().trim_end(), before.unwrap_or_default().trim_end());
    }
}

#[test]
fn a_snap_that_does_not_answer_is_said() {
    let api = api();
    let (node, _imds) = ubuntu(&api, None);
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(65),
            "error: this machine could not be identified\n  because: this machine cannot be looked at\n  because: the kubelet's snap does not say what its arguments are\n  because: `snap get kubelet-eks args` could not be run\n  because: No such file or directory (os error 2)\n  help: run it as root on the node itself\n"
        )
    );
}

#[test]
fn a_kubelet_unit_that_starts_nothing_is_refused_and_nothing_is_written() {
    let api = api();
    let user_data = Some(api.node_config().into_bytes());
    let imds = Imds::start(&Instance { user_data, ..Instance::default() });
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    node.file("etc/systemd/system/kubelet.service", "[Service]\nRestart=always\n");
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(65),
            "error: this machine could not be identified\n  because: this image is of no known family\n  because: kubelet.service cannot be extended\n  because: it has no ExecStart\n  help: look at `systemctl cat kubelet.service`: it needs exactly one ExecStart\n"
        )
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn a_draft_that_a_killed_run_left_is_nobodys_file() {
    let api = api();
    let (node, _imds) = with_kubelet(&api, "    config: {maxPods: 58}\n");
    let draft = "etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial";
    node.file(draft, "# Written by eni-bootstrap\napiVer");
    assert_eq!(node.run(["run"]).status, Some(0));
    assert_eq!(node.written(), [DROP_IN]);
}
