//! The packages that `packaging/build.sh` builds, of this version and of a later one, and the commands
//! of the two package managers.

use crate::support::boot::node::Node;
use crate::support::manual::write_manual;
use crate::support::real_parts::{cargo_cyclonedx, nfpm, program, require_root, static_binary};
use crate::support::sbom::write_sbom;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The version in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The later version, to test upgrades.
pub const LATER: &str = "99.0.0";
/// The line that the later version appends to `50-defaults.toml`.
pub const LATER_DEFAULTS: &str = "\n# As of 99.0.0.\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageFormat {
    Deb,
    Rpm,
}

/// A folder with the packages of one version: both formats for both architectures.
#[derive(Debug)]
pub struct Packages {
    folder: PathBuf,
    version: &'static str,
}

/// Returns the packages of [`VERSION`] and of [`LATER`]. The first call builds them.
pub fn packages() -> Option<&'static [Packages; 2]> {
    static BUILT: OnceLock<[Packages; 2]> = OnceLock::new();
    // Checked in every call, so that every skipped test is reported.
    let (nfpm, binary) = (nfpm()?, static_binary()?);
    program("git", "git")?;
    cargo_cyclonedx()?;
    program("jq", "jq")?;
    Some(BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        let _ = fs::remove_dir_all(&folder);
        let documents = write_documents(&folder, &binary);
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let later = later_source(&folder.join("source"));
        [(repository, VERSION), (&later, LATER)].map(|(source, version)| {
            let packages = Packages { folder: folder.join(version), version };
            build(source, &nfpm, &binary, &documents, &packages.folder, &[]);
            packages
        })
    }))
}

/// Builds the packages of [`VERSION`] again in `folder`, with these environment variables.
pub fn rebuild(folder: &Path, variables: &[(&str, &str)]) -> Packages {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = static_binary().unwrap();
    let documents = write_documents(folder, &binary);
    build(repository, &nfpm().unwrap(), &binary, &documents, folder, variables);
    Packages { folder: folder.to_owned(), version: VERSION }
}

/// Runs `packaging/build.sh` for amd64 with these environment variables.
pub fn try_rebuild(folder: &Path, variables: &[(&str, &str)]) -> Output {
    let binary = static_binary().unwrap();
    let documents = write_documents(folder, &binary);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut script = Command::new(repository.join("packaging/build.sh"));
    script.arg("amd64").args([&binary, &documents, folder]).env("NFPM", nfpm().unwrap());
    script.env_remove("SIGNING_PASSPHRASE").envs(variables.iter().copied()).output().unwrap()
}

/// Writes the files that the packages contain besides the binary to `folder/documents`.
fn write_documents(folder: &Path, binary: &Path) -> PathBuf {
    let documents = folder.join("documents");
    write_manual(&documents);
    for (architecture, binary) in [("amd64", binary), ("arm64", &for_arm64(folder, binary))] {
        let file = documents.join(format!("eni-bootstrap-{architecture}.cdx.json"));
        write_sbom(architecture, binary, &file);
    }
    documents
}

/// Writes the arm64 binary to `folder`, and returns its path.
fn for_arm64(folder: &Path, binary: &Path) -> PathBuf {
    let arm64 = folder.join("for-arm64");
    let built = binary.with_file_name("../aarch64-unknown-linux-gnu/release/eni-bootstrap");
    fs::create_dir_all(folder).unwrap();
    if fs::copy(built, &arm64).is_err() {
        write(&arm64, &arm64_elf_header());
    }
    arm64
}

/// Runs `packaging/build.sh` of `source` for both architectures, as the Makefile does.
fn build(
    source: &Path,
    nfpm: &Path,
    binary: &Path,
    documents: &Path,
    folder: &Path,
    variables: &[(&str, &str)],
) {
    let arm64 = for_arm64(folder, binary);
    for (architecture, binary) in [("amd64", binary), ("arm64", &arm64)] {
        let mut script = Command::new(source.join("packaging/build.sh"));
        script.arg(architecture).args([binary, documents, folder]).env("NFPM", nfpm);
        script.env_remove("SIGNING_KEY").envs(variables.iter().copied());
        if source != Path::new(env!("CARGO_MANIFEST_DIR")) {
            script.env("SOURCE_DATE_EPOCH", "1800000000"); // `source` is not a git checkout
        }
        let output = script.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    }
}

