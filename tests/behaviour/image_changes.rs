//! Files and options of the image that another program changes while `run` works. The plan is made from
//! the files as they are when it is applied.

use super::hosts::{kubeadm, ubuntu};
use crate::support::node::{Node, RunOutput, error, imds_with, ready_api, run_output};
use eni_bootstrap_sandbox::KubernetesApi;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const COMPUTED: &str = "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";

/// Starts `run` without an aws-node DaemonSet. Calls `edit` while `run` waits for the DaemonSet, then
/// creates the DaemonSet.
fn run_with_edit_during_the_wait(
    api: &KubernetesApi,
    node: &Node,
    edit: impl FnOnce(),
) -> RunOutput {
    api.set_aws_node(None);
    let running = node.start(["run"]);
    assert!(api.wait_for("other", 1, Duration::from_mins(5)));
    edit();
    api.set_aws_node(Some(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENI_CONFIG_LABEL_DEF", "k8s.amazonaws.com/eniConfig"),
    ]));
    let output = running.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    output
}

#[test]
fn an_edit_of_the_kubeadm_file_during_the_wait_for_the_cluster_is_not_lost() {
    const FILE: &str = "etc/default/kubelet";
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    node.file(FILE, "KUBELET_EXTRA_ARGS=\"--v=2\"\n");
    let edited = "KUBELET_EXTRA_ARGS=\"--v=4 --max-pods=17\"\n# by the operator\n";
    let output = run_with_edit_during_the_wait(&api, &node, || drop(node.file(FILE, edited)));
    assert_eq!(
        node.read(FILE).unwrap(),
        format!(
            "{edited}# BEGIN eni-bootstrap. Written before the kubelet starts, and again at every boot.\n# Edits to this block are overwritten. To change a setting, edit /etc/eni-bootstrap/*.toml.\nKUBELET_EXTRA_ARGS=\"--v=4 --max-pods=17 {COMPUTED}\"\n# END eni-bootstrap\n"
        )
    );
    // The plan uses the new values, too.
    let line = "plan: the kubelet command line sets max-pods to 17; the computed value 20 takes precedence (pods.policy = \"override\")\n";
    assert!(output.stderr.contains(line), "{}", output.stderr);
}

#[test]
fn an_exec_start_that_changes_during_the_wait_for_the_cluster_is_not_lost() {
    let api = ready_api();
    let imds = imds_with(api.node_config());
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    let unit = "etc/systemd/system/kubelet.service";
    node.file(unit, "[Service]\nExecStart=/usr/bin/kubelet --v=2\n");
    run_with_edit_during_the_wait(&api, &node, || {
        node.file(unit, "[Service]\nExecStart=/opt/kubelet --v=4\n");
    });
    let drop_in = node.read("etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf").unwrap();
    let exec_start: Vec<_> =
        drop_in.lines().filter(|line| line.starts_with("ExecStart=")).collect();
    assert_eq!(
        exec_start,
        ["ExecStart=", "ExecStart=/opt/kubelet --v=4 $ENI_BOOTSTRAP_KUBELET_ARGS"]
    );
}

#[test]
fn snap_arguments_that_change_during_the_wait_for_the_cluster_are_not_lost() {
    let api = ready_api();
    let (node, _imds) = ubuntu(&api, Some("--v=2\n"));
    let path = format!("{}/bin:/usr/bin:/bin", node.root().display());
    api.set_aws_node(None);
    let mut command = node.command(["run"]);
    command.env("PATH", path);
    let running = crate::support::node::Running::new(command);
    assert!(api.wait_for("other", 1, Duration::from_mins(5)));
    node.file("args", "--v=4\n");
    api.set_aws_node(Some(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")]));
    let output = running.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let arguments = node.read("args").unwrap();
    assert!(arguments.starts_with("--v=4 --max-pods=20 "), "{arguments}");
}

/// Returns the result of `run` on a node whose `snap get` prints another value at each of its first
/// `changes` calls, and the arguments of the snap after the run.
fn run_with_changing_snap(changes: u32) -> (RunOutput, String) {
    let api = ready_api();
    let (node, _imds) = ubuntu(&api, Some("--v=0\n"));
    let root = node.root().display().to_string();
    let snap = node.file(
        "bin/snap",
        &format!(
            r#"#!/bin/sh
case $1 in
get)
    calls=$(($(cat {root}/calls 2>/dev/null || echo 0) + 1))
    echo $calls >{root}/calls
    [ $calls -gt {changes} ] || echo "--v=$calls" >{root}/args
    cat {root}/args ;;
set) printf '%s\n' "${{3#args=}}" >{root}/args ;;
esac
"#
        ),
    );
    fs::set_permissions(snap, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = node.command(["run"]);
    command.env("PATH", format!("{root}/bin:/usr/bin:/bin"));
    let output = run_output(command.output().unwrap());
    (output, node.read("args").unwrap())
}

/// The first call is for the facts, the next one before the first change, and the third one for the next plan. If the
/// facts are older than a second, there is another call for the first plan.
#[test]
fn a_change_between_plan_and_apply_leads_to_a_new_plan() {
    let (output, arguments) = run_with_changing_snap(3);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = "warning: apply: snap kubelet-eks option args changed after eni-bootstrap read it; computing the plan again\n";
    assert_eq!(output.stderr.matches(warning).count(), 1, "{}", output.stderr);
    assert_eq!(arguments, format!("--v=3 {COMPUTED}\n"));
}

#[test]
fn an_option_that_keeps_changing_is_an_error_that_names_it() {
    let (output, arguments) = run_with_changing_snap(100);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(73),
            "error: failed to configure the node\n  caused by: snap kubelet-eks option args changed after eni-bootstrap read it\n  help: find the program that changes snap kubelet-eks option args, and run the command again after that program has ended\n"
        )
    );
    assert_eq!(output.stderr.matches("; computing the plan again\n").count(), 2);
    let read = ["--v=6\n", "--v=7\n"]; // the last call, for facts up to a second old and for older ones
    assert!(read.contains(&arguments.as_str()), "nothing is written: {arguments}");
}
