//! The packages as `make packages` makes them, of this version and of a later one, and the two package
//! managers.

use super::manual;
use crate::support::boot::node::Node;
use crate::support::real_parts::{nfpm, program, root_rights, static_binary};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// What `Cargo.toml` says.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version that a node is upgraded to.
pub const LATER: &str = "99.0.0";
/// The line that its defaults have more.
pub const LATER_DEFAULTS: &str = "\n# As of 99.0.0.\n";

/// A package's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For dpkg.
    Deb,
    /// For rpm.
    Rpm,
}

/// A folder with both forms of both architectures, of one version.
#[derive(Debug)]
pub struct Packages {
    folder: PathBuf,
    version: &'static str,
}

/// Those of this version, and those of [`LATER`]; made once.
pub fn packages() -> Option<&'static [Packages; 2]> {
    static MADE: OnceLock<[Packages; 2]> = OnceLock::new();
    // Asked of each test anew, so that each says that it does not run.
    let (nfpm, binary) = (nfpm()?, static_binary()?);
    program("git", "git")?;
    Some(MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        let _ = fs::remove_dir_all(&folder);
        let manual = manual::written(&folder.join("manual"));
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let later = later(&folder.join("source"));
        [(repository, VERSION), (&later, LATER)].map(|(source, version)| {
            let made = Packages { folder: folder.join(version), version };
            build(source, &nfpm, &binary, &manual, &made.folder);
            made
        })
    }))
}

/// Makes them anew from the same commit.
pub fn once_more(folder: &Path) {
    let manual = manual::written(&folder.join("manual"));
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    build(repository, &nfpm().unwrap(), &static_binary().unwrap(), &manual, folder);
}

/// `packaging/build.sh` for both architectures, as make calls it.
fn build(source: &Path, nfpm: &Path, binary: &Path, manual: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let foreign = folder.join("for-arm64");
    let for_arm64 = binary.with_file_name("../aarch64-unknown-linux-gnu/release/eni-bootstrap");
    if fs::copy(for_arm64, &foreign).is_err() {
        write(&foreign, &elf_for_arm64());
    }
    for (architecture, binary) in [("amd64", binary), ("arm64", &foreign)] {
        let mut script = Command::new(source.join("packaging/build.sh"));
        script.arg(architecture).args([binary, manual, folder]).env("NFPM", nfpm);
        if source != Path::new(env!("CARGO_MANIFEST_DIR")) {
            script.env("SOURCE_DATE_EPOCH", "1800000000"); // no git checkout
        }
        let ended = script.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""));
    }
}

/// The sources of a later version, whose defaults are others.
fn later(folder: &Path) -> PathBuf {
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

/// The head of a program for arm64, and nothing else, where `make static-arm64` has not made the program:
/// these packages are not installed here.
fn elf_for_arm64() -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(64, 0);
    head[16] = 3; // a position-independent program
    head[18] = 0xb7; // of AArch64
    head
}

#[expect(clippy::disallowed_methods, reason = "a test's fixture, not a node's file")]
fn write(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
}

impl Packages {
    /// The file of one of them, for amd64 or arm64.
    pub fn file(&self, form: Form, architecture: &str) -> PathBuf {
        let version = self.version;
        self.folder.join(match (form, architecture) {
            (Form::Deb, _) => format!("eni-bootstrap_{version}-1_{architecture}.deb"),
            (Form::Rpm, "amd64") => format!("eni-bootstrap-{version}-1.x86_64.rpm"),
            (Form::Rpm, _) => format!("eni-bootstrap-{version}-1.aarch64.rpm"),
        })
    }
}

/// Where a package of `version` stands on a node.
pub fn place(form: Form, version: &str) -> String {
    let extension = if form == Form::Deb { "deb" } else { "rpm" };
    format!("/root/eni-bootstrap-{version}.{extension}")
}

impl Form {
    /// Its name, for a test's case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }

    /// Puts both versions on the node's disk, and for rpm what every image of its kind has: a package
    /// that provides the shell, and the folder of licences.
    pub fn bring(self, node: &Node) -> Option<()> {
        root_rights()?;
        let [this, later] = packages()?;
        for made in [this, later] {
            let to = node.path(&place(self, made.version));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(made.file(self, "amd64"), to).unwrap();
        }
        if self == Self::Rpm {
            fs::create_dir_all(node.path("usr/share/licenses")).unwrap();
            base(&node.path("root/base.rpm"));
            succeeds(&node.chroot(&["rpm", "--force-debian", "--install", "/root/base.rpm"]));
        }
        Some(())
    }

    /// To install or upgrade to a version that [`Form::bring`] has brought.
    pub fn install(self, version: &str) -> Vec<String> {
        let file = place(self, version);
        self.command(["--install"], ["--upgrade"], &file)
    }

    /// To remove it.
    pub fn remove(self) -> Vec<String> {
        self.command(["--remove"], ["--erase"], "eni-bootstrap")
    }

    /// To remove all that the removal has left; an rpm leaves nothing to do.
    pub fn purge(self) -> Vec<String> {
        match self {
            Self::Deb => self.command(["--purge"], [""], "eni-bootstrap"),
            Self::Rpm => vec!["true".to_owned()],
        }
    }

    fn command<const N: usize>(self, deb: [&str; N], rpm: [&str; N], what: &str) -> Vec<String> {
        let words: Vec<&str> = match self {
            Self::Deb => [&["dpkg"], &deb[..]].concat(),
            // Debian's rpm wants to be told that it is meant.
            Self::Rpm => [&["rpm", "--force-debian"], &rpm[..]].concat(),
        };
        words.into_iter().chain([what]).map(str::to_owned).collect()
    }
}

/// An rpm that provides what the root's own packages, which rpm does not know, have.
fn base(file: &Path) {
    let scratch = tempfile::tempdir().unwrap();
    let config = scratch.path().join("base.yaml");
    let yaml = "name: base\narch: all\nversion: 1.0.0\nmaintainer: nobody <nobody@invalid>\nprovides: [/bin/sh]\n";
    write(&config, yaml.as_bytes());
    let mut pack = Command::new(nfpm().unwrap());
    pack.args(["package", "--packager", "rpm", "--config"]).arg(config).arg("--target").arg(file);
    succeeds(&pack.output().unwrap());
}

/// What a command that must succeed has printed on stdout.
pub fn succeeds(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
