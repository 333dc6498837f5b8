//! Whole runs on nodes whose kubelet reads drop-ins (`--config-dir`). `tests/scenarios` covers the other
//! images.

use crate::support::node::{Node, RunOutput, error, imds_with, ready_api};
use crate::support::real_parts::tmpfs;
use eni_bootstrap_sandbox::{Imds, KubernetesApi};
use std::fs;
use std::os::unix::fs::symlink;

const UNIT: &str = "usr/lib/systemd/system/kubelet.service";
const VERSION: &str = "etc/eks/kubelet-version.txt";
const SITE: &str = "etc/kubernetes/kubelet.conf.d";
const OWN: &str = "etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf";
const ADDED: &str = "var/lib/eni-bootstrap/kubelet.conf.d/zz-eni-bootstrap.conf";
const ENVIRONMENT: &str = "run/eni-bootstrap/kubelet.env";
const UNIT_DROP_IN: &str = "etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
const KUBEADM_FILE: &str = "etc/default/kubelet";
const NOTICE: &str = "# eni-bootstrap writes this file at every boot, before the kubelet starts.
# Edits to this file are overwritten. To change a setting, edit /etc/eni-bootstrap/*.toml.
";
const LABELS: &str = "--node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";
const FLAGS: &str = "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi";

/// A node whose kubelet starts with these arguments and a configuration file.
fn node(api: &KubernetesApi, arguments: &str) -> (Node, Imds) {
    let imds = imds_with(api.node_config());
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    let config = "--config=/etc/kubernetes/kubelet.yaml";
    node.file("etc/kubernetes/kubelet.yaml", "kind: KubeletConfiguration\n");
    node.file(UNIT, &format!("[Service]\nExecStart=/usr/bin/kubelet {config} {arguments}\n"));
    (node, imds)
}

fn succeeded(output: RunOutput) -> String {
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    output.stderr
}

/// Returns the drop-in of the kubelet.
fn drop_in() -> String {
    format!(
        "{NOTICE}apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 20
# The kubelet merges the maps of its files by key, and keeps other resources, such as pid.
kubeReserved:
  cpu: \"70m\"
  ephemeral-storage: \"1Gi\"
  memory: \"475Mi\"
"
    )
}

/// Returns the lines of [`drop_in`], each with a prefix.
fn prefixed(prefix: &str) -> String {
    let lines: Vec<String> = drop_in().lines().map(|line| format!("{prefix}{line}\n")).collect();
    lines.concat()
}

/// Returns the environment file with these arguments before the labels.
fn environment(arguments: &str) -> String {
    format!("{NOTICE}ENI_BOOTSTRAP_KUBELET_ARGS={arguments}{LABELS}\n")
}