/// Copies the files that `packaging/build.sh` reads, changes the version to [`LATER`], and appends
/// [`LATER_DEFAULTS`].
fn later_source(folder: &Path) -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(folder).unwrap();
    let copied = Command::new("cp")
        .args(["-a", "--target-directory"])
        .arg(folder)
        .args(["packaging", "systemd", "CHANGELOG.md", "Cargo.toml", "LICENSE"])
        .current_dir(repository)
        .status();
    assert!(copied.unwrap().success());
    let change = |name: &str, changed: &dyn Fn(&str) -> String| {
        let file = folder.join(name);
        let text = fs::read_to_string(&file).unwrap();
        assert_ne!(changed(&text), text, "{name}");
        write(&file, changed(&text).as_bytes());
    };
    let version = |version: &str| format!("\nversion = \"{version}\"\n");
    change("Cargo.toml", &|text| text.replacen(&version(VERSION), &version(LATER), 1));
    change("packaging/50-defaults.toml", &|text| format!("{text}{LATER_DEFAULTS}"));
    folder.to_owned()
}

/// Returns an ELF header for arm64. It replaces the binary if `make static-arm64` has not built it. The
/// tests do not install the arm64 packages.
fn arm64_elf_header() -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(64, 0);
    header[16] = 3; // ET_DYN: a position-independent executable
    header[18] = 0xb7; // EM_AARCH64
    header
}

#[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
fn write(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
}

impl Packages {
    /// Returns the path of a package, for `amd64` or `arm64`.
    pub fn file(&self, format: PackageFormat, architecture: &str) -> PathBuf {
        let version = self.version;
        self.folder.join(match (format, architecture) {
            (PackageFormat::Deb, _) => format!("eni-bootstrap_{version}-1_{architecture}.deb"),
            (PackageFormat::Rpm, "amd64") => format!("eni-bootstrap-{version}-1.x86_64.rpm"),
            (PackageFormat::Rpm, _) => format!("eni-bootstrap-{version}-1.aarch64.rpm"),
        })
    }
}

/// Returns the path to which [`PackageFormat::copy_to`] copies the package of `version`.
pub fn package_path(format: PackageFormat, version: &str) -> String {
    let extension = if format == PackageFormat::Deb { "deb" } else { "rpm" };
    format!("/root/eni-bootstrap-{version}.{extension}")
}

impl PackageFormat {
    pub fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }

    /// Copies the packages of both versions to the node's disk. For rpm, also adds what every rpm-based
    /// image has: a package that provides the shell, and the folder of licenses.
    pub fn copy_to(self, node: &Node) -> Option<()> {
        require_root()?;
        let [this, later] = packages()?;
        for packages in [this, later] {
            let to = node.path(&package_path(self, packages.version));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(packages.file(self, "amd64"), to).unwrap();
        }
        if self == Self::Rpm {
            fs::create_dir_all(node.path("usr/share/licenses")).unwrap();
            build_base_rpm(&node.path("root/base.rpm"));
            stdout_of_success(&node.chroot(&[
                "rpm",
                "--force-debian",
                "--install",
                "/root/base.rpm",
            ]));
        }
        Some(())
    }

    /// Returns the command that installs or upgrades to `version`.
    pub fn install_command(self, version: &str) -> Vec<String> {
        let file = package_path(self, version);
        self.command(["--install"], ["--upgrade"], &file)
    }

    /// Returns the command that removes the package.
    pub fn remove_command(self) -> Vec<String> {
        self.command(["--remove"], ["--erase"], "eni-bootstrap")
    }

    /// Returns the command that purges the removed package. For rpm it does nothing.
    pub fn purge_command(self) -> Vec<String> {
        match self {
            Self::Deb => self.command(["--purge"], [""], "eni-bootstrap"),
            Self::Rpm => vec!["true".to_owned()],
        }
    }

    fn command<const N: usize>(self, deb: [&str; N], rpm: [&str; N], what: &str) -> Vec<String> {
        let words: Vec<&str> = match self {
            Self::Deb => [&["dpkg"], &deb[..]].concat(),
            // On Debian, rpm requires this flag to install packages.
            Self::Rpm => [&["rpm", "--force-debian"], &rpm[..]].concat(),
        };
        words.into_iter().chain([what]).map(str::to_owned).collect()
    }
}

/// Builds an rpm that provides `/bin/sh`. The root is a Debian, whose packages rpm does not see.
fn build_base_rpm(file: &Path) {
    let scratch = tempfile::tempdir().unwrap();
    let config = scratch.path().join("base.yaml");
    let yaml = "name: base\narch: all\nversion: 1.0.0\nmaintainer: nobody <nobody@invalid>\nprovides: [/bin/sh]\n";
    write(&config, yaml.as_bytes());
    let mut pack = Command::new(nfpm().unwrap());
    pack.args(["package", "--packager", "rpm", "--config"]).arg(config).arg("--target").arg(file);
    stdout_of_success(&pack.output().unwrap());
}

/// Returns `command` as the argument list that the node helpers take.
pub fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

/// Returns the stdout of a command. Asserts that it succeeded.
pub fn stdout_of_success(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
