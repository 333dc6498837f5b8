//! Whole runs on hosts where eni-bootstrap shares a file or an option with other programs, and `undo`.
//! `tests/scenarios` covers detection and the files of each host.

use crate::support::node::{DROP_IN, Node, error, imds_with, in_cluster, ready_api};
use eni_bootstrap_sandbox::{Imds, KubernetesApi};
use std::os::unix::fs::PermissionsExt as _;

/// A node without an image. Its user data contains the cluster of `api`.
fn bare(api: &KubernetesApi) -> (Node, Imds) {
    let imds = imds_with(api.node_config());
    (Node::empty().with("--imds-endpoint", imds.endpoint()), imds)
}

/// kubeadm's unit and drop-in, shortened.
///
/// Source: `cmd/krel/templates/latest/kubeadm/10-kubeadm.conf`, kubernetes/release.
pub fn kubeadm(api: &KubernetesApi) -> (Node, Imds) {
    let (node, imds) = bare(api);
    node.file("lib/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet\n");
    node.file(
        "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
        "[Service]\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n",
    );
    (node, imds)
}

#[test]
fn other_reserves_of_the_kubelets_file_are_kept_and_an_unreadable_file_is_a_warning() {
    const FILE: &str = "var/lib/kubelet/config.yaml";
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    node.file(
        "usr/lib/systemd/system/kubelet.service.d/05-config.conf",
        "[Service]\nEnvironment=KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\n",
    );
    node.file(FILE, "kind: KubeletConfiguration\nkubeReserved:\n  memory: 1Gi\n  pid: '1000'\n");
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let reserve = "--kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi";
    let written = node.read("etc/default/kubelet").unwrap();
    assert!(written.contains(&format!("{reserve},pid=1000 ")), "{written}");
    std::fs::remove_file(node.root().join(FILE)).unwrap();
    std::fs::create_dir(node.root().join(FILE)).unwrap();
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = |line: &&str| {
        line.starts_with("warning: host: ") && line.ends_with("; its values are ignored")
    };
    assert_eq!(output.stderr.lines().filter(warning).count(), 1, "{}", output.stderr);
    let written = node.read("etc/default/kubelet").unwrap();
    assert!(written.contains(&format!("{reserve} ")), "{written}");
}

#[test]
fn existing_lines_of_the_kubeadm_file_are_kept() {
    const FILE: &str = "etc/default/kubelet";
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    let existing = "# configured by the site\nKUBELET_EXTRA_ARGS=\"--v=2 --max-pods=17\"\n";
    node.file(FILE, existing);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    for line in [
        "host: kubeadm (kubelet.service reads $KUBELET_EXTRA_ARGS from /etc/default/kubelet)\n",
        "plan: the kubelet command line sets max-pods to 17; the computed value 20 takes precedence (pods.policy = \"override\")\n",
        "apply: /etc/default/kubelet written\n",
    ] {
        assert!(output.stderr.contains(line), "{line} in {}", output.stderr);
    }
    let written = node.read(FILE).unwrap();
    assert!(written.starts_with(existing), "{written}");
    assert!(
        written
            .contains("\nKUBELET_EXTRA_ARGS=\"--v=2 --max-pods=17 --max-pods=20 --kube-reserved=")
    );
    let again = node.run(["run"]);
    assert!(again.stderr.contains("apply: /etc/default/kubelet unchanged\n"), "{}", again.stderr);
    assert_eq!(node.read(FILE).unwrap(), written);
    assert_eq!(node.run(["undo"]).status, Some(0));
    assert_eq!(node.read(FILE).as_deref(), Some(existing));
    node.file(FILE, "KUBELET_EXTRA_ARGS=\"open\n");
    let invalid = node.run(["run"]);
    assert_eq!(
        (invalid.status, error(&invalid)),
        (
            Some(65),
            "error: unbalanced quotes in the value of KUBELET_EXTRA_ARGS in /etc/default/kubelet\n  help: put the whole value into one pair of quotes without backslashes, or use `--host-kind kubelet-dropin`\n"
        )
    );
}

#[test]
fn undo_removes_every_file_of_a_run() {
    let api = ready_api();
    let drop_in = "etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
    for (host, files) in [
        ("nodeadm", &[DROP_IN][..]),
        ("kubelet-dropin", &[drop_in, "run/eni-bootstrap/kubelet.env"]),
    ] {
        let (node, _imds) = in_cluster(&api);
        assert_eq!(node.run(["run", "--host-kind", host]).status, Some(0));
        assert_eq!(node.written(), files);
        let undo = node.run(["undo"]);
        assert_eq!(undo.status, Some(0), "{}", undo.stderr);
        for file in files {
            let line = format!("apply: /{file} removed\n");
            assert!(undo.stderr.contains(&line), "{line} in {}", undo.stderr);
        }
        assert_eq!(node.written(), Vec::<String>::new(), "{host}");
        assert_eq!(node.run(["undo"]).status, Some(0), "a second undo");
    }
}

