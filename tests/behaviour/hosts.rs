//! Hosts as whole runs: what is found and written, and that `undo` leaves nothing.

use crate::support::node::{DROP_IN, Node, error, imds_with, in_cluster, ready_api};
use eni_bootstrap_sandbox::{Imds, KubernetesApi};
use std::os::unix::fs::PermissionsExt as _;

/// A machine whose user data names `api` as its cluster, and which has no image yet.
fn bare(api: &KubernetesApi) -> (Node, Imds) {
    let imds = imds_with(api.node_config());
    (Node::empty().with("--imds-endpoint", imds.endpoint()), imds)
}

/// kubeadm's unit and drop-in, shortened.
///
/// Source: `cmd/krel/templates/latest/kubeadm/10-kubeadm.conf`, kubernetes/release.
fn kubeadm(api: &KubernetesApi) -> (Node, Imds) {
    let (node, imds) = bare(api);
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
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    let theirs = "# the site's own\nKUBELET_EXTRA_ARGS=\"--v=2 --max-pods=17\"\n";
    node.file(FILE, theirs);
    let ended = node.run(["run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    for line in [
        "host: kubeadm (kubelet.service reads kubeadm's file of further arguments; kubelet-dropin would fit, too)\n",
        "plan: the kubelet's own arguments set max-pods to 17; the computed value 20 takes precedence (pods.policy = \"override\")\n",
        "apply: /etc/default/kubelet written\n",
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
    assert!(again.stderr.contains("apply: /etc/default/kubelet unchanged\n"), "{}", again.stderr);
    assert_eq!(node.read(FILE).unwrap(), written);
    assert_eq!(node.run(["undo"]).status, Some(0));
    assert_eq!(node.read(FILE).as_deref(), Some(theirs));
    node.file(FILE, "KUBELET_EXTRA_ARGS=\"open\n");
    let refused = node.run(["run"]);
    assert_eq!(
        (refused.status, error(&refused)),
        (
            Some(65),
            "error: KUBELET_EXTRA_ARGS in /etc/default/kubelet is quoted in a way that nothing can be added to\n  help: write it as one text in one pair of quotes, or use `--host-kind kubelet-dropin`\n"
        )
    );
}

#[test]
fn undo_leaves_nothing_of_ours() {
    let api = ready_api();
    let drop_in = "etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf";
    for (host, files) in [
        ("nodeadm", &[DROP_IN][..]),
        ("kubelet-dropin", &[drop_in, "run/eni-bootstrap/kubelet.env"]),
    ] {
        let (node, _imds) = in_cluster(&api);
        assert_eq!(node.run(["run", "--host-kind", host]).status, Some(0));
        assert_eq!(node.written(), files);
        let undone = node.run(["undo"]);
        assert_eq!(undone.status, Some(0), "{}", undone.stderr);
        for file in files {
            let line = format!("apply: /{file} removed\n");
            assert!(undone.stderr.contains(&line), "{line} in {}", undone.stderr);
        }
        assert_eq!(node.written(), Vec::<String>::new(), "{host}");
        assert_eq!(node.run(["undo"]).status, Some(0), "twice is as good as once");
    }
}

/// A machine whose kubelet is the snap, with a `snap` command that keeps its setting in a file: there is
/// no snapd here. Its words are snapd's.
fn ubuntu(api: &KubernetesApi, arguments: Option<&str>) -> (Node, Imds) {
    let (node, imds) = bare(api);
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
    let api = ready_api();
    let ours = "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";
    for (before, after) in [(None, ours.to_owned()), (Some("--v=2\n"), format!("--v=2 {ours}"))] {
        let (node, _imds) = ubuntu(&api, before);
        let run = |arguments: &[&str]| {
            let mut command = node.command(arguments);
            command.env("PATH", format!("{}/bin:/usr/bin:/bin", node.root().display()));
            crate::support::node::ended(command.output().unwrap())
        };
        let first = run(&["run"]);
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        assert!(
            first.stderr.contains("host: snap (there is a snap.kubelet-eks.daemon.service)\n"),
            "{}",
            first.stderr
        );
        assert!(first.stderr.contains("apply: snap kubelet-eks, args written\n"));
        assert_eq!(node.read("args").unwrap().trim_end(), after);
        let second = run(&["run"]);
        assert!(
            second.stderr.contains("apply: snap kubelet-eks, args unchanged\n"),
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
    let api = ready_api();
    let (node, _imds) = ubuntu(&api, None);
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(65),
            "error: failed to inspect this machine\n  caused by: the kubelet's snap does not say what its arguments are\n  caused by: `snap get kubelet-eks args` could not be run\n  caused by: No such file or directory (os error 2)\n  help: run it as root on the node itself\n"
        )
    );
}

#[test]
fn a_kubelet_unit_that_starts_nothing_is_refused_and_nothing_is_written() {
    let api = ready_api();
    let (node, _imds) = bare(&api);
    node.file("etc/systemd/system/kubelet.service", "[Service]\nRestart=always\n");
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(65),
            "error: kubelet.service cannot be extended\n  caused by: it has no ExecStart\n  help: look at `systemctl cat kubelet.service`: it needs exactly one ExecStart\n"
        )
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn a_draft_that_a_killed_run_left_is_nobodys_file() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let draft = "etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial";
    node.file(draft, "# Written by eni-bootstrap\napiVer");
    assert_eq!(node.run(["run"]).status, Some(0));
    assert_eq!(node.written(), [DROP_IN]);
}
