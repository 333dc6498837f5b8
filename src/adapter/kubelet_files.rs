//! The version of the kubelet, and the directory of its drop-ins.

use crate::adapter::disk;
use crate::adapter::host_command;
use eni_core::failure::one_line;
use eni_core::host::{HostCommand, KUBELET_VERSION, is_drop_in};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use tracing::warn;

/// The timeout of `kubelet --version`. It takes 0.04 s, or longer while EC2 loads the blocks of a new volume.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);

/// The output of `kubelet --version` by program, so that one process starts each program at most once.
static VERSIONS: LazyLock<Mutex<BTreeMap<PathBuf, Option<String>>>> = LazyLock::new(Mutex::default);

/// Returns the output of `kubelet --version`; `None` if it is unknown. nodeadm reads the same file, and
/// starts the program without it.
///
/// The program is started only if `root` is that of the running system.
///
/// Source: `nodeadm/internal/kubelet/version.go`, awslabs/amazon-eks-ami.
pub(crate) async fn version(root: &Path, program: &Path) -> Option<String> {
    match disk::read_node_file(root, Path::new(KUBELET_VERSION)) {
        Ok(Some(text)) => return Some(text),
        Ok(None) => {}
        Err(error) => warn!("host: {}", one_line(&error)),
    }
    if root != Path::new("/") {
        return None;
    }
    let cached = VERSIONS.lock().ok().and_then(|versions| versions.get(program).cloned());
    if let Some(version) = cached {
        return version;
    }
    let version = version_of_program(program, VERSION_TIMEOUT).await;
    if let Ok(mut versions) = VERSIONS.lock() {
        versions.insert(program.to_owned(), version.clone());
    }
    version
}

async fn version_of_program(program: &Path, deadline: Duration) -> Option<String> {
    let command = HostCommand {
        program: program.to_str()?.to_owned().into(),
        arguments: vec!["--version".to_owned()],
        deadline,
        help: "run the command to see why it fails",
    };
    let output = host_command::run(&command).await;
    let warn = |error: &host_command::CommandError| {
        warn!("host: the version of {} is unknown: {}", program.display(), one_line(error));
    };
    output.inspect_err(warn).ok()
}

/// Returns why a drop-in cannot be written to the node's directory `path` below `root`, or why the kubelet
/// would not read it or would read other files, too; `None` for a suitable directory. The directory may be
/// missing.
///
/// The kubelet reads subdirectories, but not a directory that is a symbolic link.
///
/// Source: `mergeKubeletConfigurations`, `cmd/kubelet/app/server.go`, kubernetes/kubernetes, and
/// `filepath.WalkDir` of Go.
pub(crate) fn unsuitable_directory(root: &Path, path: &Path) -> Option<&'static str> {
    let Ok(directory) = disk::node_path(root, path) else { return Some("cannot be read") };
    if directory.is_symlink() {
        return Some("is a symbolic link");
    }
    let has_file_type = directory.symlink_metadata().map(|it| it.is_dir());
    if has_file_type.is_ok_and(|is_directory| !is_directory) {
        return Some("is not a directory");
    }
    let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
    if entries.map(|entry| entry.path()).any(|path| path.is_dir()) {
        return Some("has a subdirectory");
    }
    let existing = directory.ancestors().find(|path| path.exists())?;
    match faccessat(AT_FDCWD, existing, AccessFlags::W_OK, AtFlags::AT_EACCESS) {
        Ok(()) => None,
        Err(Errno::EROFS) => Some("is read-only"),
        Err(_) => Some("is not writable"),
    }
}

/// Returns the drop-ins in a directory with their texts, in the order in which the kubelet reads them.
pub(crate) fn drop_ins(directory: &Path) -> Result<Vec<(PathBuf, String)>, disk::DiskError> {
    let root = Path::new("/");
    let mut files = Vec::new();
    for name in disk::list_node_directory(root, directory)? {
        if is_drop_in(&name) {
            let path = directory.join(&name);
            let text = disk::read_node_file(root, &path)?.unwrap_or_default();
            files.push((path, text));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    fn write(path: &Path, text: &str) {
        disk::write_atomic(path, text.as_bytes()).unwrap();
    }

    /// Returns a program with this script.
    fn program(directory: &Path, script: &str) -> PathBuf {
        let path = directory.join("kubelet");
        write(&path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn the_version_comes_from_the_file_or_from_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        // Not a script: another thread may start a program while the script is open.
        let kubelet = root.join("kubelet");
        symlink("/bin/echo", &kubelet).unwrap();
        // A program of another root is never started.
        assert_eq!(version(root, &kubelet).await, None);
        let output = std::process::Command::new(&kubelet).arg("--version").output().unwrap();
        let expected = Some(String::from_utf8(output.stdout).unwrap());
        assert_eq!(version(Path::new("/"), &kubelet).await, expected);
        fs::remove_file(&kubelet).unwrap();
        assert_eq!(version(Path::new("/"), &kubelet).await, expected, "a second read");
        fs::create_dir_all(root.join("etc/eks")).unwrap();
        write(&root.join(&KUBELET_VERSION[1..]), "Kubernetes v1.29.0\n");
        assert_eq!(version(root, &kubelet).await, Some("Kubernetes v1.29.0\n".to_owned()));
    }

    #[tokio::test]
    async fn the_version_of_a_program_that_fails_is_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let timeout = Duration::from_millis(50);
        let missing = directory.path().join("missing");
        assert_eq!(version_of_program(&missing, timeout).await, None);
        for script in ["exit 1", "exec sleep 600"] {
            let kubelet = program(directory.path(), script);
            assert_eq!(version_of_program(&kubelet, timeout).await, None, "{script}");
        }
    }

    #[test]
    fn a_link_a_subdirectory_and_a_directory_without_permission_are_unsuitable() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let state = |path: &str| unsuitable_directory(root, Path::new(path));
        fs::create_dir_all(root.join("etc/kubelet.d")).unwrap();
        write(&root.join("etc/kubelet.d/10-site.conf"), "");
        symlink("/etc/kubelet.d", root.join("etc/link.d")).unwrap();
        assert_eq!(state("/etc/kubelet.d"), None);
        assert_eq!(state("/etc/missing/kubelet.d"), None);
        assert_eq!(state("/etc/link.d"), Some("is a symbolic link"));
        assert_eq!(state("/etc/kubelet.d/10-site.conf"), Some("is not a directory"));
        fs::create_dir(root.join("etc/kubelet.d/more")).unwrap();
        assert_eq!(state("/etc/kubelet.d"), Some("has a subdirectory"));
        let locked = root.join("etc/locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
        // Root may write to any directory, unless its file system is read-only.
        let expected =
            (fs::metadata("/proc/self").unwrap().uid() != 0).then_some("is not writable");
        assert_eq!(state("/etc/locked"), expected);
        assert_eq!(state("/etc/locked/missing/kubelet.d"), expected);
    }
}