#[test]
fn a_drop_in_configures_the_kubelet_and_undo_removes_it() {
    let api = ready_api();
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    let site = node.file(&format!("{SITE}/10-site.conf"), "maxPods: 58\n");
    let arguments = ["plan", "--output", "kubelet-args"];
    let printed = format!("{FLAGS} {LABELS}\n");
    assert_eq!(node.run(arguments).stdout, printed, "for callers that pass flags");
    let text = node.run(["plan"]).stdout;
    let shown = prefixed("    ");
    assert!(text.contains(&format!("/{OWN}:\n{shown}")), "{text}");
    let json = node.run(["plan", "--output", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["files"][0],
        serde_json::json!({ "path": format!("/{OWN}"), "contents": drop_in() })
    );
    let diff = node.run(["plan", "--output", "diff"]).stdout;
    let added = prefixed("+");
    let expected = format!("--- /dev/null\n+++ b/{OWN}\n@@ -0,0 +1,10 @@\n{added}--- ");
    assert!(diff.starts_with(&expected), "{diff}");
    let log = succeeded(node.run(["run"]));
    for line in [
        "host: kubelet-dropin (the image has kubelet.service and no nodeadm-run.service; the kubelet reads drop-ins from /etc/kubernetes/kubelet.conf.d)\n",
        "plan: /etc/kubernetes/kubelet.conf.d/10-site.conf sets max-pods to 58; the computed value 20 takes precedence (pods.policy = \"override\")\n",
        "apply: /etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf written\n",
    ] {
        assert!(log.contains(line), "{line} in {log}");
    }
    assert_eq!(node.written(), [OWN, UNIT_DROP_IN, ENVIRONMENT]);
    assert_eq!(node.read(OWN), Some(drop_in()));
    assert_eq!(node.read(ENVIRONMENT), Some(environment("")));
    assert_eq!(node.run(["plan", "--output", "diff"]).stdout, "");
    let again = succeeded(node.run(["run"]));
    assert!(again.contains(&format!("apply: /{OWN} unchanged\n")), "{again}");
    let draft = node.file(&format!("{SITE}/.zz-eni-bootstrap.conf.eni-bootstrap-partial"), "");
    let undo = succeeded(node.run(["undo"]));
    assert!(undo.contains(&format!("apply: /{OWN} removed\n")), "{undo}");
    assert_eq!(node.written(), Vec::<String>::new());
    assert!(site.exists() && !draft.exists());
}

#[test]
fn a_directory_is_added_for_a_version_that_reads_it_and_replaces_the_flags_of_an_earlier_run() {
    let api = ready_api();
    let (node, _imds) = node(&api, "");
    let log = succeeded(node.run(["run"]));
    let host = |state: &str| {
        format!(
            "host: kubelet-dropin (the image has kubelet.service and no nodeadm-run.service; {state})\n"
        )
    };
    // The kubelet below --root is not started.
    let unknown =
        host("kubelet flags are used, because the version of /usr/bin/kubelet is unknown");
    assert!(log.contains(&unknown), "{log}");
    let with_flags = environment(&format!("{FLAGS} "));
    assert_eq!((node.read(ENVIRONMENT).as_ref(), node.read(ADDED)), (Some(&with_flags), None));
    node.file(VERSION, "Kubernetes v1.34.4-eks-3025e55\n");
    let log = succeeded(node.run(["run"]));
    let added = "the kubelet reads drop-ins from /var/lib/eni-bootstrap/kubelet.conf.d";
    assert!(log.contains(&host(added)), "{log}");
    let argument = "--config-dir=/var/lib/eni-bootstrap/kubelet.conf.d ";
    assert_eq!(node.read(ENVIRONMENT), Some(environment(argument)));
    assert_eq!(node.read(ADDED), Some(drop_in()));
    // The image was downgraded.
    node.file(VERSION, "Kubernetes v1.29.15\n");
    let log = succeeded(node.run(["run"]));
    let old = host("kubelet flags are used, because kubelet 1.29 does not read --config-dir");
    assert!(log.contains(&old), "{log}");
    assert_eq!((node.read(ENVIRONMENT), node.read(ADDED)), (Some(with_flags), None));
    fs::remove_file(node.root().join(VERSION)).unwrap();
    node.file(VERSION, "Kubernetes v1.30.0\n");
    succeeded(node.run(["run"]));
    assert_eq!(node.read(ADDED), Some(drop_in()));
    succeeded(node.run(["undo"]));
    assert_eq!((node.written(), node.read(ADDED)), (Vec::new(), None));
}

#[test]
fn the_labels_of_a_kubeadm_node_stay_flags_beside_the_drop_in() {
    let api = ready_api();
    let (node, _imds) = super::hosts::kubeadm(&api);
    let config = "--config=/var/lib/kubelet/config.yaml";
    node.file(
        "usr/lib/systemd/system/kubelet.service.d/05-config.conf",
        &format!(
            "[Service]\nEnvironment=KUBELET_CONFIG_ARGS={config} KUBELET_KUBECONFIG_ARGS=--kubeconfig=/etc/kubernetes/kubelet.conf\n"
        ),
    );
    node.file("var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
    node.file(VERSION, "Kubernetes v1.36.3\n");
    // kubeadm may write flags when the node joins the cluster.
    succeeded(node.run(["run"]));
    let written = node.read(KUBEADM_FILE).unwrap();
    assert!(written.contains(&format!("\nKUBELET_EXTRA_ARGS=\"{FLAGS} {LABELS}\"\n")), "{written}");
    node.file("var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"--v=2\"\n");
    succeeded(node.run(["run"]));
    let written = node.read(KUBEADM_FILE).unwrap();
    let value = format!("--config-dir=/var/lib/eni-bootstrap/kubelet.conf.d {LABELS}");
    assert!(written.contains(&format!("\nKUBELET_EXTRA_ARGS=\"{value}\"\n")), "{written}");
    assert_eq!(node.read(ADDED), Some(drop_in()));
    node.file("var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"--max-pods=110\"\n");
    succeeded(node.run(["run"]));
    let written = node.read(KUBEADM_FILE).unwrap();
    assert!(written.contains(&format!("\"{value} --max-pods=20\"\n")), "{written}");
    succeeded(node.run(["undo"]));
    assert_eq!((node.read(KUBEADM_FILE).as_deref(), node.read(ADDED)), (Some(""), None));
}

#[test]
fn a_directory_that_does_not_suit_leaves_the_flags() {
    let api = ready_api();
    let expect = |node: &Node, state: &str| {
        let log = succeeded(node.run(["run"]));
        let reason =
            format!("; kubelet flags are used, because /etc/kubernetes/kubelet.conf.d {state})\n");
        assert!(log.contains(&reason), "{reason} in {log}");
        assert_eq!(node.read(ENVIRONMENT), Some(environment(&format!("{FLAGS} "))));
        assert_eq!(node.read(OWN), None);
    };
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    let directory = node.root().join(SITE);
    fs::create_dir_all(node.root().join("opt/kubelet.d")).unwrap();
    fs::create_dir_all(directory.parent().unwrap()).unwrap();
    symlink("/opt/kubelet.d", &directory).unwrap();
    expect(&node, "is a symbolic link");
    fs::remove_file(&directory).unwrap();
    fs::create_dir_all(directory.join("more")).unwrap();
    expect(&node, "has a subdirectory");
    fs::remove_dir(directory.join("more")).unwrap();
    let Some(_mounted) = tmpfs(&directory, "ro", &[]) else { return };
    expect(&node, "is read-only");
}

#[test]
fn a_drop_in_in_a_directory_that_has_become_read_only_is_kept() {
    let api = ready_api();
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    let directory = node.root().join(SITE);
    fs::create_dir_all(&directory).unwrap();
    let files = [("zz-eni-bootstrap.conf", &*drop_in())];
    let Some(_mounted) = tmpfs(&directory, "ro", &files) else { return };
    let log = succeeded(node.run(["run"]));
    let expected = "; kubelet flags are used, because /etc/kubernetes/kubelet.conf.d is read-only; /etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf has no effect and remains, because /etc/kubernetes/kubelet.conf.d is read-only; to remove it, make the directory writable and run `rm /etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf`)\n";
    assert!(log.contains(expected), "{log}");
    assert_eq!(node.read(ENVIRONMENT), Some(environment(&format!("{FLAGS} "))));
    let output = node.run(["undo"]);
    assert_eq!(output.status, Some(73));
    let path = node.root().join(OWN);
    let (path, directory) = (path.display(), directory.display());
    let expected = format!(
        "failed to remove {path}\n  caused by: Read-only file system (os error 30)\n  help: run eni-bootstrap as root, and check that the file system is writable; for eni-bootstrap.service, add ReadWritePaths={directory} to a drop-in of the unit\n"
    );
    assert!(error(&output).ends_with(&expected), "{}", error(&output));
}

#[test]
fn printed_flags_include_the_reserves_of_other_resources() {
    let api = ready_api();
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    node.file("etc/kubernetes/kubelet.yaml", "kubeReserved:\n  pid: '1000'\n");
    let printed = format!("{FLAGS},pid=1000 {LABELS}\n");
    assert_eq!(node.run(["plan", "--output", "kubelet-args"]).stdout, printed);
    let output = node.run(["run", "--output", "kubelet-args"]);
    assert_eq!((output.status, output.stdout), (Some(0), printed), "{}", output.stderr);
    assert_eq!(node.read(OWN), Some(drop_in()));
}

#[test]
fn an_empty_drop_in_is_that_of_eni_bootstrap() {
    let api = ready_api();
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    node.file(OWN, "");
    succeeded(node.run(["undo"]));
    assert_eq!(node.read(OWN), None);
    node.file(OWN, "");
    succeeded(node.run(["run"]));
    assert_eq!(node.read(OWN), Some(drop_in()));
}

#[test]
fn a_later_drop_in_takes_precedence_up_to_the_capacity_of_the_node() {
    let api = ready_api();
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    let later = format!("{SITE}/zzz-site.conf");
    node.file(&later, "maxPods: 12\n");
    let warning = "/etc/kubernetes/kubelet.conf.d/zzz-site.conf sets max-pods to 12; the kubelet reads this file after zz-eni-bootstrap.conf, so it takes precedence over 20; rename the file so that it sorts before zz-eni-bootstrap.conf, or remove maxPods from it";
    let log = succeeded(node.run(["run"]));
    assert!(log.contains(&format!("warning: plan: {warning}\n")), "{log}");
    // The reserve is that of 12 pods.
    let written = node.read(OWN).unwrap();
    assert!(written.contains("\n  memory: \"387Mi\"\n"), "{written}");
    node.file(&later, "maxPods: 58\n");
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            "error: failed to compute the node configuration\n  caused by: /etc/kubernetes/kubelet.conf.d/zzz-site.conf sets max-pods to 58, and the kubelet reads this file after zz-eni-bootstrap.conf, but the capacity of this node is 20 pods; additional pods would stay in ContainerCreating without an IP address\n  help: rename the file so that it sorts before zz-eni-bootstrap.conf, or remove maxPods from it\n"
        )
    );
}

