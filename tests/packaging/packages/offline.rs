//! Installation, upgrade and removal in a chroot, as in an image build without a running systemd. After
//! the purge no files are left.

use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::file_list::{difference, file_list};
use crate::support::node::DROP_IN;
use crate::support::packages::{
    LATER, LATER_DEFAULTS, PackageFormat, VERSION, stdout_of_success, words,
};
use std::fs;

/// The symlinks that enable the unit.
const LINKS: [&str; 3] = [
    "/etc/systemd/system/kubelet.service.requires/eni-bootstrap.service",
    "/etc/systemd/system/nodeadm-run.service.requires/eni-bootstrap.service",
    "/etc/systemd/system/snap.kubelet-eks.daemon.service.requires/eni-bootstrap.service",
];
/// The contents of a file that a run has written.
const WRITTEN: &str =
    "# eni-bootstrap writes this file at every boot, before the kubelet starts.\n";

fn check_offline_lifecycle(format: PackageFormat) {
    let name = format!("packages_offline_{}", format.name());
    let Some(node) = Node::without_agent(&name, Al2023) else { return };
    let Some(()) = format.copy_to(&node) else { return };
    let run = |command: &[&str]| node.chroot(command);
    let before = file_list(run);

    let installed = stdout_of_success(&run(&words(&format.install_command(VERSION))));
    let hint = "not enabled: run `systemctl enable eni-bootstrap` to run eni-bootstrap before the kubelet at every boot\n";
    assert!(installed.ends_with(hint), "{installed}");
    let verify = match format {
        PackageFormat::Deb => ["dpkg", "--verify", "eni-bootstrap"],
        PackageFormat::Rpm => ["rpm", "--verify", "eni-bootstrap"],
    };
    assert_eq!(stdout_of_success(&run(&verify)), "", "files differ from the package");
    for link in LINKS {
        assert!(!node.path(link).is_symlink(), "{link}");
    }
    assert_eq!(
        stdout_of_success(&run(&[
            "max-pods-calculator.sh",
            "--instance-type",
            "c3.large",
            "--cni-custom-networking-enabled"
        ])),
        "20\n"
    );
    node.systemctl(&["enable", "eni-bootstrap.service"]);
    let enabled = LINKS.map(|link| node.path(link).is_symlink());
    assert_eq!(enabled, [true; 3]);
    // The build instance has run eni-bootstrap.
    node.write(DROP_IN, WRITTEN);

    let upgraded = stdout_of_success(&run(&words(&format.install_command(LATER))));
    assert!(!upgraded.contains("not enabled"), "{upgraded}");
    assert_eq!(LINKS.map(|link| node.path(link).is_symlink()), [true; 3]);
    let defaults = fs::read_to_string(node.path("usr/lib/eni-bootstrap/50-defaults.toml")).unwrap();
    assert!(defaults.ends_with(LATER_DEFAULTS), "{defaults}");

    let removed = run(&words(&format.remove_command()));
    stdout_of_success(&removed);
    stdout_of_success(&run(&words(&format.purge_command())));
    assert_eq!(difference(&before, &file_list(run)), [Vec::<String>::new(), Vec::new()]);
    let log = String::from_utf8_lossy(&removed.stderr);
    let removal = format!("apply: /{DROP_IN} removed");
    assert!(log.lines().any(|line| line == removal), "{log}");
}

#[test]
fn purged_deb_leaves_no_files() {
    check_offline_lifecycle(PackageFormat::Deb);
}

#[test]
fn removed_rpm_leaves_no_files() {
    check_offline_lifecycle(PackageFormat::Rpm);
}
