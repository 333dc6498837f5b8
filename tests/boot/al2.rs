//! Amazon Linux 2, where `bootstrap.sh` writes and starts the kubelet unit.
//!
//! The systemd of the root is newer than the one of Amazon Linux 2 (219).

use crate::real::real_cluster::{CUSTOM, env};
use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2, Node};
use crate::support::boot::{Fixture, LABELS};
use std::fs;
use std::io::Write as _;

/// The kubelet arguments of the image.
const IMAGE_ARGUMENTS: [&str; 6] = [
    "--config",
    "/etc/kubernetes/kubelet/kubelet-config.json",
    "--kubeconfig",
    "/var/lib/kubelet/kubeconfig",
    "--node-ip=10.20.0.10",
    "--v=2",
];

#[test]
fn enabled_kubelet_gets_the_eni_bootstrap_arguments_last() {
    let Some(fixture) = Fixture::new("al2_enabled", Al2) else { return };
    fixture.create_eni_config();
    fixture.complete_al2_bootstrap();
    let boot = |node: &Node| {
        let machine = node.boot();
        machine.wait_until_booted();
        machine.order().assert_order(&["eni-bootstrap.service", "kubelet.service"]);
        let kubelet = Kubelet::started(&machine);
        let journal = machine.journal("eni-bootstrap");
        machine.power_off();
        (kubelet, journal)
    };
    let (kubelet, _) = boot(&fixture.node);
    let extra = ["--max-pods=29", "--node-labels=team=blue"];
    assert_eq!(
        without_kube_reserved(&kubelet),
        with_planned(&[&IMAGE_ARGUMENTS[..], &extra].concat())
    );
    assert_eq!(
        kubelet.effective(),
        EffectiveKubelet::new(20, "475Mi", &format!("team=blue,{LABELS}"))
    );

    // At the start of the second boot the drop-in exists, but its environment file in /run does not.
    let (again, journal) = boot(&fixture.node);
    assert!(journal.contains("/zz-eni-bootstrap.conf unchanged\n"), "{journal}");
    assert_eq!(again.arguments, kubelet.arguments);
}

#[test]
fn first_boot_with_bootstrap_sh_starts_the_kubelet_with_the_eni_bootstrap_arguments_last() {
    let Some(fixture) = Fixture::new("al2_first_boot", Al2) else { return };
    fixture.create_eni_config();
    // On the first boot of an AL2 node, only the settings identify the cluster.
    fixture.node.settings(&format!(
        "[cluster]\nname = \"real\"\nendpoint = \"{}\"\ncertificate-authority = \"{}\"\n",
        fixture.cluster.url(),
        fixture.cluster.ca_base64()
    ));
    let script = crate::support::boot::user_data(&fixture.cluster, Al2);
    fixture.node.user_script(&script.replace("#!/bin/bash\n", ""));
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    assert_first_boot_configured(&machine);
    let order = machine.order();
    order.assert_order(&["eni-bootstrap.service", "kubelet.service"]);
    // bootstrap.sh waits for the kubelet, which waits for eni-bootstrap.
    order.assert_completion_order(&["kubelet.service", "cloud-final.service"]);
}

#[test]
fn user_data_passes_the_configured_arguments_to_bootstrap_sh() {
    let Some(fixture) = Fixture::new("al2_passed_on", Al2) else { return };
    fixture.create_eni_config();
    fixture.node.systemctl(&["disable", "eni-bootstrap.service"]);
    // The user data from the documentation.
    let (endpoint, authority) = (fixture.cluster.url(), fixture.cluster.ca_base64());
    fixture.node.user_script(&format!(
        "export ENI_BOOTSTRAP_HOST_KIND=none
export ENI_BOOTSTRAP_CLUSTER_NAME=real
export ENI_BOOTSTRAP_CLUSTER_ENDPOINT={endpoint}
export ENI_BOOTSTRAP_CLUSTER_CERTIFICATE_AUTHORITY={authority}
arguments=$(eni-bootstrap run --output kubelet-args)
/etc/eks/bootstrap.sh real --apiserver-endpoint {endpoint} --b64-cluster-ca {authority} \\
    --use-max-pods false --kubelet-extra-args \"$arguments\"
"
    ));
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    assert_first_boot_configured(&machine);
    machine.order().assert_never_started("eni-bootstrap.service");
}

/// The drop-in of eni-bootstrap copies `ExecStart=`. Another program changes it while eni-bootstrap waits
/// for the aws-node DaemonSet.
#[test]
fn exec_start_that_changes_during_the_wait_for_the_cluster_is_not_lost() {
    let Some(fixture) = Fixture::new("al2_edit_during_wait", Al2) else { return };
    fixture.create_eni_config();
    fixture.complete_al2_bootstrap();
    fixture.cluster.delete("/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node");
    let machine = fixture.node.boot();
    machine.wait_for_console("wait: DaemonSet aws-node not found");
    let command =
        format!("/usr/bin/kubelet {} --v=9 $KUBELET_ARGS", IMAGE_ARGUMENTS[..4].join(" "));
    let drop_in = format!("[Service]\nExecStart=\nExecStart={command}\n");
    fs::File::create(machine.path("/etc/systemd/system/kubelet.service.d/50-site.conf"))
        .unwrap()
        .write_all(drop_in.as_bytes())
        .unwrap();
    fixture.cluster.install_cni(env(&[CUSTOM]));
    machine.wait_until_booted();
    machine.order().assert_order(&["eni-bootstrap.service", "kubelet.service"]);
    let kubelet = Kubelet::started(&machine);
    let image = [&IMAGE_ARGUMENTS[..4], &["--v=9"], &IMAGE_ARGUMENTS[4..]].concat();
    assert_eq!(without_kube_reserved(&kubelet), with_planned(&image));
}

/// Appends the arguments of eni-bootstrap.
fn with_planned(arguments: &[&str]) -> Vec<String> {
    let planned = ["--max-pods=20".to_owned(), format!("--node-labels={LABELS}")];
    arguments.iter().map(|&argument| argument.to_owned()).chain(planned).collect()
}

/// Returns the kubelet arguments without `--kube-reserved`, which depends on the CPUs of this machine.
fn without_kube_reserved(kubelet: &Kubelet) -> Vec<String> {
    let arguments = kubelet.arguments.iter();
    arguments.filter(|it| !it.starts_with("--kube-reserved=")).cloned().collect()
}

fn assert_first_boot_configured(machine: &Machine) {
    let kubelet = Kubelet::started(machine);
    assert_eq!(without_kube_reserved(&kubelet), with_planned(&IMAGE_ARGUMENTS));
    assert_eq!(kubelet.effective(), EffectiveKubelet::new(20, "475Mi", LABELS));
}
