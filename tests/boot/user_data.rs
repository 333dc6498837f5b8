//! A unit that is not enabled, and user data that starts it, or the program itself, from cloud-init's
//! last stage, which nodeadm's second phase waits for. A deadlock would be a boot that never ends.

use super::al2023::ours;
use crate::support::boot::Site;
use crate::support::boot::kubelet::Kubelet;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::Al2023;

/// Boots a node whose user data has `script`.
fn boot(site: &Site, script: &str) -> Machine {
    site.node.systemctl(&["disable", "eni-bootstrap.service"]);
    site.node.user_script(script);
    let machine = site.node.boot();
    machine.booted();
    machine
}

/// The same while its ENIConfig is there.
fn started_by(case: &str, script: &str) -> Option<(Site, Machine)> {
    let site = Site::new(case, Al2023)?;
    site.create_eni_config();
    let machine = boot(&site, script);
    machine.order().was(&["cloud-final.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
    Some((site, machine))
}

/// The same while its ENIConfig never comes.
fn started_in_vain_by(case: &str, script: &str) -> Option<(Site, Machine)> {
    let site = Site::new(case, Al2023)?;
    site.node.settings("[eni-config]\nwait = \"3s\"\n");
    let machine = boot(&site, script);
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "75");
    Some((site, machine))
}

#[test]
fn user_data_may_start_the_unit_without_waiting_for_it() {
    let script = "systemctl start --no-block eni-bootstrap\n";
    let Some((_site, machine)) = started_by("user_data_no_block", script) else { return };
    // It was queued before nodeadm's turn came, and its place is before it.
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
}

#[test]
fn user_data_may_start_the_unit_and_wait_for_it() {
    let script = "systemctl start eni-bootstrap\n";
    let Some((_site, machine)) = started_by("user_data_blocking", script) else { return };
    let order = machine.order();
    order.was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    order.was_done(&["eni-bootstrap.service", "cloud-final.service"]);
}

#[test]
fn user_data_may_run_the_program_itself() {
    let script = "eni-bootstrap run\n";
    let Some((_site, machine)) = started_by("user_data_program", script) else { return };
    machine.order().never_started("eni-bootstrap.service");
    assert!(
        machine.journal("cloud-final").contains("\nready: the node is ready for the kubelet\n")
    );
}

#[test]
fn a_unit_that_user_data_enables_keeps_the_kubelet_back_where_it_fails() {
    let script = "systemctl enable --now --no-block eni-bootstrap\n";
    let Some((_site, machine)) = started_in_vain_by("user_data_enable", script) else { return };
    machine.order().never_started("nodeadm-run.service");
    machine.order().never_started("kubelet.service");
}

/// Nothing requires a unit that is not enabled: its order is kept, its failure keeps nobody back.
#[test]
fn a_unit_that_user_data_only_starts_does_not_keep_the_kubelet_back_where_it_fails() {
    let script = "systemctl start --no-block eni-bootstrap\n";
    let Some((_site, machine)) = started_in_vain_by("user_data_in_vain", script) else { return };
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
}
