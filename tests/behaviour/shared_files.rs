//! Files that eni-bootstrap shares with other programs: their bytes, their symbolic links, and temporary
//! files of a run that was killed.

use super::hosts::kubeadm;
use crate::support::node::{DROP_IN, Node, error, in_cluster, ready_api};
use crate::support::real_parts::{require_root, tmpfs};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

const FILE: &str = "etc/default/kubelet";

fn write(node: &Node, path: &str, contents: &[u8]) {
    let path = node.file(path, "");
    fs::File::create(path).unwrap().write_all(contents).unwrap();
}

fn read(node: &Node, path: &str) -> Vec<u8> {
    fs::read(node.root().join(path)).unwrap()
}

/// ISO 8859-1, an unfinished sequence, and characters of the private use area.
#[test]
fn bytes_that_are_not_utf_8_are_kept_in_a_shared_file() {
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    let existing =
        b"# Gr\xfc\xdfe \xe2\x82 \xef\x9f\xbc \xef\x9e\x80\nKUBELET_EXTRA_ARGS=\"--x=y\"\n"
            .to_vec();
    write(&node, FILE, &existing);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let written = read(&node, FILE);
    assert_eq!(written[..existing.len()], existing[..]);
    let line = b"\nKUBELET_EXTRA_ARGS=\"--x=y --max-pods=20 ";
    assert!(written.windows(line.len()).any(|window| window == line));
    let again = node.run(["run"]);
    assert!(again.stderr.contains("apply: /etc/default/kubelet unchanged\n"), "{}", again.stderr);
    assert_eq!(read(&node, FILE), written);
    assert_eq!(node.run(["plan", "--output", "diff"]).stdout, "");
    assert_eq!(node.run(["undo"]).status, Some(0));
    assert_eq!(read(&node, FILE), existing);
}

/// systemd ignores an environment file with such a value, and the kubelet would start without the arguments.
#[test]
fn a_value_that_is_not_utf_8_is_an_error() {
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    let existing = b"KUBELET_EXTRA_ARGS=\"--x=\xfc\"\n";
    write(&node, FILE, existing);
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            "error: /etc/default/kubelet has an open quote, a backslash at the end of a comment or of the last line, or a value that is not UTF-8\n  help: close all quotes in /etc/default/kubelet, remove a backslash at the end of a comment or of the last line, and save the file as UTF-8\n"
        )
    );
    assert_eq!(read(&node, FILE), existing);
}

#[test]
fn a_symbolic_link_to_a_shared_file_is_kept() {
    let api = ready_api();
    for (link, target) in [
        ("etc/default/kubelet", "../site/kubelet"),
        // As in a chroot: below the root directory.
        ("etc/default/kubelet", "/etc/site/kubelet"),
        ("etc/default/kubelet", "/../../etc/./default/../site/kubelet"),
        ("etc/default", "/etc/site"),
    ] {
        let (node, _imds) = kubeadm(&api);
        let real = node.file("etc/site/kubelet", "# by the site\n");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let link = node.root().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, &link).unwrap();
        let output = node.run(["run"]);
        assert_eq!(output.status, Some(0), "{target}: {}", output.stderr);
        assert_eq!(fs::read_link(&link).unwrap(), Path::new(target));
        let written = node.read("etc/site/kubelet").unwrap();
        assert!(written.starts_with("# by the site\n# BEGIN eni-bootstrap."), "{written}");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(node.run(["run"]).stderr.contains("apply: /etc/default/kubelet unchanged\n"));
        assert_eq!(node.run(["undo"]).status, Some(0));
        assert_eq!(node.read("etc/site/kubelet").as_deref(), Some("# by the site\n"));
        assert_eq!(fs::read_link(&link).unwrap(), Path::new(target));
    }
}

