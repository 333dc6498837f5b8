//! A container that runc runs as Bottlerocket runs a bootstrap container: with the network and process
//! namespaces of the host, the same capabilities and mounts, and the entry point of the image.
//!
//! There are three differences: the root is read-only, and neither the seccomp profile of containerd
//! nor the `SELinux` policy applies.
//!
//! Source: `host-ctr` (`withBootstrap`, `withDefaultMounts`), bottlerocket-core-kit 3.1.1, and the
//! default specification of containerd.

use crate::support::node::{RunOutput, run_output};
use crate::support::real_parts::{container_image, program, require_root, runner_for};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The tag of the image in the OCI layout.
pub const TAG: &str = env!("CARGO_PKG_VERSION");

/// The host paths that Bottlerocket mounts into a bootstrap container, with the mount options.
const HOST_MOUNTS: [(&str, &str); 6] = [
    ("/run/api.sock", "rw"),
    ("/.bottlerocket/bootstrap-containers/current", "rw"),
    ("/.bottlerocket/rootfs", "ro"),
    ("/etc/hosts", "ro"),
    ("/etc/resolv.conf", "ro"),
    ("/etc/bottlerocket-release", "ro"),
];

/// The default capabilities of containerd and the additional ones of a bootstrap container.
const CAPABILITIES: [&str; 18] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
    "CAP_SYS_ADMIN",
    "CAP_NET_ADMIN",
    "CAP_SYS_MODULE",
    "CAP_AUDIT_CONTROL",
];

/// An unpacked image and its runtime configuration. Requires root.
pub struct Container {
    runc: PathBuf,
    /// The OCI bundle. Its folder name is the container name.
    bundle: tempfile::TempDir,
    /// The contents of `config.json`.
    specification: Value,
    /// The number of arguments of the entry point, with the program that runs it.
    entry_point: usize,
}

impl Container {
    /// Unpacks the image for `architecture` (`amd64` or `arm64`). Returns `None` if this machine cannot
    /// run it.
    pub fn from_image(architecture: &str) -> Option<Self> {
        Self::new(&container_image()?, architecture, specification)
    }

    /// Unpacks an image whose entry point has no arguments. `specification` returns the runtime configuration
    /// from that of the image.
    pub fn new(
        image: &Path,
        architecture: &str,
        specification: impl FnOnce(&Value) -> Value,
    ) -> Option<Self> {
        require_root()?;
        let runner_for = runner_for(architecture)?;
        let runc = program("runc", "runc")?;
        let bundle = unpack_image(image, architecture)?;
        let from_image = fs::read_to_string(bundle.path().join("config.json")).unwrap();
        let from_image: Value = serde_json::from_str(&from_image).unwrap();
        let specification = specification(&from_image);
        let mut container = Self { runc, bundle, specification, entry_point: 1 };
        for program in runner_for {
            container.bind(&program, "/qemu", "ro");
            container.arguments().insert(0, json!("/qemu"));
            container.entry_point += 1;
        }
        Some(container)
    }

    /// Mounts the host paths that exist below `host_root`.
    pub fn with_host(mut self, host_root: &Path) -> Self {
        for (path, options) in HOST_MOUNTS {
            let source = host_root.join(&path[1..]);
            if source.exists() {
                self.bind(&source, path, options);
            }
        }
        self
    }