/// A node whose kubelet is the snap, with a `snap` command that stores the option in a file and prints
/// snapd's messages. It replaces and flushes the file, as snapd does with its state.
pub fn ubuntu(api: &KubernetesApi, arguments: Option<&str>) -> (Node, Imds) {
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
"set kubelet-eks") printf '%s\n' "${{3#args=}}" >{args}.new && sync {args}.new && mv {args}.new {args} && sync {args} "${{0%/*}}/.." ;;
esac
"#
        ),
    );
    std::fs::set_permissions(snap, std::fs::Permissions::from_mode(0o755)).unwrap();
    (node, imds)
}

#[test]
fn existing_arguments_of_the_snap_are_kept_before_the_computed_ones() {
    let api = ready_api();
    let computed = "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";
    for (before, after) in
        [(None, computed.to_owned()), (Some("--v=2\n"), format!("--v=2 {computed}"))]
    {
        let (node, _imds) = ubuntu(&api, before);
        let run = |arguments: &[&str]| {
            let mut command = node.command(arguments);
            command.env("PATH", format!("{}/bin:/usr/bin:/bin", node.root().display()));
            crate::support::node::run_output(command.output().unwrap())
        };
        let first = run(&["run"]);
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        assert!(
            first.stderr.contains("host: snap (the image has snap.kubelet-eks.daemon.service)\n"),
            "{}",
            first.stderr
        );
        assert!(first.stderr.contains("apply: snap kubelet-eks option args written\n"));
        assert_eq!(node.read("args").unwrap().trim_end(), after);
        let second = run(&["run"]);
        assert!(
            second.stderr.contains("apply: snap kubelet-eks option args unchanged\n"),
            "{}",
            second.stderr
        );
        assert_eq!(run(&["plan", "--output", "diff"]).stdout, "");
        assert_eq!(run(&["undo"]).status, Some(0));
        assert_eq!(node.read("args").unwrap().trim_end(), before.unwrap_or_default().trim_end());
    }
}

#[test]
fn snap_arguments_that_another_program_sets_again_are_an_error() {
    let api = ready_api();
    let (node, _imds) = ubuntu(&api, Some("--max-pods=58"));
    let snap = node.read("bin/snap").unwrap().replace("\"${3#args=}\"", "--max-pods=58");
    node.file("bin/snap", &snap);
    let mut command = node.command(["run"]);
    command.env("PATH", format!("{}/bin:/usr/bin:/bin", node.root().display()));
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            "error: failed to configure the node\n  caused by: the kubelet would not start with the planned configuration\n  caused by: the option args of snap kubelet-eks is \"--max-pods=58\" instead of \"--max-pods=58 --max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a\"\n  help: run `snap changes` to see which program changes the option, then run `snap start kubelet-eks`\n"
        )
    );
}

#[test]
fn a_snap_command_that_fails_is_an_error_with_its_cause() {
    let api = ready_api();
    let (node, _imds) = ubuntu(&api, None);
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            "error: failed to detect the image family of this node\n  caused by: failed to run `snap get kubelet-eks args`\n  caused by: No such file or directory (os error 2)\n  help: run eni-bootstrap as root on the node, and check `systemctl status snapd`\n"
        )
    );
}

/// The first call of each pair fails, as while snapd restarts.
#[test]
fn a_snap_get_that_fails_is_retried_in_every_phase() {
    let api = ready_api();
    let (node, _imds) = ubuntu(&api, Some("--v=2\n"));
    let calls = node.root().join("calls").display().to_string();
    let fails = format!(
        r"#!/bin/sh
if [ $1 = get ]; then
    echo >>{calls}
    [ $(($(wc -l <{calls}) % 2)) = 0 ] || {{ echo 'error: cannot communicate with server' >&2; exit 1; }}
fi
"
    );
    let snap = node.read("bin/snap").unwrap().replace("#!/bin/sh\n", &fails);
    node.file("bin/snap", &snap);
    let mut command = node.command(["run"]);
    command.env("PATH", format!("{}/bin:/usr/bin:/bin", node.root().display()));
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = "warning: host: failed to run `snap get kubelet-eks args`: exit status: 1: error: cannot communicate with server; retrying in ";
    // The facts, the check before the change and the check after it; also the plan, if the facts are older than a second.
    let warnings = output.stderr.matches(warning).count();
    assert!([3, 4].contains(&warnings), "{}", output.stderr);
    let arguments = node.read("args").unwrap();
    assert!(arguments.starts_with("--v=2 --max-pods=20 "), "{arguments}");
}

#[test]
fn a_temporary_file_of_a_killed_run_is_replaced() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let temporary = "etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial";
    node.file(temporary, "# Written by eni-bootstrap\napiVer");
    assert_eq!(node.run(["run"]).status, Some(0));
    assert_eq!(node.written(), [DROP_IN]);
}
