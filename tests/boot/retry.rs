//! Attempts to start the kubelet after a failed run.

use crate::support::boot::Fixture;
use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::{Al2, Al2023};

/// A run that fails soon, and attempts after one second.
const SETTINGS: &str =
    "[eni-config]\nwait = \"1s\"\n[retry]\npause = \"1s\"\nlongest-pause = \"3s\"\n";

/// Returns whether the console shows a line of `eni-bootstrap-retry` that starts with `text`.
fn has_line(machine: &Machine, text: &str) -> bool {
    machine.console_lines_of("eni-bootstrap-retry").lines().any(|line| line.starts_with(text))
}

#[test]
fn failed_node_heals_by_itself() {
    let Some(fixture) = Fixture::new("retry", Al2023) else { return };
    fixture.node.settings(SETTINGS);
    let machine = fixture.node.boot();
    machine.wait_until("announcement of the second attempt", || {
        has_line(&machine, "retry: attempt 2 to start the kubelet in ")
    });
    machine.order().assert_never_started("kubelet.service");
    let status = machine.property("eni-bootstrap-retry", "StatusText");
    assert!(status.contains("ttempt "), "{status}");
    fixture.create_eni_config();
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
    machine.wait_until("end of the attempts", || {
        machine.property("eni-bootstrap-retry", "ActiveState") == "inactive"
    });
    assert_eq!(machine.property("eni-bootstrap-retry", "Result"), "success");
    assert!(has_line(&machine, "retry: nodeadm-run.service started"), "{}", machine.console());
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
}

#[test]
fn attempts_continue_if_the_unit_that_starts_the_kubelet_fails_after_a_successful_run() {
    let Some(fixture) = Fixture::new("retry_nodeadm", Al2023) else { return };
    fixture.node.settings(SETTINGS);
    let fails_once = "[Service]\nExecStartPre=/bin/sh -c 'test -e /run/failed || { touch /run/failed; exit 1; }'\n";
    fixture.node.drop_in("nodeadm-run.service", "50-fails-once.conf", fails_once);
    let machine = fixture.node.boot();
    machine.wait_until("announcement of an attempt", || {
        has_line(&machine, "retry: attempt 1 to start the kubelet in ")
    });
    machine.order().assert_never_started("kubelet.service");
    fixture.create_eni_config();
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
    machine.wait_until("end of the attempts", || {
        machine.property("eni-bootstrap-retry", "ActiveState") == "inactive"
    });
    let lines = machine.console_lines_of("eni-bootstrap-retry");
    let failed = " failed: eni-bootstrap.service is active, but nodeadm-run.service failed: ";
    assert!(lines.contains(failed), "{lines}");
    assert_eq!(lines.lines().last(), Some("retry: nodeadm-run.service started"));
}

#[test]
fn failed_al2_node_heals_by_itself() {
    let Some(fixture) = Fixture::new("retry_al2", Al2) else { return };
    fixture.complete_al2_bootstrap();
    fixture.node.settings(SETTINGS);
    let machine = fixture.node.boot();
    machine.wait_until("announcement of an attempt", || {
        has_line(&machine, "retry: attempt 1 to start the kubelet in ")
    });
    fixture.create_eni_config();
    assert_eq!(Kubelet::started(&machine).effective().max_pods, 20);
    machine.order().assert_order(&["eni-bootstrap.service", "kubelet.service"]);
}

#[test]
fn invalid_settings_are_retried_after_the_longest_pause() {
    let Some(fixture) = Fixture::new("retry_settings", Al2023) else { return };
    fixture.create_eni_config();
    fixture.node.settings("[pods]\nmaximum = 1\n");
    let machine = fixture.node.boot();
    let line = "retry: attempt 1 to start the kubelet in 10m, at ";
    machine.wait_until(line, || has_line(&machine, line));
    assert!(
        has_line(&machine, "warning: retry: failed to load the settings: "),
        "{}",
        machine.console()
    );
    let expected = "Next: attempt 1 to start the kubelet in ";
    machine.wait_until(expected, || {
        machine.property("eni-bootstrap-retry", "StatusText").starts_with(expected)
    });
}

#[test]
fn attempts_end_at_the_limit_of_a_first_boot() {
    let Some(fixture) = Fixture::new("retry_limit", Al2023) else { return };
    fixture.node.settings(&format!("{SETTINGS}first-boot = \"3s\"\n"));
    let machine = fixture.node.boot();
    machine.wait_until("failure of the retry unit", || {
        machine.property("eni-bootstrap-retry", "ActiveState") == "failed"
    });
    assert_eq!(machine.property("eni-bootstrap-retry", "ExecMainStatus"), "69");
    machine.wait_for_console("systemctl start eni-bootstrap-retry");
    let log = machine.console_lines_of("eni-bootstrap-retry");
    let error = "error: the kubelet did not start within 3s (retry.first-boot)
  help: correct the error in `journalctl -u eni-bootstrap`, then run `systemctl start eni-bootstrap-retry` or reboot the node
";
    assert!(log.ends_with(error), "{log}");
    machine.order().assert_never_started("kubelet.service");
}
