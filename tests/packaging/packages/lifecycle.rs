//! The lifecycle of a package on a running node: install, enable, boot, upgrade, boot, remove, boot.

use crate::support::boot::Fixture;
use crate::support::boot::kubelet::EffectiveKubelet;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::file_list::{difference, file_list};
use crate::support::node::DROP_IN;
use crate::support::packages::{LATER, LATER_DEFAULTS, PackageFormat, VERSION, words};

/// The settings file of the user, which upgrade and removal keep.
const SETTINGS: &str = "[eni-config]\nwait = \"5m\"\n";

/// Returns values that change if the kubelet or eni-bootstrap is restarted.
fn unit_states(machine: &Machine) -> [String; 4] {
    let kubelet = machine.property("kubelet", "MainPID");
    assert_ne!(kubelet, "0");
    let agent = |name| machine.property("eni-bootstrap", name);
    let kubelet_state = machine.property("kubelet", "ActiveState");
    [kubelet, agent("InvocationID"), agent("ActiveState"), kubelet_state]
}

/// Runs a package manager command. Asserts that it restarts no unit and reloads the systemd manager.
fn run_without_restart(machine: &Machine, command: &[String]) {
    let before = unit_states(machine);
    let stdout = machine.stdout_of(&words(command));
    assert_eq!(unit_states(machine), before, "{stdout}");
    assert_eq!(machine.property("eni-bootstrap", "NeedDaemonReload"), "no");
}

fn is_enabled(machine: &Machine) -> String {
    let output = machine.run(&["systemctl", "is-enabled", "eni-bootstrap"]);
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn check_lifecycle(format: PackageFormat) {
    let name = format!("packages_{}", format.name());
    let Some(node) = Node::without_agent(&name, Al2023) else { return };
    let Some(()) = format.copy_to(&node) else { return };
    let Some(fixture) = Fixture::with_node(node, Al2023) else { return };
    fixture.create_eni_config();

    // The node boots without eni-bootstrap. Then the package is installed on the running node.
    let (machine, kubelet) = fixture.boot();
    assert_eq!(kubelet.effective(), EffectiveKubelet::unconfigured());
    let before = file_list(|command| machine.run(command));
    run_without_restart(&machine, &format.install_command(VERSION));
    assert_eq!(is_enabled(&machine), "disabled");
    assert_eq!(machine.property("eni-bootstrap", "ActiveState"), "inactive");
    let write = format!("printf '{SETTINGS}' >/etc/eni-bootstrap/90-site.toml");
    machine.stdout_of(&["sh", "-euc", &write]);
    machine.stdout_of(&["systemctl", "enable", "eni-bootstrap"]);
    machine.power_off();

    let machine = fixture.boot_configured();
    assert!(machine.property("nodeadm-run", "Requires").contains("eni-bootstrap.service"));
    run_without_restart(&machine, &format.install_command(LATER));
    assert_eq!(is_enabled(&machine), "enabled");
    let defaults = machine.read("/usr/lib/eni-bootstrap/50-defaults.toml").unwrap();
    assert!(defaults.ends_with(LATER_DEFAULTS), "{defaults}");
    machine.power_off();

    let machine = fixture.boot_configured();
    assert_eq!(machine.read("/etc/eni-bootstrap/90-site.toml").unwrap(), SETTINGS);
    assert!(machine.path(DROP_IN).exists());
    run_without_restart(&machine, &format.remove_command());
    assert!(!machine.path(DROP_IN).exists());
    assert!(!machine.path("/run/eni-bootstrap").exists());
    assert_eq!(machine.property("eni-bootstrap", "LoadState"), "not-found");
    let required = machine.property("nodeadm-run", "Requires");
    assert!(!required.contains("eni-bootstrap"), "{required}");
    machine.power_off();

    let (machine, kubelet) = fixture.boot();
    machine.order().assert_never_started("eni-bootstrap.service");
    assert_eq!(kubelet.effective(), EffectiveKubelet::unconfigured());
    machine.stdout_of(&words(&format.purge_command()));
    let [added, removed] = difference(&before, &file_list(|command| machine.run(command)));
    let kept =
        ["d 755 root:root /etc/eni-bootstrap", "f 644 root:root /etc/eni-bootstrap/90-site.toml"];
    assert_eq!((added, removed), (kept.map(str::to_owned).into(), Vec::new()));
    machine.power_off();
}

/// The ENIConfig is missing, so that `run` waits and holds its lock.
#[test]
fn package_is_removed_during_an_attempt() {
    let format = PackageFormat::Deb;
    let Some(node) = Node::without_agent("packages_attempt", Al2023) else { return };
    let Some(()) = format.copy_to(&node) else { return };
    let Some(fixture) = Fixture::with_node(node, Al2023) else { return };
    let (machine, _) = fixture.boot();
    run_without_restart(&machine, &format.install_command(VERSION));
    machine.stdout_of(&["systemctl", "enable", "eni-bootstrap"]);
    machine.power_off();

    let machine = fixture.node.boot();
    machine.wait_for_console("wait: ENIConfig us-west-2a not found; retrying");
    machine.stdout_of(&words(&format.remove_command()));
    assert!(!machine.path(DROP_IN).exists());
    assert_eq!(machine.property("eni-bootstrap", "LoadState"), "not-found");
    assert_eq!(machine.property("eni-bootstrap-retry", "ActiveState"), "inactive");
    machine.power_off();
}

#[test]
fn deb_is_installed_upgraded_and_removed() {
    check_lifecycle(PackageFormat::Deb);
}

#[test]
fn rpm_is_installed_upgraded_and_removed() {
    check_lifecycle(PackageFormat::Rpm);
}
