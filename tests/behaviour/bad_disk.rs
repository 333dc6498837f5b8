//! Files that cannot be read or written, and two runs at the same time. The previous file stays intact.

use crate::support::node::{DROP_IN, error, in_cluster, ready_api, run_output};
use crate::support::real_parts::{program, require_root};
use eni_bootstrap_sandbox::KubernetesApi;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::process::Command;

/// A file that eni-bootstrap wrote at the previous boot.
const PREVIOUS: &str =
    "# eni-bootstrap writes this file at every boot, before the kubelet starts.\nold\n";

#[test]
fn a_target_that_cannot_be_written_is_exit_code_73_and_the_previous_file_is_intact() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    node.file(DROP_IN, PREVIOUS);
    // A directory at the path of the temporary file: not even root can write to it.
    let temporary =
        node.root().join("etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial");
    fs::create_dir(&temporary).unwrap();
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(73),
            format!(
                "error: failed to configure the node\n  caused by: failed to write {}\n  caused by: Is a directory (os error 21)\n  help: run eni-bootstrap as root, and check that the file system is writable and has free space; in eni-bootstrap.service, ReadWritePaths= must contain the directory; the previous file is intact\n",
                node.root().join(DROP_IN).display()
            )
            .as_str()
        )
    );
    assert_eq!(node.read(DROP_IN).as_deref(), Some(PREVIOUS));
}

/// A max-pods in such a directory must never be ignored.
#[test]
fn an_unreadable_drop_in_directory_is_exit_code_65_and_nothing_is_written() {
    let api = ready_api();
    // A file at the path of the directory: not even root can list it.
    for directory in [
        "etc/systemd/system/kubelet.service.d",
        "etc/kubernetes/kubelet/config.json.d",
        "etc/eks/nodeadm.d",
    ] {
        let (node, _imds) = in_cluster(&api);
        let path = node.file(directory, "");
        let output = node.run(["run"]);
        assert_eq!(
            (output.status, error(&output)),
            (
                Some(65),
                format!(
                    "error: failed to detect the image family of this node\n  caused by: failed to read {}\n  caused by: Not a directory (os error 20)\n  help: run eni-bootstrap as root on the node\n",
                    path.display()
                )
                .as_str()
            )
        );
        assert_eq!(node.written(), Vec::<String>::new());
    }
}

#[test]
fn a_full_or_read_only_file_system_is_exit_code_73_and_the_previous_file_is_intact() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    for (options, cause) in [
        ("size=4k", "No space left on device (os error 28)"),
        ("ro", "Read-only file system (os error 30)"),
    ] {
        let folder = node.root().join("etc/eks/nodeadm.d");
        fs::create_dir_all(&folder).unwrap();
        let Some(_mounted) = crate::support::real_parts::tmpfs(
            &folder,
            options,
            &[("90-eni-bootstrap.yaml", PREVIOUS)],
        ) else {
            return;
        };
        let output = node.run(["run", "--imds-wait=2s"]);
        assert_eq!(output.status, Some(73), "{}", output.stderr);
        assert!(error(&output).contains(&format!("caused by: {cause}\n")), "{}", output.stderr);
        assert_eq!(node.read(DROP_IN).as_deref(), Some(PREVIOUS));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no temporary file is left");
    }
}

#[test]
fn the_mode_of_an_existing_file_is_kept() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let path = node.file(DROP_IN, PREVIOUS);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(node.run(["run"]).status, Some(0));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_file_of_another_program_is_never_replaced() {
    let api = ready_api();
    let text = "# by another agent\nspec: {}\n";
    let unit = "etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
    for path in [DROP_IN, unit] {
        let (node, _imds) = in_cluster(&api);
        node.file(path, text);
        for (command, failed) in
            [("run", "configure the node"), ("undo", "remove the configuration")]
        {
            let mut command = node.command([command]);
            if path == unit {
                // The file belongs to the kubelet-dropin host, and the image to nodeadm.
                command.env("ENI_BOOTSTRAP_HOST_KIND", "nodeadm");
            }
            let output = crate::support::node::run_output(command.output().unwrap());
            assert_eq!(
                (output.status, error(&output)),
                (
                    Some(73),
                    format!("error: failed to {failed}\n  caused by: /{path} was not written by eni-bootstrap\n  help: check which program owns /{path}, then rename or remove the file\n").as_str()
                )
            );
            assert_eq!(node.read(path).as_deref(), Some(text));
            assert_eq!(node.written(), [path], "no other file is written");
        }
    }
}

