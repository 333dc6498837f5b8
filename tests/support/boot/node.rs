//! The disk of a node: the files of an image family, with or without eni-bootstrap.

use super::machine::Machine;
use crate::support::real_parts::{
    MetadataMock, boot_records, boot_root, program, require_root, static_binary,
};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The family of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Amazon Linux 2023: nodeadm starts the kubelet.
    Al2023,
    /// Amazon Linux 2: `bootstrap.sh` enables and starts the kubelet.
    Al2,
    /// An image with the packages of kubeadm: `kubeadm join` enables and starts the kubelet.
    Kubeadm,
}

impl Family {
    /// Returns the folder of the family under `tests/boot/images`, and the units that its images enable.
    fn layout(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Al2023 => ("al2023", &["nodeadm-config.service", "nodeadm-run.service"]),
            Self::Al2 => ("al2", &["sandbox-image.service"]),
            Self::Kubeadm => ("kubeadm", &["kubelet.service"]),
        }
    }
}

/// The units that the images of both families enable.
const ENABLED: [&str; 4] = [
    "systemd-networkd-wait-online.service",
    "cloud-init.service",
    "cloud-final.service",
    "containerd.service",
];
/// The units that call the metadata service.
const IMDS_CLIENTS: [&str; 4] = [
    "nodeadm-config.service",
    "nodeadm-run.service",
    "cloud-final.service",
    "eni-bootstrap.service",
];
/// Where cloud-init writes the script from user data.
const USER_SCRIPT: &str = "var/lib/cloud/instance/scripts/part-001";

/// The script that installs the binary without a package.
pub const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ami/install.sh");

/// The disk of a node. Changes persist across boots and do not modify the shared root.
#[derive(Debug)]
pub struct Node {
    /// Contains `disk`, the upper directory of the overlay over `root`.
    folder: TempDir,
    root: PathBuf,
    records: PathBuf,
    boots: Cell<u32>,
}

impl Node {
    /// Prepares a node of an image with eni-bootstrap installed and its unit enabled. `case` is the
    /// folder of its boot records.
    pub fn new(case: &str, family: Family) -> Option<Self> {
        let binary = static_binary()?;
        let node = Self::without_agent(case, family)?;
        let mut install = Command::new(INSTALL);
        node.run(install.arg("--enable").arg(binary).env("DESTDIR", node.disk()));
        Some(node)
    }

    /// Prepares a node of an image without eni-bootstrap.
    pub fn without_agent(case: &str, family: Family) -> Option<Self> {
        let root = boot_root()?;
        program("systemd-nspawn", "systemd-container")?;
        require_root()?;
        let records = boot_records().join(case);
        let _ = fs::remove_dir_all(&records);
        let folder = tempfile::Builder::new()
            .prefix("boot-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        let node = Self { folder, root, records, boots: Cell::new(0) };
        fs::create_dir_all(node.disk()).unwrap();
        // It becomes `/`, which every user must be able to enter.
        fs::set_permissions(node.disk(), fs::Permissions::from_mode(0o755)).unwrap();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (layout, enabled) = family.layout();
        for layout in ["both", layout] {
            let image = repository.join("tests/boot/images").join(layout).join(".");
            node.run(
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

    /// Returns the host path of a file on the disk.
    pub fn path(&self, path: &str) -> PathBuf {
        self.disk().join(path.trim_start_matches('/'))
    }

    /// Returns whether the shared root has this file.
    pub fn has_in_image(&self, path: &Path) -> bool {
        self.root.join(path.strip_prefix("/").unwrap_or(path)).exists()
    }

    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    pub fn write(&self, path: &str, contents: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
    }

    /// Writes a settings file of eni-bootstrap.
    pub fn settings(&self, toml: &str) {
        self.write("etc/eni-bootstrap/90-site.toml", toml);
    }

    /// Writes a drop-in of a unit.
    pub fn drop_in(&self, unit: &str, name: &str, contents: &str) {
        self.write(&format!("etc/systemd/system/{unit}.d/{name}.conf"), contents);
    }

    /// Sets the script that cloud-final.service runs: `script` after `#!/bin/bash` and `set -eu`.
    pub fn user_script(&self, script: &str) {
        self.raw_user_script(&format!("#!/bin/bash\nset -eu\n{script}"));
    }

    /// Sets the script that cloud-final.service runs, verbatim.
    pub fn raw_user_script(&self, script: &str) {
        self.write(USER_SCRIPT, script);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(USER_SCRIPT), executable).unwrap();
    }

    /// Makes the node use the metadata service `imds`. Disables the subnet verification, because there
    /// is no EC2 API.
    pub fn use_imds(&self, imds: &MetadataMock) {
        self.environment(&imds.endpoint(), "ENI_BOOTSTRAP_ENI_CONFIG_VERIFY=false");
    }

    /// Makes the node use the metadata service at `imds` and the EC2 API at `ec2`.
    pub fn use_imds_and_ec2(&self, imds: &str, ec2: &str) {
        self.environment(imds, &format!("AWS_ENDPOINT_URL_EC2={ec2}"));
    }

    /// Sets the URL of the metadata service and one more variable for every client of the service.
    fn environment(&self, imds: &str, variable: &str) {
        let environment = format!(
            "[Service]\nEnvironment=AWS_EC2_METADATA_SERVICE_ENDPOINT={imds}\nEnvironment={variable}\n"
        );
        for unit in IMDS_CLIENTS {
            self.drop_in(unit, "50-test", &environment);
        }
    }

    /// Runs `systemctl --root` on the disk, as an image build does.
    pub fn systemctl(&self, arguments: &[&str]) {
        let mut command = Command::new("systemctl");
        self.run(command.arg("--root").arg(self.disk()).args(arguments));
    }

    /// Runs a command in a chroot of the disk, without a running systemd, as an image build does.
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

    pub fn boot(&self) -> Machine {
        self.boots.set(self.boots.get() + 1);
        let records = self.records.join(format!("boot-{}", self.boots.get()));
        Machine::start(&self.root, self.folder.path(), records)
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Runs a command on the host. Asserts that it succeeds.
    fn run(&self, command: &mut Command) {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {command:?}: {stderr}", self.records.display());
    }
}
