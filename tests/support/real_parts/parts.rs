//! Where the real parts are, and what is said of one that is missing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;

/// A Debian trixie root, whose nsswitch.conf names `resolve` and `myhostname`, to run a program in
/// with chroot (root only).
pub fn trixie_root() -> Option<PathBuf> {
    part("trixie-root", "the trixie root", "tests/real/install.sh root")
}

/// nodeadm, to be put in a root.
pub fn nodeadm_program() -> Option<PathBuf> {
    part("bin/nodeadm", "nodeadm", "tests/real/install.sh nodeadm")
}

/// nfpm, which makes the packages.
pub fn nfpm() -> Option<PathBuf> {
    part("bin/nfpm", "nfpm", "tests/real/install.sh nfpm")
}

/// A Debian root with systemd and rpm in it, to boot a copy of (root only).
pub fn boot_root() -> Option<PathBuf> {
    part("boot-root", "the root to boot", "tests/real/install.sh boot")
}

/// Where boots leave what they showed.
pub fn boot_records() -> PathBuf {
    target().join("boot-records")
}

/// The static binary.
pub fn static_binary() -> Option<PathBuf> {
    statically_linked("release/eni-bootstrap", "the static binary", "make static")
}

/// The static binary for arm64; [`runs_by`] says what this machine runs it with.
pub fn arm64_binary() -> Option<PathBuf> {
    let place = "aarch64-unknown-linux-gnu/release/eni-bootstrap";
    statically_linked(place, "the static binary for arm64", "make static-arm64")
}

/// The folder with the container image, an OCI layout in `oci` and a tar of it.
pub fn container_image() -> Option<PathBuf> {
    let folder = target().join("image");
    if folder.join("oci/index.json").exists() {
        return Some(folder);
    }
    not_run("the container image", "make image");
    None
}

/// regctl, which writes the container image.
pub fn regctl() -> Option<PathBuf> {
    part("bin/regctl", "regctl", "tests/real/install.sh regctl")
}

/// What this machine runs a program of `architecture` (`amd64` or `arm64`) with: nothing more, or
/// qemu before it.
pub fn runs_by(architecture: &str) -> Option<Vec<PathBuf>> {
    let (native, qemu) = match architecture {
        "amd64" => (cfg!(target_arch = "x86_64"), "qemu-x86_64-static"),
        "arm64" => (cfg!(target_arch = "aarch64"), "qemu-aarch64-static"),
        other => panic!("nothing is built for {other}"),
    };
    if native { Some(Vec::new()) } else { Some(vec![program(qemu, "qemu-user-static")?]) }
}

/// A binary below cargo's target folder. One that needs an interpreter (of a plain `cargo build
/// --release`) is as good as none.
fn statically_linked(place: &str, what: &str, how: &str) -> Option<PathBuf> {
    let binary = target().join(place);
    if fs::read(&binary).is_ok_and(|elf| !has_interpreter(&elf)) {
        return Some(binary);
    }
    not_run(what, how);
    None
}

/// A program of this machine's, found on its path.
pub fn program(name: &str, package: &str) -> Option<PathBuf> {
    let places = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];
    let found = places.iter().map(|place| Path::new(place).join(name)).find(|path| path.exists());
    if found.is_none() {
        not_run(name, &format!("install the package {package}"));
    }
    found
}

/// Whether the tests run as root, as chroot and mount need it.
pub fn root_rights() -> Option<()> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|myself| myself.uid() == 0);
    if !is_root {
        not_run("root's right to chroot and to mount", "run the tests as root");
    }
    is_root.then_some(())
}

/// Whether this ELF file (64 bits, little-endian) has a program header of type `PT_INTERP`.
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

/// `name` below `target/real-parts`, or `None` and a note if it is not there.
pub fn part(name: &str, what: &str, how: &str) -> Option<PathBuf> {
    let path = target().join("real-parts").join(name);
    if path.exists() {
        return Some(path);
    }
    not_run(what, how);
    None
}

/// Cargo's target folder.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Says that the running test did not run because `what` is missing, and `how` to get it.
fn not_run(what: &str, how: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("NOT RUN: {test}: {what} is missing; {how}\n");
    #[expect(clippy::disallowed_methods, reason = "the tests' own switch, not a setting")]
    let required = std::env::var_os("REQUIRE_REAL").is_some_and(|value| value == "1");
    assert!(!required, "{line}");
    // Not eprint!: the test harness would keep it to itself.
    io::stderr().write_all(line.as_bytes()).unwrap();
    let parts = target().join("real-parts");
    fs::create_dir_all(&parts).unwrap();
    let mut log =
        OpenOptions::new().create(true).append(true).open(parts.join("not-run.log")).unwrap();
    log.write_all(line.as_bytes()).unwrap();
}
