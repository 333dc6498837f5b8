//! What is in a package's way and not ours, and what is in the way of its removal.

use super::offline::words;
use super::package::{Form, VERSION, succeeds};
use crate::support::boot::node::{Family::Al2023, INSTALL, Node};
use crate::support::node::DROP_IN;
use crate::support::real_parts::static_binary;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

const PROGRAM: &str = "usr/bin/eni-bootstrap";
const UNIT: &str = "etc/systemd/system/eni-bootstrap.service";
const CALCULATOR: &str = "usr/bin/max-pods-calculator.sh";
const ANOTHERS: &str = "#!/bin/sh\necho another program\n";

/// A node's disk with the packages on it.
fn node(case: &str, form: Form) -> Option<Node> {
    let node = Node::without_us(&format!("packages_{case}_{}", form.name()), Al2023)?;
    form.bring(&node)?;
    Some(node)
}

fn program_of_anothers(node: &Node, path: &str) {
    node.write(path, ANOTHERS);
    fs::set_permissions(node.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

fn install(node: &Node, form: Form) -> Output {
    node.chroot(&words(&form.install(VERSION)))
}

fn remove(node: &Node, form: Form) -> Output {
    node.chroot(&words(&form.remove()))
}

/// Whether the package manager takes it for installed.
fn is_installed(node: &Node, form: Form) -> bool {
    match form {
        Form::Deb => {
            let asked = node.chroot(&[
                "dpkg-query",
                "--show",
                "--showformat=${db:Status-Status}",
                "eni-bootstrap",
            ]);
            asked.stdout == b"installed"
        }
        Form::Rpm => node.chroot(&["rpm", "--query", "eni-bootstrap"]).status.success(),
    }
}

/// It has failed, and said `error`, whole.
fn fails_with(output: &Output, error: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(error), "{said}");
}

/// Refused, and nothing of it is there.
fn refuses(node: &Node, form: Form, error: &str) {
    fails_with(&install(node, form), error);
    assert!(!is_installed(node, form));
    for path in
        ["usr/lib/eni-bootstrap", "usr/share/eni-bootstrap", "etc/eni-bootstrap", CALCULATOR]
    {
        assert!(!node.path(path).exists(), "{path}");
    }
}

fn another_program(form: Form) {
    let Some(node) = node("program", form) else { return };
    program_of_anothers(&node, PROGRAM);
    let error = "error: eni-bootstrap was not installed
  because: /usr/bin/eni-bootstrap is there already and is another program: `/usr/bin/eni-bootstrap --version` does not say eni-bootstrap
  help: move it to another name or remove it, and install the package again
";
    refuses(&node, form, error);
    assert_eq!(fs::read_to_string(node.path(PROGRAM)).unwrap(), ANOTHERS);
    // What it says to do.
    fs::rename(node.path(PROGRAM), node.path("usr/bin/eni-bootstrap.old")).unwrap();
    succeeds(&install(&node, form));
}

fn another_unit(form: Form) {
    let Some(node) = node("unit", form) else { return };
    let unit = "[Service]\nType=oneshot\nExecStart=/usr/local/bin/eni-bootstrap.sh\n";
    node.write(UNIT, unit);
    let error = "error: eni-bootstrap was not installed
  because: /etc/systemd/system/eni-bootstrap.service is there already and is another unit: it does not run `/usr/bin/eni-bootstrap run`
  help: disable it, move it to another name or remove it, and install the package again
";
    refuses(&node, form, error);
    assert_eq!(fs::read_to_string(node.path(UNIT)).unwrap(), unit);
    assert!(!node.path(PROGRAM).exists());
}

fn another_calculator(form: Form) {
    let Some(node) = node("calculator", form) else { return };
    program_of_anothers(&node, CALCULATOR);
    let same = || assert_eq!(fs::read_to_string(node.path(CALCULATOR)).unwrap(), ANOTHERS);
    succeeds(&install(&node, form));
    same();
    succeeds(&remove(&node, form));
    same();
}

/// What `ami/install.sh --enable` has left is taken over: it stays enabled, and is removed as ours.
fn by_hand(form: Form) {
    let (Some(node), Some(binary)) = (node("by_hand", form), static_binary()) else { return };
    let disk = node.path("");
    let mut by_hand = Command::new(INSTALL);
    succeeds(&by_hand.arg("--enable").arg(binary).env("DESTDIR", &disk).output().unwrap());
    node.write("etc/eni-bootstrap/90-site.toml", "[pods]\npolicy = \"lower\"\n");
    let said = succeeds(&install(&node, form));
    assert!(!said.contains("not enabled"), "{said}");
    assert!(is_installed(&node, form));
    let link = "etc/systemd/system/kubelet.service.requires/eni-bootstrap.service";
    assert!(node.path(link).is_symlink());
    succeeds(&remove(&node, form));
    assert!(!node.path(link).is_symlink());
    assert!(!node.path(PROGRAM).exists());
    assert!(node.path("etc/eni-bootstrap/90-site.toml").exists());
}

/// A removal that would leave what it cannot take away is none; with the program deleted it goes on.
fn undo_that_fails(form: Form) {
    let Some(node) = node("undo", form) else { return };
    succeeds(&install(&node, form));
    node.systemctl(&["enable", "eni-bootstrap.service"]);
    node.write(DROP_IN, "---\n# another program's\n");
    let error = "error: failed to configure the node
  caused by: /etc/eks/nodeadm.d/90-eni-bootstrap.yaml was not written by eni-bootstrap
";
    let removed = remove(&node, form);
    fails_with(&removed, error);
    let by_hand = "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml, /etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf, the marked block in /etc/default/kubelet or /etc/sysconfig/kubelet, and the kubelet's arguments in its snap";
    fails_with(
        &removed,
        &format!(
            "error: eni-bootstrap was not removed
  because: `eni-bootstrap undo`, which takes away what it wrote on this node, failed; it says why above
  help: do what it says, and remove the package again; or remove by hand {by_hand}, then delete /usr/bin/eni-bootstrap, and remove the package again
"
        ),
    );
    assert!(is_installed(&node, form));
    let link = "etc/systemd/system/kubelet.service.requires/eni-bootstrap.service";
    assert!(node.path(link).is_symlink());
    assert!(node.path(PROGRAM).exists());

    succeeds(&node.chroot(&["rm", "/usr/bin/eni-bootstrap"]));
    let removed = remove(&node, form);
    succeeds(&removed);
    let warning = format!(
        "warning: /usr/bin/eni-bootstrap is gone, so `eni-bootstrap undo` was not run; if it has written to this node, remove by hand {by_hand}\n"
    );
    let said = String::from_utf8_lossy(&removed.stderr);
    assert!(said.contains(&warning), "{said}");
    assert!(!is_installed(&node, form));
    assert!(!node.path(link).is_symlink());
    assert_eq!(fs::read_to_string(node.path(DROP_IN)).unwrap(), "---\n# another program's\n");
}

/// Each for the deb and the rpm.
macro_rules! both {
    ($($case:ident: $deb:ident, $rpm:ident;)*) => {$(
        #[test]
        fn $deb() {
            $case(Form::Deb);
        }

        #[test]
        fn $rpm() {
            $case(Form::Rpm);
        }
    )*};
}

both! {
    another_program: a_deb_refuses_over_another_program, an_rpm_refuses_over_another_program;
    another_unit: a_deb_refuses_over_another_unit, an_rpm_refuses_over_another_unit;
    another_calculator: a_deb_leaves_another_calculator_alone, an_rpm_leaves_another_calculator_alone;
    by_hand: a_deb_takes_over_what_was_installed_by_hand, an_rpm_takes_over_what_was_installed_by_hand;
    undo_that_fails: a_deb_is_not_removed_where_undo_fails, an_rpm_is_not_removed_where_undo_fails;
}
