//! User data that starts the disabled unit, or runs the program directly, in cloud-final.service.
//! nodeadm-run.service starts after it. A deadlock between the units would block the boot forever.

use crate::behaviour::user_data::{example, script};
use crate::support::boot::Fixture;
use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::Al2023;
use std::fs;

/// Boots a node with the disabled unit and `script` as user data.
fn boot(fixture: &Fixture, script: &str) -> Machine {
    fixture.node.systemctl(&["disable", "eni-bootstrap.service"]);
    fixture.node.user_script(script);
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    machine
}

/// Boots a node whose ENIConfig exists. Asserts that the kubelet starts configured.
fn started_by(case: &str, script: &str) -> Option<(Fixture, Machine)> {
    let fixture = Fixture::new(case, Al2023)?;
    fixture.create_eni_config();
    let machine = boot(&fixture, script);
    machine.order().assert_order(&["cloud-final.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
    Some((fixture, machine))
}

/// Boots a node whose ENIConfig does not exist. Asserts that the unit fails with the timeout status.
fn timed_out_after(case: &str, script: &str) -> Option<(Fixture, Machine)> {
    let fixture = Fixture::new(case, Al2023)?;
    fixture.node.settings("[eni-config]\nwait = \"3s\"\n");
    let machine = boot(&fixture, script);
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "75");
    Some((fixture, machine))
}

#[test]
fn user_data_starts_the_unit_without_waiting() {
    let script = "systemctl start --no-block eni-bootstrap\n";
    let Some((_fixture, machine)) = started_by("user_data_no_block", script) else { return };
    // The unit is queued before nodeadm-run.service starts and is ordered before it.
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
}

#[test]
fn user_data_starts_the_unit_and_waits() {
    let script = "systemctl start eni-bootstrap\n";
    let Some((_fixture, machine)) = started_by("user_data_blocking", script) else { return };
    let order = machine.order();
    order.assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    order.assert_completion_order(&["eni-bootstrap.service", "cloud-final.service"]);
}

#[test]
fn user_data_runs_the_program_directly() {
    let script = "eni-bootstrap run\n";
    let Some((_fixture, machine)) = started_by("user_data_program", script) else { return };
    machine.order().assert_never_started("eni-bootstrap.service");
    assert!(
        machine.journal("cloud-final").contains("\nready: the node is ready for the kubelet\n")
    );
}

#[test]
fn failed_unit_that_user_data_enabled_blocks_the_kubelet() {
    let script = "systemctl enable --now --no-block eni-bootstrap\n";
    let Some((_fixture, machine)) = timed_out_after("user_data_enable", script) else { return };
    machine.order().assert_never_started("nodeadm-run.service");
    machine.order().assert_never_started("kubelet.service");
}

/// No unit requires a disabled unit. The ordering applies, but its failure blocks no other unit.
#[test]
fn failed_unit_that_user_data_only_started_does_not_block_the_kubelet() {
    let script = "systemctl start --no-block eni-bootstrap\n";
    let Some((_fixture, machine)) = timed_out_after("user_data_start_only", script) else { return };
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
}

/// The script of `al2023-own-image.txt`, on an image without the unit. cloud-init runs it on the first
/// boot only.
#[test]
fn own_image_script_that_fails_blocks_the_kubelet_on_every_boot() {
    let Some(fixture) = Fixture::new("own_image_fails", Al2023) else { return };
    fixture.create_eni_config();
    fixture.node.systemctl(&["disable", "eni-bootstrap.service"]);
    fs::remove_file(fixture.node.path("usr/lib/systemd/system/eni-bootstrap.service")).unwrap();
    fixture.node.raw_user_script(&script(&example("al2023-own-image.txt")));
    for boot in ["first", "second"] {
        let machine = fixture.node.boot();
        machine.wait_until_booted();
        let order = machine.order();
        let expected = if boot == "first" { "exit-code" } else { "success" };
        assert_eq!(order.unit("cloud-final.service").result, expected, "{boot}");
        order.assert_never_started("nodeadm-run.service");
        order.assert_never_started("kubelet.service");
        machine.power_off();
        fixture.node.raw_user_script("#!/bin/sh\n");
    }
}

#[test]
fn own_image_script_starts_the_unit_before_the_kubelet() {
    let script = script(&example("al2023-own-image.txt"));
    let Some((_fixture, machine)) = started_by("own_image", &script) else { return };
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
}
