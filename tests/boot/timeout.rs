//! Boots that do not find an ENIConfig before the timeout, and boots that fail open.

use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::{Al2, Al2023};
use crate::support::boot::{Fixture, LABELS};
use std::fs;
use std::path::Path;

/// The error in the console output of the instance.
const ERROR: &str = "error: the node is not ready for the kubelet
  caused by: timed out after 3s waiting for ENIConfig us-west-2a
  caused by: the ENIConfig does not exist in the cluster
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

/// Boots the node without an ENIConfig. Asserts that eni-bootstrap fails, that it blocks the unit `next`
/// and the kubelet, and that the error is on the console.
fn boot_until_timeout(fixture: &Fixture, next: &str) -> Machine {
    fixture.node.settings("[eni-config]\nwait = \"3s\"\n");
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    let order = machine.order();
    let unit = order.unit("eni-bootstrap.service");
    assert_eq!((unit.state.as_str(), unit.result.as_str()), ("failed", "exit-code"));
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "75");
    order.assert_never_started(next);
    order.assert_never_started("kubelet.service");
    machine.wait_for_console("  help: ");
    machine.wait_for_console(&format!("Dependency failed for {next}"));
    let log = machine.console_lines_of("eni-bootstrap");
    assert!(log.ends_with(ERROR), "{log}");
    // Each line has a priority: the report is err, and the log lines before it are info.
    assert_eq!(machine.journal_of_priority("eni-bootstrap", "err"), ERROR);
    assert!(machine.journal_of_priority("eni-bootstrap", "info").ends_with(ERROR));
    machine
}

#[test]
fn timeout_blocks_the_kubelet_until_nodeadm_is_started_again() {
    let Some(fixture) = Fixture::new("timeout", Al2023) else { return };
    let machine = boot_until_timeout(&fixture, "nodeadm-run.service");
    // The recovery command in the README.
    fixture.create_eni_config();
    machine.stdout_of(&["systemctl", "start", "nodeadm-run"]);
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
}

#[test]
fn timeout_blocks_an_enabled_kubelet() {
    let Some(fixture) = Fixture::new("timeout_al2", Al2) else { return };
    fixture.complete_al2_bootstrap();
    let machine = boot_until_timeout(&fixture, "kubelet.service");
    fixture.create_eni_config();
    machine.stdout_of(&["systemctl", "start", "kubelet"]);
    machine.order().assert_order(&["eni-bootstrap.service", "kubelet.service"]);
    let kubelet = Kubelet::started(&machine);
    assert_eq!(kubelet.arguments.last().unwrap(), &format!("--node-labels={LABELS}"));
}

/// Returns the shipped drop-in.
pub fn fail_open() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/fail-open.conf");
    fs::read_to_string(path).unwrap()
}

/// The metadata service does not respond, so eni-bootstrap retries for two minutes and does not extend the
/// start timeout of the unit.
#[test]
fn fail_open_starts_the_kubelet_after_the_start_timeout() {
    let Some(fixture) = Fixture::new("fail_open_timeout", Al2023) else { return };
    let unit = "eni-bootstrap.service";
    fixture.node.drop_in(unit, "10-timeout", "[Service]\nTimeoutStartSec=5\n");
    let imds = "[Service]\nEnvironment=AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9\n";
    fixture.node.drop_in(unit, "60-imds", imds);
    fixture.node.drop_in(unit, "fail-open", &fail_open().replace(" 15m ", " 5s "));
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    machine.order().assert_order(&[unit, "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::unconfigured());
}

/// With `fail-open.conf` the kubelet starts after any failure. Here the settings are invalid.
#[test]
fn fail_open_starts_the_kubelet_unconfigured() {
    let Some(fixture) = Fixture::new("fail_open", Al2023) else { return };
    fixture.node.drop_in("eni-bootstrap.service", "fail-open", &fail_open());
    fixture.node.settings("[pods]\nmaximum = 1\n");
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "78");
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::unconfigured());
    let journal = machine.journal("eni-bootstrap");
    assert!(journal.contains("error: failed to load the settings\n"), "{journal}");
}

#[test]
fn on_timeout_continue_starts_the_kubelet_with_a_warning() {
    let Some(fixture) = Fixture::new("timeout_continue", Al2023) else { return };
    fixture.node.settings("[eni-config]\nwait = \"3s\"\non-timeout = \"continue\"\n");
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
    let warning = "warning: wait: timed out after 3s waiting for ENIConfig us-west-2a: the ENIConfig does not exist in the cluster; continuing because eni-config.on-timeout is \"continue\"";
    let journal = machine.journal("eni-bootstrap");
    let warnings: Vec<_> = journal.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings, [warning]);
}