    /// Sets an environment variable.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let environment = self.specification["process"]["env"].as_array_mut().unwrap();
        environment.push(json!(format!("{name}={}", value.as_ref())));
        self
    }

    /// Runs the entry point with `arguments` instead of the image's default arguments.
    pub fn run(&mut self, arguments: &[&str]) -> RunOutput {
        let entry_point = self.entry_point;
        self.arguments().truncate(entry_point);
        self.arguments().extend(arguments.iter().map(|it| json!(it)));
        run_output(self.command().output().unwrap())
    }

    /// Returns the command that runs the container with the image's entry point and default arguments.
    pub fn command(&self) -> Command {
        let written = serde_json::to_vec_pretty(&self.specification).unwrap();
        let mut file = fs::File::create(self.bundle.path().join("config.json")).unwrap();
        std::io::Write::write_all(&mut file, &written).unwrap();
        let mut command = self.runc("run");
        command.arg("--bundle").arg(self.bundle.path()).arg(self.name()).stdin(Stdio::null());
        command
    }

    /// Returns the entry point and its arguments.
    fn arguments(&mut self) -> &mut Vec<Value> {
        self.specification["process"]["args"].as_array_mut().unwrap()
    }

    /// Mounts `source` at `path`. `options` is `ro` or `rw`.
    pub fn bind(&mut self, source: &Path, path: &str, options: &str) {
        let mounts = self.specification["mounts"].as_array_mut().unwrap();
        let options = ["rbind", options];
        mounts.push(
            json!({ "destination": path, "type": "bind", "source": source, "options": options }),
        );
    }

    fn runc(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.runc);
        command.arg("--root").arg(self.bundle.path().join("runc")).arg(subcommand);
        command
    }

    fn name(&self) -> String {
        self.bundle.path().file_name().unwrap().to_str().unwrap().replace('.', "eni-bootstrap-")
    }
}

impl Drop for Container {
    /// Deletes the container, also if it is still running.
    fn drop(&mut self) {
        let _ = self.runc("delete").args(["--force", &self.name()]).output();
    }
}

/// Unpacks the image for `architecture` into an OCI bundle.
pub fn unpack(architecture: &str) -> Option<tempfile::TempDir> {
    unpack_image(&container_image()?, architecture)
}

/// Unpacks `image` for `architecture` into an OCI bundle. skopeo selects the image from the index, as a
/// container runtime does, and umoci unpacks it.
pub fn unpack_image(image: &Path, architecture: &str) -> Option<tempfile::TempDir> {
    let (skopeo, umoci) = (program("skopeo", "skopeo")?, program("umoci", "umoci")?);
    let scratch = tempfile::tempdir().unwrap();
    let selected = scratch.path().join("selected");
    let mut copy = Command::new(skopeo);
    copy.args(["--insecure-policy", "--override-os=linux", "--override-arch", architecture]);
    if architecture == "arm64" {
        copy.arg("--override-variant=v8"); // containerd requests this variant
    }
    copy.arg("copy").arg(format!("oci:{}:{TAG}", image.join("oci").display()));
    run_successfully(copy.arg(format!("oci:{}:{TAG}", selected.display())));
    let bundle = tempfile::tempdir().unwrap();
    let mut unpack = Command::new(umoci);
    unpack.args(["unpack", "--image"]).arg(format!("{}:{TAG}", selected.display()));
    run_successfully(unpack.arg(bundle.path()));
    Some(bundle)
}

fn run_successfully(command: &mut Command) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}

/// Returns the runtime configuration of a bootstrap container. The user, command, environment and
/// working directory are those in `from_image`.
fn specification(from_image: &Value) -> Value {
    let process = &from_image["process"];
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": process["user"],
            "args": process["args"],
            "env": process["env"],
            "cwd": process["cwd"],
            "noNewPrivileges": true,
            "capabilities": {
                "bounding": CAPABILITIES,
                "effective": CAPABILITIES,
                "permitted": CAPABILITIES,
            },
        },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": mounts(&["/proc", "/dev", "/dev/shm", "/sys", "/run"]),
        "linux": {
            "namespaces": [{ "type": "ipc" }, { "type": "uts" }, { "type": "mount" }],
            "resources": { "devices": [{ "allow": true, "access": "rwm" }] },
        },
    })
}

/// Returns the mounts of containerd's default specification at `paths`.
pub fn mounts(paths: &[&str]) -> Vec<Value> {
    let mount = |path: &&str| {
        let (kind, options): (_, &[&str]) = match *path {
            "/proc" => ("proc", &["nosuid", "noexec", "nodev"]),
            "/sys" => ("sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            "/dev/shm" => ("tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            _ => ("tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        };
        json!({ "destination": path, "type": kind, "source": kind, "options": options })
    };
    paths.iter().map(mount).collect()
}
