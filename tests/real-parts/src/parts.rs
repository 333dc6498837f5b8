//! The paths of the real parts, and the log of tests that were skipped because a part is missing.

use super::cluster::Cluster;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

/// Returns a Debian trixie root for chroot, which requires root. Its nsswitch.conf uses `resolve` and
/// `myhostname`.
pub fn trixie_root() -> Option<PathBuf> {
    part("trixie-root", "the trixie root", "tests/real/install.sh root")
}

/// Returns the nodeadm binary.
pub fn nodeadm_program() -> Option<PathBuf> {
    part("bin/nodeadm", "nodeadm", "tests/real/install.sh nodeadm")
}

/// Returns the program that evaluates `maxPodsExpression` with nodeadm's function.
pub fn nodeadm_max_pods() -> Option<PathBuf> {
    let how = "tests/real/install.sh nodeadm-max-pods";
    part("bin/nodeadm-max-pods", "nodeadm's evaluator of expressions", how)
}

/// Returns the program that evaluates expressions with Karpenter's package.
pub fn karpenter_cel() -> Option<PathBuf> {
    let how = "tests/real/install.sh karpenter-cel";
    part("bin/karpenter-cel", "Karpenter's evaluator of expressions", how)
}

/// Returns the program that prints the tables of the VPC CNI.
pub fn cni_limits() -> Option<PathBuf> {
    part("bin/cni-limits", "the tables of the VPC CNI", "tests/real/install.sh cni-limits")
}

/// Returns the program that lints metrics with the rules of promtool.
pub fn promlint() -> Option<PathBuf> {
    part("bin/promlint", "the linter of Prometheus", "tests/real/install.sh promlint")
}

/// Returns the kubelet of Kubernetes `minor`, such as `1.34`.
pub fn kubelet_program(minor: &str) -> Option<PathBuf> {
    let path = format!("kubelet/kubelet-{minor}");
    part(&path, "the kubelet", "tests/real/install.sh kubelet")
}

/// Starts an API server and its etcd.
pub fn cluster() -> Option<Cluster> {
    Some(Cluster::start(&kubernetes_programs()?, 0))
}

/// Returns the folder that contains `etcd` and `kube-apiserver`.
fn kubernetes_programs() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|assets| !assets.is_empty());
    let Some(assets) = assets.map(PathBuf::from) else {
        return part("kubernetes", "the API server", "tests/real/install.sh kubernetes");
    };
    for name in ["etcd", "kube-apiserver"] {
        assert!(assets.join(name).exists(), "KUBEBUILDER_ASSETS has no {name}");
    }
    Some(assets)
}

/// Returns nfpm, which builds the packages.
pub fn nfpm() -> Option<PathBuf> {
    part("bin/nfpm", "nfpm", "tests/real/install.sh nfpm")
}

/// Returns Helm, which renders the chart.
pub fn helm() -> Option<PathBuf> {
    part("bin/helm", "Helm", "tests/real/install.sh helm")
}

/// Returns toxiproxy, which simulates network faults.
pub fn toxiproxy() -> Option<PathBuf> {
    part("bin/toxiproxy", "toxiproxy", "tests/real/install.sh toxiproxy")
}

/// Returns a bootable Debian root with systemd, containerd and rpm. Booting it requires root.
pub fn boot_root() -> Option<PathBuf> {
    part("boot-root", "the root to boot", "tests/real/install.sh boot")
}

/// Returns the folder to which boots write their console, journal and unit order.
pub fn boot_records() -> PathBuf {
    target().join("boot-records")
}

/// Returns the folder to which the soak test writes its results.
pub fn soak_records() -> PathBuf {
    target().join("soak")
}

/// Returns the static binary for this machine.
pub fn static_binary() -> Option<PathBuf> {
    statically_linked("release/eni-bootstrap", "the static binary", "make static")
}

/// Returns the static binary for arm64. [`runner_for`] returns the program that runs it.
pub fn arm64_binary() -> Option<PathBuf> {
    let path = "aarch64-unknown-linux-gnu/release/eni-bootstrap";
    statically_linked(path, "the static binary for arm64", "make static-arm64")
}

/// Returns the folder of the container image: an OCI layout in `oci`, and a tar of it.
pub fn container_image() -> Option<PathBuf> {
    let folder = target().join("image");
    if folder.join("oci/index.json").exists() {
        return Some(folder);
    }
    not_run("the container image", "make image");
    None
}

/// Returns the folder of the container image of the kubectl plugin: an OCI layout in `oci`, and a tar of it.
pub fn operator_image() -> Option<PathBuf> {
    let folder = target().join("image-operator");
    if folder.join("oci/index.json").exists() {
        return Some(folder);
    }
    not_run("the container image of the kubectl plugin", "make image-operator");
    None
}

