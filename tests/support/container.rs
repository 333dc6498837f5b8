//! A container of the image, run by runc as Bottlerocket runs a bootstrap container: in the host's
//! network and process namespaces, with the capabilities and mounts it has there, and with the image's
//! own entry point.
//!
//! Stricter than there in one thing: the root is read-only. Not shown here: containerd's seccomp
//! profile, and what `SELinux` refuses. Source: `host-ctr` (`withBootstrap`, `withDefaultMounts`), bottlerocket-core-kit
//! 3.1.1, and containerd's default specification.

use crate::support::node::{Ended, ended};
use crate::support::real_parts::{container_image, program, root_rights, runs_by};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the image's version is in its layout.
pub const TAG: &str = env!("CARGO_PKG_VERSION");

/// What a bootstrap container finds of its host, with the options of the mount.
const OF_THE_HOST: [(&str, &str); 6] = [
    ("/run/api.sock", "rw"),
    ("/.bottlerocket/bootstrap-containers/current", "rw"),
    ("/.bottlerocket/rootfs", "ro"),
    ("/etc/hosts", "ro"),
    ("/etc/resolv.conf", "ro"),
    ("/etc/bottlerocket-release", "ro"),
];

/// Containerd's defaults, and what a bootstrap container has beyond them.
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

/// An unpacked image and how it is to be run. Root only.
pub struct Container {
    runc: PathBuf,
    /// With the root in `rootfs`, and a name of its own.
    bundle: tempfile::TempDir,
    /// The runtime's `config.json`.
    specification: Value,
}

impl Container {
    /// The image for `architecture` (`amd64` or `arm64`), where this machine can run that.
    pub fn of_image(architecture: &str) -> Option<Self> {
        root_rights()?;
        let runs_by = runs_by(architecture)?;
        let runc = program("runc", "runc")?;
        let bundle = unpack(architecture)?;
        let of_image = fs::read_to_string(bundle.path().join("config.json")).unwrap();
        let of_image: Value = serde_json::from_str(&of_image).unwrap();
        let mut container = Self { runc, bundle, specification: specification(&of_image) };
        for program in runs_by {
            container.bind(&program, "/qemu", "ro");
            container.arguments().insert(0, json!("/qemu"));
        }
        Some(container)
    }

    /// Shows it the host's files and folders that stand below `view` at the places where a bootstrap
    /// container finds them.
    pub fn with_host(mut self, view: &Path) -> Self {
        for (place, options) in OF_THE_HOST {
            let source = view.join(&place[1..]);
            if source.exists() {
                self.bind(&source, place, options);
            }
        }
        self
    }

    /// Sets a variable of its environment.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let environment = self.specification["process"]["env"].as_array_mut().unwrap();
        environment.push(json!(format!("{name}={}", value.as_ref())));
        self
    }

    /// With these arguments in place of the image's own.
    pub fn run(&mut self, arguments: &[&str]) -> Ended {
        let entry_point = self.arguments().iter().position(|it| it == "/eni-bootstrap").unwrap();
        self.arguments().truncate(entry_point + 1);
        self.arguments().extend(arguments.iter().map(|it| json!(it)));
        ended(self.command().output().unwrap())
    }

    /// As the image says, and as it is run where nothing can be given to it.
    pub fn command(&self) -> Command {
        let written = serde_json::to_vec_pretty(&self.specification).unwrap();
        let mut file = fs::File::create(self.bundle.path().join("config.json")).unwrap();
        std::io::Write::write_all(&mut file, &written).unwrap();
        let mut command = self.runc("run");
        command.arg("--bundle").arg(self.bundle.path()).arg(self.name()).stdin(Stdio::null());
        command
    }

    /// The whole command.
    fn arguments(&mut self) -> &mut Vec<Value> {
        self.specification["process"]["args"].as_array_mut().unwrap()
    }

    fn bind(&mut self, source: &Path, place: &str, options: &str) {
        let mounts = self.specification["mounts"].as_array_mut().unwrap();
        let options = ["rbind", options];
        mounts.push(
            json!({ "destination": place, "type": "bind", "source": source, "options": options }),
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
    /// Of a run that the test has not seen to its end nothing stays.
    fn drop(&mut self) {
        let _ = self.runc("delete").args(["--force", &self.name()]).output();
    }
}

/// The root of the image for `architecture` in `rootfs`, and what the image says of it as a runtime's
/// `config.json`: chosen by skopeo, as a runtime chooses of an index, and unpacked by umoci.
pub fn unpack(architecture: &str) -> Option<tempfile::TempDir> {
    let image = container_image()?;
    let (skopeo, umoci) = (program("skopeo", "skopeo")?, program("umoci", "umoci")?);
    let scratch = tempfile::tempdir().unwrap();
    let chosen = scratch.path().join("chosen");
    let mut choose = Command::new(skopeo);
    choose.args(["--insecure-policy", "--override-os=linux", "--override-arch", architecture]);
    if architecture == "arm64" {
        choose.arg("--override-variant=v8"); // as containerd asks for it
    }
    choose.arg("copy").arg(format!("oci:{}:{TAG}", image.join("oci").display()));
    done(choose.arg(format!("oci:{}:{TAG}", chosen.display())));
    let bundle = tempfile::tempdir().unwrap();
    let mut unpack = Command::new(umoci);
    unpack.args(["unpack", "--image"]).arg(format!("{}:{TAG}", chosen.display()));
    done(unpack.arg(bundle.path()));
    Some(bundle)
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// A bootstrap container's, with what the image itself decides.
fn specification(of_image: &Value) -> Value {
    let process = &of_image["process"];
    let mount = |place: &str, kind: &str, options: &[&str]| json!({ "destination": place, "type": kind, "source": kind, "options": options });
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
        "mounts": [
            mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
            mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            mount("/run", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        ],
        "linux": {
            "namespaces": [{ "type": "ipc" }, { "type": "uts" }, { "type": "mount" }],
            "resources": { "devices": [{ "allow": true, "access": "rwm" }] },
        },
    })
}
