//! The life of a package on a node that is up: install, enable, boot, upgrade, boot, remove, boot.

use super::offline::{difference, everything, words};
use super::package::{Form, LATER, LATER_DEFAULTS, VERSION};
use crate::boot::al2023::{ours, the_images};
use crate::support::boot::Site;
use crate::support::boot::kubelet::Kubelet;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::node::DROP_IN;

/// What a user has written, and keeps.
const SETTINGS: &str = "[eni-config]\nwait = \"5m\"\n";

/// What a restart of either unit would change.
fn runs(machine: &Machine) -> [String; 4] {
    let kubelet = machine.property("kubelet", "MainPID");
    assert_ne!(kubelet, "0");
    let ours = |name| machine.property("eni-bootstrap", name);
    [kubelet, ours("InvocationID"), ours("ActiveState"), machine.property("kubelet", "ActiveState")]
}

/// Does what a person does with the package manager, of which no unit that runs may notice anything.
fn quietly(machine: &Machine, command: &[String]) -> String {
    let before = runs(machine);
    let said = machine.says(&words(command));
    assert_eq!(runs(machine), before, "{said}");
    assert_eq!(machine.property("eni-bootstrap", "NeedDaemonReload"), "no", "systemd knows of it");
    said
}

fn boot(site: &Site) -> (Machine, Kubelet) {
    let machine = site.node.boot();
    machine.booted();
    let kubelet = Kubelet::started(&machine);
    (machine, kubelet)
}

fn is_enabled(machine: &Machine) -> String {
    let output = machine.run(&["systemctl", "is-enabled", "eni-bootstrap"]);
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Ours is in force, and done before nodeadm's turn.
pub fn boots_with_us(site: &Site) -> Machine {
    let (machine, kubelet) = boot(site);
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(kubelet.in_force(), ours());
    machine
}

fn life(form: Form) {
    let name = format!("packages_{}", form.name());
    let Some(node) = Node::without_us(&name, Al2023) else { return };
    let Some(()) = form.bring(&node) else { return };
    let Some(site) = Site::of(node, Al2023) else { return };
    site.create_eni_config();

    // The image's own boot, and on the running node the installation.
    let (machine, kubelet) = boot(&site);
    assert_eq!(kubelet.in_force(), the_images());
    let before = everything(|command| machine.run(command));
    quietly(&machine, &form.install(VERSION));
    assert_eq!(is_enabled(&machine), "disabled");
    assert_eq!(machine.property("eni-bootstrap", "ActiveState"), "inactive");
    let write = format!("printf '{SETTINGS}' >/etc/eni-bootstrap/90-site.toml");
    machine.says(&["sh", "-euc", &write]);
    machine.says(&["systemctl", "enable", "eni-bootstrap"]);
    machine.power_off();

    let machine = boots_with_us(&site);
    assert!(machine.property("nodeadm-run", "Requires").contains("eni-bootstrap.service"));
    quietly(&machine, &form.install(LATER));
    assert_eq!(is_enabled(&machine), "enabled");
    let defaults = machine.read("/usr/lib/eni-bootstrap/50-defaults.toml").unwrap();
    assert!(defaults.ends_with(LATER_DEFAULTS), "{defaults}");
    machine.power_off();

    let machine = boots_with_us(&site);
    assert_eq!(machine.read("/etc/eni-bootstrap/90-site.toml").unwrap(), SETTINGS);
    assert!(machine.path(DROP_IN).exists());
    quietly(&machine, &form.remove());
    assert!(!machine.path(DROP_IN).exists());
    assert!(!machine.path("/run/eni-bootstrap").exists());
    assert_eq!(machine.property("eni-bootstrap", "LoadState"), "not-found");
    let required = machine.property("nodeadm-run", "Requires");
    assert!(!required.contains("eni-bootstrap"), "{required}");
    machine.power_off();

    let (machine, kubelet) = boot(&site);
    machine.order().never_started("eni-bootstrap.service");
    assert_eq!(kubelet.in_force(), the_images());
    machine.says(&words(&form.purge()));
    let [more, less] = difference(&before, &everything(|command| machine.run(command)));
    let kept =
        ["d 755 root:root /etc/eni-bootstrap", "f 644 root:root /etc/eni-bootstrap/90-site.toml"];
    assert_eq!((more, less), (kept.map(str::to_owned).into(), Vec::new()));
    machine.power_off();
}

#[test]
fn a_deb_is_installed_upgraded_and_removed() {
    life(Form::Deb);
}

#[test]
fn an_rpm_is_installed_upgraded_and_removed() {
    life(Form::Rpm);
}