/// Its reserves count as existing ones.
#[test]
fn a_file_of_another_program_is_kept_and_flags_override_it() {
    let api = ready_api();
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    let foreign = "maxPods: 7\nkubeReserved:\n  pid: '1000'\n";
    node.file(OWN, foreign);
    let log = succeeded(node.run(["run"]));
    let reason = "; kubelet flags are used, because /etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf was not written by eni-bootstrap)\n";
    assert!(log.contains(reason), "{log}");
    assert_eq!(node.read(ENVIRONMENT), Some(environment(&format!("{FLAGS},pid=1000 "))));
    succeeded(node.run(["undo"]));
    assert_eq!(node.read(OWN).as_deref(), Some(foreign));
}

#[test]
fn a_drop_in_that_another_program_replaces_during_the_wait_is_an_error() {
    let api = KubernetesApi::start();
    let (node, _imds) = node(&api, "--config-dir=/etc/kubernetes/kubelet.conf.d");
    let mut run = node.start(["run"]);
    run.until("wait: ENIConfig us-west-2a not found");
    node.file(OWN, "maxPods: 7\n");
    api.apply("us-west-2a", serde_json::json!({ "subnet": "subnet-0a" }));
    let output = run.end();
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(73),
            "error: failed to configure the node\n  caused by: /etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf changed after eni-bootstrap wrote it\n  help: find the program that changes /etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf, and run the command again after that program has ended\n"
        )
    );
}
