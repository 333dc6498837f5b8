//! Files that cannot be written, and two runs at once: the old file stays whole.

use crate::support::node::{DROP_IN, error, in_cluster, ready_api};
use eni_bootstrap_sandbox::KubernetesApi;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// A file of ours, from the boot before.
const OLD: &str =
    "# Written by eni-bootstrap before the kubelet starts, and again at every boot.\nold\n";

#[test]
fn a_target_that_cannot_be_written_is_73_and_the_old_file_is_whole() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    node.file(DROP_IN, OLD);
    // A folder in the draft's place: root may write where others may not, but not this.
    let draft = node.root().join("etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial");
    fs::create_dir(&draft).unwrap();
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(73),
            format!(
                "error: failed to configure the node\n  caused by: could not write {}\n  caused by: Is a directory (os error 21)\n  help: run it as root on a writable file system with room left; the old file, if any, is whole\n",
                node.root().join(DROP_IN).display()
            )
            .as_str()
        )
    );
    assert_eq!(node.read(DROP_IN).as_deref(), Some(OLD));
}

/// What such a directory holds would be missed, and a figure in it beaten or obeyed unseen.
#[test]
fn a_directory_of_drop_ins_that_cannot_be_read_is_65_and_nothing_is_written() {
    let api = ready_api();
    // A file in the directory's place: root may read any directory, but not this.
    for directory in [
        "etc/systemd/system/kubelet.service.d",
        "etc/kubernetes/kubelet/config.json.d",
        "etc/eks/nodeadm.d",
    ] {
        let (node, _imds) = in_cluster(&api);
        let path = node.file(directory, "");
        let ended = node.run(["run"]);
        assert_eq!(
            (ended.status, error(&ended)),
            (
                Some(65),
                format!(
                    "error: failed to inspect this machine\n  caused by: could not read {}\n  caused by: Not a directory (os error 20)\n  help: run it as root on the node itself\n",
                    path.display()
                )
                .as_str()
            )
        );
        assert_eq!(node.written(), Vec::<String>::new());
    }
}

#[test]
fn a_full_or_read_only_file_system_is_73_and_the_old_file_is_whole() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    for (options, why) in [
        ("size=4k", "No space left on device (os error 28)"),
        ("ro", "Read-only file system (os error 30)"),
    ] {
        let folder = node.root().join("etc/eks/nodeadm.d");
        fs::create_dir_all(&folder).unwrap();
        let Some(_mounted) =
            crate::support::real_parts::tmpfs(&folder, options, &[("90-eni-bootstrap.yaml", OLD)])
        else {
            return;
        };
        let ended = node.run(["run"]);
        assert_eq!(ended.status, Some(73), "{}", ended.stderr);
        assert!(error(&ended).contains(&format!("caused by: {why}\n")), "{}", ended.stderr);
        assert_eq!(node.read(DROP_IN).as_deref(), Some(OLD));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
    }
}

#[test]
fn the_mode_of_a_file_that_was_there_is_kept() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let path = node.file(DROP_IN, OLD);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(node.run(["run"]).status, Some(0));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_file_of_another_programs_is_never_replaced() {
    let api = ready_api();
    let theirs = "# by another agent\nspec: {}\n";
    let unit = "etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf";
    for path in [DROP_IN, unit] {
        let (node, _imds) = in_cluster(&api);
        node.file(path, theirs);
        for command in ["run", "undo"] {
            let mut command = node.command([command]);
            if path == unit {
                // Not one of the kubelet's: the image is nodeadm's.
                command.env("ENI_BOOTSTRAP_HOST_KIND", "nodeadm");
            }
            let ended = crate::support::node::ended(command.output().unwrap());
            assert_eq!(
                (ended.status, error(&ended)),
                (
                    Some(73),
                    format!("error: failed to configure the node\n  caused by: /{path} was not written by eni-bootstrap\n  help: see whose it is, and move it away: two programs cannot share a name\n").as_str()
                )
            );
            assert_eq!(node.read(path).as_deref(), Some(theirs));
            assert_eq!(node.written(), [path], "nothing half done");
        }
    }
}

#[test]
fn two_runs_do_not_interleave() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let first = node.start(["run"]);
    assert!(api.wait_for("watch", 1, std::time::Duration::from_secs(30)));
    let second = node.run(["run", "--imds-wait", "300ms"]);
    assert_eq!(
        (second.status, error(&second)),
        (
            Some(73),
            format!(
                "error: another eni-bootstrap is at work on this machine (it holds {})\n  help: wait for the other run to end (`systemctl status eni-bootstrap`), or end it\n",
                node.root().join("run/eni-bootstrap/lock").display()
            )
            .as_str()
        )
    );
    api.apply("us-west-2a", serde_json::json!({ "subnet": "subnet-0a" }));
    assert_eq!(first.end().status, Some(0));
}
