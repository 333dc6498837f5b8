//! Files of other programs that conflict with the installation or the removal of a package.

use crate::support::boot::node::{Family::Al2023, INSTALL, Node};
use crate::support::node::DROP_IN;
use crate::support::packages::{PackageFormat, VERSION, stdout_of_success, words};
use crate::support::real_parts::static_binary;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

const PROGRAM: &str = "usr/bin/eni-bootstrap";
const UNIT: &str = "etc/systemd/system/eni-bootstrap.service";
const CALCULATOR: &str = "usr/bin/max-pods-calculator.sh";
const ANOTHER_PROGRAM: &str = "#!/bin/sh\necho another program\n";

/// Prepares a node without eni-bootstrap, and copies the packages to it.
fn node(case: &str, format: PackageFormat) -> Option<Node> {
    let node = Node::without_agent(&format!("packages_{case}_{}", format.name()), Al2023)?;
    format.copy_to(&node)?;
    Some(node)
}

fn write_another_program(node: &Node, path: &str) {
    node.write(path, ANOTHER_PROGRAM);
    fs::set_permissions(node.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

fn install(node: &Node, format: PackageFormat) -> Output {
    node.chroot(&words(&format.install_command(VERSION)))
}

fn remove(node: &Node, format: PackageFormat) -> Output {
    node.chroot(&words(&format.remove_command()))
}

/// Returns whether the package manager lists the package as installed.
fn is_installed(node: &Node, format: PackageFormat) -> bool {
    match format {
        PackageFormat::Deb => {
            let query = node.chroot(&[
                "dpkg-query",
                "--show",
                "--showformat=${db:Status-Status}",
                "eni-bootstrap",
            ]);
            query.stdout == b"installed"
        }
        PackageFormat::Rpm => node.chroot(&["rpm", "--query", "eni-bootstrap"]).status.success(),
    }
}

/// Asserts that the command failed and that its stderr contains `error`.
fn assert_failed(output: &Output, error: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(error), "{stderr}");
}

/// Asserts that the installation fails with `error` and leaves no files.
fn assert_rejected(node: &Node, format: PackageFormat, error: &str) {
    assert_failed(&install(node, format), error);
    assert!(!is_installed(node, format));
    for path in
        ["usr/lib/eni-bootstrap", "usr/share/eni-bootstrap", "etc/eni-bootstrap", CALCULATOR]
    {
        assert!(!node.path(path).exists(), "{path}");
    }
}

fn another_program(format: PackageFormat) {
    let Some(node) = node("program", format) else { return };
    write_another_program(&node, PROGRAM);
    let error = "error: failed to install eni-bootstrap
  caused by: /usr/bin/eni-bootstrap is another program: `/usr/bin/eni-bootstrap --version` does not print \"eni-bootstrap\"
  help: rename or remove /usr/bin/eni-bootstrap, then install the package again
";
    assert_rejected(&node, format, error);
    assert_eq!(fs::read_to_string(node.path(PROGRAM)).unwrap(), ANOTHER_PROGRAM);
    // Follow the help of the error.
    fs::rename(node.path(PROGRAM), node.path("usr/bin/eni-bootstrap.old")).unwrap();
    stdout_of_success(&install(&node, format));
}

fn another_unit(format: PackageFormat) {
    let Some(node) = node("unit", format) else { return };
    let unit = "[Service]\nType=oneshot\nExecStart=/usr/local/bin/eni-bootstrap.sh\n";
    node.write(UNIT, unit);
    let error = "error: failed to install eni-bootstrap
  caused by: /etc/systemd/system/eni-bootstrap.service is another unit: it does not run `/usr/bin/eni-bootstrap run`
  help: run `systemctl disable eni-bootstrap`, rename or remove /etc/systemd/system/eni-bootstrap.service, then install the package again
";
    assert_rejected(&node, format, error);
    assert_eq!(fs::read_to_string(node.path(UNIT)).unwrap(), unit);
    assert!(!node.path(PROGRAM).exists());
}

fn another_calculator(format: PackageFormat) {
    let Some(node) = node("calculator", format) else { return };
    write_another_program(&node, CALCULATOR);
    let assert_unchanged =
        || assert_eq!(fs::read_to_string(node.path(CALCULATOR)).unwrap(), ANOTHER_PROGRAM);
    stdout_of_success(&install(&node, format));
    assert_unchanged();
    stdout_of_success(&remove(&node, format));
    assert_unchanged();
}

/// The package replaces an installation by `ami/install.sh --enable`. The unit stays enabled, and the
/// removal removes all files.
fn installed_by_script(format: PackageFormat) {
    let (Some(node), Some(binary)) = (node("by_hand", format), static_binary()) else { return };
    let disk = node.path("");
    let mut script = Command::new(INSTALL);
    stdout_of_success(&script.arg("--enable").arg(binary).env("DESTDIR", &disk).output().unwrap());
    node.write("etc/eni-bootstrap/90-site.toml", "[pods]\npolicy = \"lower\"\n");
    let stdout = stdout_of_success(&install(&node, format));
    assert!(!stdout.contains("not enabled"), "{stdout}");
    assert!(is_installed(&node, format));
    let link = "etc/systemd/system/kubelet.service.requires/eni-bootstrap.service";
    assert!(node.path(link).is_symlink());
    stdout_of_success(&remove(&node, format));
    assert!(!node.path(link).is_symlink());
    assert!(!node.path(PROGRAM).exists());
    assert!(node.path("etc/eni-bootstrap/90-site.toml").exists());
}

/// If `undo` fails, the removal fails and removes nothing. After the program is deleted, it succeeds.
fn failing_undo(format: PackageFormat) {
    let Some(node) = node("undo", format) else { return };
    stdout_of_success(&install(&node, format));
    node.systemctl(&["enable", "eni-bootstrap.service"]);
    node.write(DROP_IN, "---\n# another program's\n");
    let error = "error: failed to remove the configuration
  caused by: /etc/eks/nodeadm.d/90-eni-bootstrap.yaml was not written by eni-bootstrap
";
    let removed = remove(&node, format);
    assert_failed(&removed, error);
    let by_hand = "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml, /etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf, zz-eni-bootstrap.conf in the --config-dir of the kubelet, the marked block in /etc/default/kubelet or /etc/sysconfig/kubelet, and the kubelet arguments of the kubelet-eks snap";
    assert_failed(
        &removed,
        &format!(
            "error: failed to remove eni-bootstrap
  caused by: `eni-bootstrap undo` failed; see the error above
  help: fix the error above, then remove the package again; or remove this configuration by hand: {by_hand}; then delete /usr/bin/eni-bootstrap and remove the package again
"
        ),
    );
    assert!(is_installed(&node, format));
    let link = "etc/systemd/system/kubelet.service.requires/eni-bootstrap.service";
    assert!(node.path(link).is_symlink());
    assert!(node.path(PROGRAM).exists());

    stdout_of_success(&node.chroot(&["rm", "/usr/bin/eni-bootstrap"]));
    let removed = remove(&node, format);
    stdout_of_success(&removed);
    let warning = format!(
        "warning: /usr/bin/eni-bootstrap does not exist, so `eni-bootstrap undo` did not run; if eni-bootstrap has configured this node, remove this configuration by hand: {by_hand}\n"
    );
    let stderr = String::from_utf8_lossy(&removed.stderr);
    assert!(stderr.contains(&warning), "{stderr}");
    assert!(!is_installed(&node, format));
    assert!(!node.path(link).is_symlink());
    assert_eq!(fs::read_to_string(node.path(DROP_IN)).unwrap(), "---\n# another program's\n");
}

/// Defines the tests of a case for the deb and for the rpm.
macro_rules! test_both {
    ($($case:ident: $deb:ident, $rpm:ident;)*) => {$(
        #[test]
        fn $deb() {
            $case(PackageFormat::Deb);
        }

        #[test]
        fn $rpm() {
            $case(PackageFormat::Rpm);
        }
    )*};
}

test_both! {
    another_program: deb_installation_rejects_another_program, rpm_installation_rejects_another_program;
    another_unit: deb_installation_rejects_another_unit, rpm_installation_rejects_another_unit;
    another_calculator: deb_keeps_another_calculator, rpm_keeps_another_calculator;
    installed_by_script: deb_replaces_an_installation_by_script, rpm_replaces_an_installation_by_script;
    failing_undo: deb_removal_fails_if_undo_fails, rpm_removal_fails_if_undo_fails;
}
