//! The disk of a node: an image of its family with our parts in it, and what boots leave there.

use super::machine::Machine;
use crate::support::real_parts::{
    MetadataMock, boot_records, boot_root, program, root_rights, static_binary,
};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Whose layout the image has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Amazon Linux 2023: nodeadm starts the kubelet.
    Al2023,
    /// Amazon Linux 2: `bootstrap.sh` enables and starts it.
    Al2,
}

impl Family {
    /// Its folder under `tests/boot/images`, and the units that its images have enabled.
    fn layout(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Al2023 => ("al2023", &["nodeadm-config.service", "nodeadm-run.service"]),
            Self::Al2 => ("al2", &["sandbox-image.service"]),
        }
    }
}

/// The units of both families that are enabled.
const ENABLED: [&str; 4] = [
    "systemd-networkd-wait-online.service",
    "cloud-init.service",
    "cloud-final.service",
    "containerd.service",
];
/// The units that ask the metadata service, or whose scripts do.
const ASKING: [&str; 4] =
    ["nodeadm-config.service", "nodeadm-run.service", "cloud-final.service", OUR_UNIT];
const OUR_UNIT: &str = "eni-bootstrap.service";
/// Where cloud-init puts the script of user data.
const USER_SCRIPT: &str = "var/lib/cloud/instance/scripts/part-001";

/// What bakes an image by hand.
pub const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ami/install.sh");

/// A node's disk. It lasts from boot to boot; the root that it was made from stays as it is.
#[derive(Debug)]
pub struct Node {
    /// With `disk` in it: what differs from the root.
    folder: TempDir,
    root: PathBuf,
    records: PathBuf,
    boots: Cell<u32>,
}

impl Node {
    /// A node as it is launched from an image with our parts in it, and the unit enabled.
    pub fn new(case: &str, family: Family) -> Option<Self> {
        let binary = static_binary()?;
        let node = Self::without_us(case, family)?;
        let mut install = Command::new(INSTALL);
        node.succeeds(install.arg("--enable").arg(binary).env("DESTDIR", node.disk()));
        Some(node)
    }

    /// A node as it is launched from an image of the family's own.
    pub fn without_us(case: &str, family: Family) -> Option<Self> {
        let root = boot_root()?;
        program("systemd-nspawn", "systemd-container")?;
        root_rights()?;
        let records = boot_records().join(case);
        let _ = fs::remove_dir_all(&records);
        let folder = tempfile::Builder::new()
            .prefix("boot-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        let node = Self { folder, root, records, boots: Cell::new(0) };
        fs::create_dir_all(node.disk()).unwrap();
        // It becomes `/`, which everyone may enter.
        fs::set_permissions(node.disk(), fs::Permissions::from_mode(0o755)).unwrap();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (layout, enabled) = family.layout();
        for layout in ["both", layout] {
            let image = repository.join("tests/boot/images").join(layout).join(".");
            node.succeeds(
                Command::new("cp")
                    .args(["-a", "--no-preserve=ownership"])
                    .arg(image)
                    .arg(node.disk()),
            );
        }
        if family == Family::Al2023 {
            fs::create_dir_all(node.path("etc/eks/nodeadm.d")).unwrap();
        }
        node.systemctl(&[&["enable"], &ENABLED[..], enabled].concat());
        Some(node)
    }

    /// A file of it, between boots.
    pub fn path(&self, path: &str) -> PathBuf {
        self.disk().join(path.trim_start_matches('/'))
    }

    /// Writes a file.
    #[expect(clippy::disallowed_methods, reason = "a test's fixture, not a node's file")]
    pub fn write(&self, path: &str, contents: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
    }

    /// Settings of ours, as whoever bakes the image leaves them.
    pub fn settings(&self, toml: &str) {
        self.write("etc/eni-bootstrap/90-site.toml", toml);
    }

    /// A drop-in of a unit.
    pub fn drop_in(&self, unit: &str, name: &str, contents: &str) {
        self.write(&format!("etc/systemd/system/{unit}.d/{name}.conf"), contents);
    }

    /// The script of its user data, which cloud-init's last stage runs.
    pub fn user_script(&self, script: &str) {
        self.whole_user_script(&format!("#!/bin/bash\nset -eu\n{script}"));
    }

    /// The same as it stands in user data.
    pub fn whole_user_script(&self, script: &str) {
        self.write(USER_SCRIPT, script);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(USER_SCRIPT), executable).unwrap();
    }

    /// Its instance is the one that `imds` tells of. EC2 is not asked: here is none.
    pub fn use_imds(&self, imds: &MetadataMock) {
        let environment = format!(
            "[Service]\nEnvironment=AWS_EC2_METADATA_SERVICE_ENDPOINT={}\nEnvironment=ENI_BOOTSTRAP_ENI_CONFIG_VERIFY=false\n",
            imds.endpoint()
        );
        for unit in ASKING {
            self.drop_in(unit, "50-test", &environment);
        }
    }

    /// `systemctl` on the disk, as on an image that is being baked.
    pub fn systemctl(&self, arguments: &[&str]) {
        let mut command = Command::new("systemctl");
        self.succeeds(command.arg("--root").arg(self.disk()).args(arguments));
    }

    /// Runs a command in it between boots, as where an image is baked in a chroot: no systemd is up.
    pub fn chroot(&self, command: &[&str]) -> Output {
        let script = r#"
            root=$1 folder=$2; shift 2
            mkdir -p "$folder/work" "$folder/root"
            mount -t overlay -o "lowerdir=$root,upperdir=$folder/disk,workdir=$folder/work" overlay "$folder/root"
            mount --bind /dev "$folder/root/dev"
            exec chroot "$folder/root" "$@""#;
        let mut unshared = Command::new("unshare");
        unshared.args(["--mount", "sh", "-euc", script, "sh"]);
        unshared.args([&self.root, self.folder.path()]).args(command);
        unshared.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap()
    }

    /// Boots it.
    pub fn boot(&self) -> Machine {
        self.boots.set(self.boots.get() + 1);
        let records = self.records.join(format!("boot-{}", self.boots.get()));
        Machine::start(&self.root, self.folder.path(), records)
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn succeeds(&self, command: &mut Command) {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {command:?}: {said}", self.records.display());
    }
}