/// A disk that does not execute its flushes leaves such files after a power loss.
#[test]
fn a_drop_in_without_text_is_replaced_and_removed() {
    let api = ready_api();
    for text in ["", "\0\0\0\0"] {
        let (node, _imds) = in_cluster(&api);
        node.file(DROP_IN, text);
        let output = node.run(["run"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        assert!(node.read(DROP_IN).unwrap().contains("maxPods: 20\n"));
        node.file(DROP_IN, text);
        let output = node.run(["undo"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        assert_eq!(node.read(DROP_IN), None);
    }
}

#[test]
fn two_runs_do_not_interleave() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let first = node.start(["run"]);
    assert!(api.wait_for("watch", 1, std::time::Duration::from_mins(5)));
    let second = node.run(["run", "--imds-wait", "300ms"]);
    assert_eq!(
        (second.status, error(&second)),
        (
            Some(73),
            format!(
                "error: another eni-bootstrap process holds the lock {}\n  help: wait until the other process ends (`systemctl status eni-bootstrap`), or stop it\n",
                node.root().join("run/eni-bootstrap/lock").display()
            )
            .as_str()
        )
    );
    api.apply("us-west-2a", serde_json::json!({ "subnet": "subnet-0a" }));
    assert_eq!(first.end().status, Some(0));
}

/// The run lock, relative to the root.
const LOCK: &str = "run/eni-bootstrap/lock";

/// The unit has no capabilities, so `fchown` to another user returns EPERM.
#[test]
fn an_owner_that_cannot_be_kept_is_a_warning() {
    let Some((setpriv, ())) = program("setpriv", "util-linux").zip(require_root()) else { return };
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let path = node.file(DROP_IN, PREVIOUS);
    chown(&path, Some(1234), Some(5678)).unwrap();
    let run = node.command(["run"]);
    let mut without_capabilities = Command::new(setpriv);
    without_capabilities.args(["--bounding-set=-all", "--inh-caps=-all"]);
    without_capabilities.arg(run.get_program()).args(run.get_args()).env_clear();
    without_capabilities.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = run_output(without_capabilities.output().unwrap());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = format!(
        "warning: apply: failed to keep the owner of {}: user 1234, group 5678 (Operation not permitted (os error 1)); the new owner is user 0, group 0\n",
        path.display()
    );
    assert!(output.stderr.contains(&warning), "{warning} in {}", output.stderr);
    let written = fs::metadata(&path).unwrap();
    assert_eq!((written.uid(), written.gid()), (0, 0));
    assert_ne!(node.read(DROP_IN).as_deref(), Some(PREVIOUS));
}

#[test]
fn the_owner_of_an_existing_file_is_kept() {
    let Some(()) = require_root() else { return };
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let path = node.file(DROP_IN, PREVIOUS);
    chown(&path, Some(1234), Some(5678)).unwrap();
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let written = fs::metadata(&path).unwrap();
    assert_eq!((written.uid(), written.gid()), (1234, 5678));
    assert_ne!(node.read(DROP_IN).as_deref(), Some(PREVIOUS));
}

/// A user who can open the lock file can hold the lock.
#[test]
fn the_run_lock_is_accessible_by_root_only() {
    let api = ready_api();
    for existing in [None, Some(0o644), Some(0o666)] {
        let (node, _imds) = in_cluster(&api);
        if let Some(mode) = existing {
            let path = node.file(LOCK, "");
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let output = node.run(["run"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let mode = fs::metadata(node.root().join(LOCK)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "existing: {existing:?}");
    }
}

#[test]
fn a_run_lock_that_is_a_symbolic_link_is_an_error() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let target = node.file("target", "of another program\n");
    let lock = node.root().join(LOCK);
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    symlink(&target, &lock).unwrap();
    for command in ["run", "undo"] {
        let output = node.run([command]);
        let lock = lock.display();
        assert_eq!(
            (output.status, error(&output)),
            (
                Some(73),
                format!("error: the lock {lock} is a symbolic link\n  help: remove the link: `rm {lock}`\n").as_str()
            )
        );
    }
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn only_the_owner_can_write_to_a_new_directory_with_any_umask() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let agent = node.command(["run"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 0; exec \"$0\" \"$@\""]);
    shell.arg(agent.get_program()).args(agent.get_args()).env_clear();
    shell.envs(agent.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = run_output(shell.output().unwrap());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let mode = |path: &str| fs::metadata(node.root().join(path)).unwrap().mode() & 0o7777;
    for directory in ["run/eni-bootstrap", "var/lib/eni-bootstrap", "etc/eks/nodeadm.d"] {
        assert_eq!(mode(directory), 0o755, "{directory}");
    }
}
