//! Amazon Linux 2: the kubelet has a unit of its own, which `bootstrap.sh` writes and starts.
//!
//! The root's systemd is a later one than Amazon Linux 2's (219).

use crate::support::boot::kubelet::{InForce, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2, Node};
use crate::support::boot::{LABELS, Site};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The unit's own command line, in force until ours.
const OWN: [&str; 6] = [
    "--config",
    "/etc/kubernetes/kubelet/kubelet-config.json",
    "--kubeconfig",
    "/var/lib/kubelet/kubeconfig",
    "--node-ip=10.20.0.10",
    "--v=2",
];

/// Leaves the disk as `bootstrap.sh` has left it by the end of the node's first boot.
pub fn as_after_bootstrap(site: &Site) {
    let Site { node, cluster, .. } = site;
    let image = |path| std::fs::read_to_string(node.path(path)).unwrap();
    let unit = image("etc/eks/containerd/kubelet-containerd.service");
    node.write("etc/systemd/system/kubelet.service", &unit);
    node.drop_in(
        "kubelet.service",
        "10-kubelet-args",
        "[Service]\nEnvironment='KUBELET_ARGS=--node-ip=10.20.0.10 --v=2'\n",
    );
    node.drop_in(
        "kubelet.service",
        "30-kubelet-extra-args",
        "[Service]\nEnvironment='KUBELET_EXTRA_ARGS=--max-pods=29 --node-labels=team=blue'\n",
    );
    let kubeconfig = image("var/lib/kubelet/kubeconfig")
        .replace("MASTER_ENDPOINT", &cluster.url())
        .replace("CLUSTER_NAME", "real")
        .replace("AWS_REGION", "us-west-2");
    node.write("var/lib/kubelet/kubeconfig", &kubeconfig);
    let authority = BASE64_STANDARD.decode(cluster.ca_base64()).unwrap();
    node.write("etc/kubernetes/pki/ca.crt", &String::from_utf8(authority).unwrap());
    node.systemctl(&["enable", "kubelet.service"]);
}

#[test]
fn a_kubelet_that_is_enabled_gets_its_own_arguments_with_ours_last() {
    let Some(site) = Site::new("al2_enabled", Al2) else { return };
    site.create_eni_config();
    as_after_bootstrap(&site);
    let boot = |node: &Node| {
        let machine = node.boot();
        machine.booted();
        machine.order().was(&["eni-bootstrap.service", "kubelet.service"]);
        let kubelet = Kubelet::started(&machine);
        let journal = machine.journal("eni-bootstrap");
        machine.power_off();
        (kubelet, journal)
    };
    let (kubelet, _) = boot(&site.node);
    let extra = ["--max-pods=29", "--node-labels=team=blue"];
    assert_eq!(but_for_the_reserve(&kubelet), with_ours(&[&OWN[..], &extra].concat()));
    assert_eq!(kubelet.in_force(), InForce::new(20, "475Mi", &format!("team=blue,{LABELS}")));

    // The drop-in is there from the beginning of the second boot, its arguments are not.
    let (again, journal) = boot(&site.node);
    assert!(journal.contains("/90-eni-bootstrap.conf unchanged\n"), "{journal}");
    assert_eq!(again.arguments, kubelet.arguments);
}

#[test]
fn bootstrap_sh_on_a_fresh_node_starts_the_kubelet_with_our_arguments_last() {
    let Some(site) = Site::new("al2_fresh", Al2) else { return };
    site.create_eni_config();
    // Nothing else says on a fresh node of this family which cluster it is.
    site.node.settings(&format!(
        "[cluster]\nname = \"real\"\nendpoint = \"{}\"\ncertificate-authority = \"{}\"\n",
        site.cluster.url(),
        site.cluster.ca_base64()
    ));
    let script = crate::support::boot::user_data(&site.cluster, Al2);
    site.node.user_script(&script.replace("#!/bin/bash\n", ""));
    let machine = site.node.boot();
    machine.booted();
    check_fresh(&machine);
    let order = machine.order();
    order.was(&["eni-bootstrap.service", "kubelet.service"]);
    // bootstrap.sh waits for the kubelet, and the kubelet for us.
    order.was_done(&["kubelet.service", "cloud-final.service"]);
}

#[test]
fn user_data_may_pass_our_arguments_to_bootstrap_sh() {
    let Some(site) = Site::new("al2_passed_on", Al2) else { return };
    site.create_eni_config();
    site.node.systemctl(&["disable", "eni-bootstrap.service"]);
    // The README's way 3.
    let (endpoint, authority) = (site.cluster.url(), site.cluster.ca_base64());
    site.node.user_script(&format!(
        "export ENI_BOOTSTRAP_HOST_KIND=none
export ENI_BOOTSTRAP_CLUSTER_NAME=real
export ENI_BOOTSTRAP_CLUSTER_ENDPOINT={endpoint}
export ENI_BOOTSTRAP_CLUSTER_CERTIFICATE_AUTHORITY={authority}
eni-bootstrap run
arguments=$(eni-bootstrap plan --output kubelet-args)
/etc/eks/bootstrap.sh real --apiserver-endpoint {endpoint} --b64-cluster-ca {authority} \\
    --use-max-pods false --kubelet-extra-args \"$arguments\"
"
    ));
    let machine = site.node.boot();
    machine.booted();
    check_fresh(&machine);
    machine.order().never_started("eni-bootstrap.service");
}

/// `own`, and what comes last.
fn with_ours(own: &[&str]) -> Vec<String> {
    let ours = ["--max-pods=20".to_owned(), format!("--node-labels={LABELS}")];
    own.iter().map(|&argument| argument.to_owned()).chain(ours).collect()
}

/// The command line without the reserve, which depends on the machine that this runs on.
fn but_for_the_reserve(kubelet: &Kubelet) -> Vec<String> {
    let arguments = kubelet.arguments.iter();
    arguments.filter(|it| !it.starts_with("--kube-reserved=")).cloned().collect()
}

fn check_fresh(machine: &Machine) {
    let kubelet = Kubelet::started(machine);
    assert_eq!(but_for_the_reserve(&kubelet), with_ours(&OWN));
    assert_eq!(kubelet.in_force(), InForce::new(20, "475Mi", LABELS));
}
