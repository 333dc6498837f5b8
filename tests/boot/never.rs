//! An ENIConfig that never comes: the kubelet does not start, or it does where the settings say so.

use super::al2::as_after_bootstrap;
use super::al2023::{ours, the_images};
use crate::support::boot::kubelet::Kubelet;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::{Al2, Al2023};
use crate::support::boot::{LABELS, Site};
use std::fs;
use std::path::Path;

/// What a person without another way in sees on the instance's console output.
const ERROR: &str = "error: the node is not ready for the kubelet
  because: timed out after 3s waiting for ENIConfig us-west-2a
  because: not found in the cluster
  help: create the ENIConfig with a subnet in the node's zone:
kubectl apply -f - <<'EOF'
apiVersion: crd.k8s.amazonaws.com/v1alpha1
kind: ENIConfig
metadata:
  name: us-west-2a
spec:
  subnet: SUBNET-ID
  securityGroups:
    - SECURITY-GROUP-ID
EOF
";

/// Boots it in vain: `next`, which starts the kubelet, has not started, and the console says why.
fn boots_in_vain(site: &Site, next: &str) -> Machine {
    site.node.settings("[eni-config]\nwait = \"3s\"\n");
    let machine = site.node.boot();
    machine.booted();
    let order = machine.order();
    let unit = order.unit("eni-bootstrap.service");
    assert_eq!((unit.state.as_str(), unit.result.as_str()), ("failed", "exit-code"));
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "75");
    order.never_started(next);
    order.never_started("kubelet.service");
    machine.console_until("  help: ");
    machine.console_until(&format!("Dependency failed for {next}"));
    let said = machine.console_of("eni-bootstrap");
    assert!(said.ends_with(ERROR), "{said}");
    machine
}

#[test]
fn a_node_whose_eniconfig_never_comes_does_not_start_its_kubelet_until_told_to_try_again() {
    let Some(site) = Site::new("never", Al2023) else { return };
    let machine = boots_in_vain(&site, "nodeadm-run.service");
    // As the README says, once there is an ENIConfig.
    site.create_eni_config();
    machine.says(&["systemctl", "start", "nodeadm-run"]);
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
}

#[test]
fn a_kubelet_that_is_enabled_does_not_start_either() {
    let Some(site) = Site::new("never_al2", Al2) else { return };
    as_after_bootstrap(&site);
    let machine = boots_in_vain(&site, "kubelet.service");
    site.create_eni_config();
    machine.says(&["systemctl", "start", "kubelet"]);
    machine.order().was(&["eni-bootstrap.service", "kubelet.service"]);
    let kubelet = Kubelet::started(&machine);
    assert_eq!(kubelet.arguments.last().unwrap(), &format!("--node-labels={LABELS}"));
}

/// The variant that fails open whatever fails: here settings that cannot be used.
#[test]
fn a_node_that_may_go_on_without_us_starts_its_kubelet_with_the_images_figure() {
    let Some(site) = Site::new("never_whatever_fails", Al2023) else { return };
    let variant = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/fail-open.conf");
    let variant = fs::read_to_string(variant).unwrap();
    site.node.drop_in("eni-bootstrap.service", "fail-open", &variant);
    site.node.settings("[pods]\nmaximum = 1\n");
    let machine = site.node.boot();
    machine.booted();
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "78");
    assert_eq!(Kubelet::started(&machine).in_force(), the_images());
    let journal = machine.journal("eni-bootstrap");
    assert!(journal.contains("error: the settings cannot be used\n"), "{journal}");
}

#[test]
fn a_node_that_may_go_on_without_an_eniconfig_starts_its_kubelet_with_a_warning() {
    let Some(site) = Site::new("never_fail_open", Al2023) else { return };
    site.node.settings("[eni-config]\nwait = \"3s\"\non-timeout = \"continue\"\n");
    let machine = site.node.boot();
    machine.booted();
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
    let warning = "warning: wait: timed out after 3s waiting for ENIConfig us-west-2a: not found in the cluster; continuing because eni-config.on-timeout = \"continue\"";
    let journal = machine.journal("eni-bootstrap");
    let warnings: Vec<_> = journal.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings, [warning]);
}