/// Returns the folder with the licenses of all crates and the SBOM of each binary, which the container
/// image contains.
pub fn documents() -> Option<PathBuf> {
    let folder = target().join("documents");
    if folder.join("third-party-licenses").exists() {
        return Some(folder);
    }
    not_run("the licenses and the SBOMs", "make image");
    None
}

/// Returns regctl, which builds the container image.
pub fn regctl() -> Option<PathBuf> {
    part("bin/regctl", "regctl", "tests/real/install.sh regctl")
}

/// Returns cargo-cyclonedx, which generates the SBOM.
pub fn cargo_cyclonedx() -> Option<PathBuf> {
    part("bin/cargo-cyclonedx", "cargo-cyclonedx", "tests/real/install.sh cargo-cyclonedx")
}

/// Returns a Python with the `CycloneDX` library, which contains the schema.
pub fn cyclonedx_python() -> Option<PathBuf> {
    part("cyclonedx/bin/python", "the CycloneDX library", "tests/real/install.sh cyclonedx")
}

/// Returns the command prefix that runs a program of `architecture` (`amd64` or `arm64`) on this
/// machine: empty for the native architecture, otherwise qemu.
pub fn runner_for(architecture: &str) -> Option<Vec<PathBuf>> {
    let (native, qemu) = match architecture {
        "amd64" => (cfg!(target_arch = "x86_64"), "qemu-x86_64-static"),
        "arm64" => (cfg!(target_arch = "aarch64"), "qemu-aarch64-static"),
        other => panic!("unsupported architecture {other:?}"),
    };
    if native { Some(Vec::new()) } else { Some(vec![program(qemu, "qemu-user-static")?]) }
}

/// Returns the binary `path` below cargo's target folder, if it is static. `cargo build --release`
/// builds a dynamic binary at the same path.
fn statically_linked(path: &str, what: &str, how: &str) -> Option<PathBuf> {
    let binary = target().join(path);
    if fs::read(&binary).is_ok_and(|elf| !has_interpreter(&elf)) {
        return Some(binary);
    }
    not_run(what, how);
    None
}

/// Returns the path of an installed program. `package` is the Debian package that installs it.
pub fn program(name: &str, package: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];
    let mut paths = folders.iter().map(|folder| Path::new(folder).join(name));
    let program = paths.find(|path| path.exists());
    if program.is_none() {
        not_run(name, &format!("install the package {package}"));
    }
    program
}

/// Returns `Some` if the tests run as root, which chroot and mount require.
pub fn require_root() -> Option<()> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        not_run("the permission to chroot and mount", "run the tests as root");
    }
    is_root.then_some(())
}

/// Returns `Some` if the device file `path` exists. Some containers do not have it.
pub fn device(path: &str) -> Option<()> {
    let exists = Path::new(path).exists();
    if !exists {
        not_run(path, "run the tests on a machine with this device");
    }
    exists.then_some(())
}

/// Returns whether this 64-bit little-endian ELF file has a program header of type `PT_INTERP`.
fn has_interpreter(elf: &[u8]) -> bool {
    const PT_INTERP: usize = 3;
    let number = |at: usize, bytes: usize| {
        elf[at..at + bytes]
            .iter()
            .rev()
            .fold(0_usize, |value, byte| value << 8 | usize::from(*byte))
    };
    let (headers, size, count) = (number(0x20, 8), number(0x36, 2), number(0x38, 2));
    (0..count).any(|index| number(headers + index * size, 4) == PT_INTERP)
}

/// Returns the path `name` below `target/real-parts`. If it does not exist, logs the skipped test and
/// returns `None`.
pub fn part(name: &str, what: &str, how: &str) -> Option<PathBuf> {
    let path = target().join("real-parts").join(name);
    if path.exists() {
        return Some(path);
    }
    not_run(what, how);
    None
}

/// Returns cargo's target folder. The program of this process is in `target/PROFILE` or `target/PROFILE/deps`.
pub fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let program = env::current_exe().unwrap();
        let folder = program.parent().unwrap();
        let profile = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
        profile.parent().unwrap().to_owned()
    })
}

/// Logs that the current test is skipped because `what` is missing, and `how` to install it. Panics if
/// `REQUIRE_REAL=1`.
pub fn not_run(what: &str, how: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("NOT RUN: {test}: {what} is missing; {how}\n");
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let required = std::env::var_os("REQUIRE_REAL").is_some_and(|value| value == "1");
    assert!(!required, "{line}");
    // Not eprint!, which the test harness captures.
    io::stderr().write_all(line.as_bytes()).unwrap();
    let parts = target().join("real-parts");
    fs::create_dir_all(&parts).unwrap();
    let mut log =
        OpenOptions::new().create(true).append(true).open(parts.join("not-run.log")).unwrap();
    log.write_all(line.as_bytes()).unwrap();
}
