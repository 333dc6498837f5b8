//! On an image that is being baked in a chroot: there is no systemd to talk to, and what is left after a
//! removal is what was there before.

use super::package::{Form, LATER, LATER_DEFAULTS, VERSION, succeeds};
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::node::DROP_IN;
use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

/// The links by which the unit is enabled.
const LINKS: [&str; 3] = [
    "/etc/systemd/system/kubelet.service.requires/eni-bootstrap.service",
    "/etc/systemd/system/nodeadm-run.service.requires/eni-bootstrap.service",
    "/etc/systemd/system/snap.kubelet-eks.daemon.service.requires/eni-bootstrap.service",
];
/// A file of ours as a run leaves it.
const WRITTEN: &str =
    "# Written by eni-bootstrap before the kubelet starts, and again at every boot.\n";
/// What the package managers themselves, and each boot, leave; and what the tests have brought.
const OTHERS: &str =
    "/(dev|proc|sys|run|tmp|root|var/(log|cache|tmp|lib/(dpkg|rpm|systemd|private)))(/.*)?";

/// Kind, mode, owner, place and, of a link, target of every file there is.
pub fn everything(run: impl Fn(&[&str]) -> Output) -> BTreeSet<String> {
    let format = "%y %m %u:%g %p %l\\n";
    let find = [
        "find",
        "/",
        "-xdev",
        "-regextype",
        "posix-extended",
        "-regex",
        OTHERS,
        "-prune",
        "-o",
        "-printf",
        format,
    ];
    succeeds(&run(&find)).lines().map(|line| line.trim_end().to_owned()).collect()
}

/// As an argument list.
pub fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

/// What there is now and was not before, and what was there before and is not.
pub fn difference(before: &BTreeSet<String>, after: &BTreeSet<String>) -> [Vec<String>; 2] {
    [after.difference(before).cloned().collect(), before.difference(after).cloned().collect()]
}

fn from_install_to_purge(form: Form) {
    let name = format!("packages_offline_{}", form.name());
    let Some(node) = Node::without_us(&name, Al2023) else { return };
    let Some(()) = form.bring(&node) else { return };
    let run = |command: &[&str]| node.chroot(command);
    let before = everything(run);

    let installed = succeeds(&run(&words(&form.install(VERSION))));
    let hint =
        "not enabled: `systemctl enable eni-bootstrap` lets the next boot's kubelet wait for it\n";
    assert!(installed.ends_with(hint), "{installed}");
    let verify = match form {
        Form::Deb => ["dpkg", "--verify", "eni-bootstrap"],
        Form::Rpm => ["rpm", "--verify", "eni-bootstrap"],
    };
    assert_eq!(succeeds(&run(&verify)), "", "every file is as the package says");
    for link in LINKS {
        assert!(!node.path(link).is_symlink(), "{link}");
    }
    assert_eq!(
        succeeds(&run(&[
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
    // As a run has left it on the machine that the image is made from.
    node.write(DROP_IN, WRITTEN);

    let upgraded = succeeds(&run(&words(&form.install(LATER))));
    assert!(!upgraded.contains("not enabled"), "{upgraded}");
    assert_eq!(LINKS.map(|link| node.path(link).is_symlink()), [true; 3]);
    let defaults = fs::read_to_string(node.path("usr/lib/eni-bootstrap/50-defaults.toml")).unwrap();
    assert!(defaults.ends_with(LATER_DEFAULTS), "{defaults}");

    let removed = run(&words(&form.remove()));
    succeeds(&removed);
    succeeds(&run(&words(&form.purge())));
    assert_eq!(difference(&before, &everything(run)), [Vec::<String>::new(), Vec::new()]);
    let said = String::from_utf8_lossy(&removed.stderr);
    let line = format!("apply: /{DROP_IN} removed");
    assert!(said.lines().any(|said| said == line), "{said}");
}

#[test]
fn a_deb_leaves_nothing_behind() {
    from_install_to_purge(Form::Deb);
}

#[test]
fn an_rpm_leaves_nothing_behind() {
    from_install_to_purge(Form::Rpm);
}