/// As with `ProtectSystem=strict` in the unit, which makes `/opt` read-only.
#[test]
fn a_symbolic_link_to_a_file_on_a_read_only_file_system_is_replaced_with_a_warning() {
    let api = ready_api();
    for (name, text) in [("kubelet.env", "# by the site\n"), ("missing.env", "")] {
        let (node, _imds) = kubeadm(&api);
        let folder = node.root().join("opt/site");
        fs::create_dir_all(&folder).unwrap();
        let site = [("kubelet.env", "# by the site\n")];
        let Some(_mounted) = tmpfs(&folder, "ro", &site) else { return };
        let link = node.root().join(FILE);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(format!("/opt/site/{name}"), &link).unwrap();
        let output = node.run(["run"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let warning = format!(
            "warning: apply: failed to write {folder}/{name}, the target of the link {link}: Read-only file system (os error 30); replacing the link with a file; to keep the link, add ReadWritePaths={folder} to a drop-in of eni-bootstrap.service and create the link again\n",
            folder = folder.display(),
            link = link.display(),
        );
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
        assert_eq!(fs::metadata(&link).unwrap().permissions().mode() & 0o7777, 0o644);
        let written = node.read(FILE).unwrap();
        assert!(written.starts_with(&format!("{text}# BEGIN eni-bootstrap.")), "{written}");
        assert_eq!(fs::read_dir(link.parent().unwrap()).unwrap().count(), 1, "no temporary file");
        let again = node.run(["run"]);
        assert!(again.stderr.contains("apply: /etc/default/kubelet unchanged\n"), "{again:?}");
        assert!(!again.stderr.contains("warning: apply"), "{}", again.stderr);
    }
}

/// Such as a link to `/dev/null`, with which an operator masks a file.
#[test]
fn a_symbolic_link_to_anything_but_a_file_is_an_error() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let link = node.root().join(DROP_IN);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    fs::create_dir_all(node.root().join("dev/null")).unwrap();
    symlink("/dev/null", &link).unwrap();
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            format!(
                "error: failed to detect the image family of this node\n  caused by: {0} is a directory, not a regular file\n  help: remove {0}, or replace it with the correct file; check which program created it\n",
                link.display()
            )
            .as_str()
        )
    );
    fs::remove_dir(node.root().join("dev/null")).unwrap();
    let null = node.root().join("dev/null");
    let Some(()) = require_root() else { return };
    assert!(Command::new("mknod").arg(&null).args(["c", "1", "3"]).status().unwrap().success());
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(73),
            format!(
                "error: failed to configure the node\n  caused by: {} is a symbolic link to {}, which is not a regular file\n  help: remove the link, or replace it with a file\n",
                link.display(),
                null.display()
            )
            .as_str()
        )
    );
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("/dev/null"));
}

#[test]
fn symbolic_links_in_a_circle_are_an_error() {
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    let link = node.root().join(FILE);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink("kubelet", &link).unwrap();
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            format!(
                "error: failed to detect the image family of this node\n  caused by: failed to read {}\n  caused by: Too many levels of symbolic links (os error 40)\n  help: run eni-bootstrap as root on the node\n",
                link.display()
            )
            .as_str()
        )
    );
}

#[test]
fn undo_removes_the_drafts_of_a_killed_run() {
    let api = ready_api();
    let (node, _imds) = kubeadm(&api);
    fs::create_dir_all(node.root().join("etc")).unwrap();
    symlink("site", node.root().join("etc/default")).unwrap();
    let drafts = [
        "etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial",
        "etc/systemd/system/kubelet.service.d/.zz-eni-bootstrap.conf.eni-bootstrap-partial",
        "run/eni-bootstrap/.kubelet.env.eni-bootstrap-partial",
        "etc/site/.kubelet.eni-bootstrap-partial",
        "etc/sysconfig/.kubelet.eni-bootstrap-partial",
    ];
    for draft in drafts {
        node.file(draft, "half of a fi");
    }
    let undo = node.run(["undo"]);
    assert_eq!(undo.status, Some(0), "{}", undo.stderr);
    assert_eq!(node.written(), Vec::<String>::new());
    for draft in drafts {
        let line = format!("apply: /{draft} removed\n");
        assert!(undo.stderr.contains(&line), "{line} in {}", undo.stderr);
    }
    assert!(!node.run(["undo"]).stderr.contains("partial"), "a second undo");
}
