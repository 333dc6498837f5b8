//! The signatures of the packages, checked with rpm and with debsig-verify.

use crate::support::packages::{
    PackageFormat, Packages, packages, rebuild, stdout_of_success, try_rebuild,
};
use crate::support::real_parts::program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const PASSPHRASE: &str = "a passphrase with spaces";
const OWNER: &str = "test key <test@eni-bootstrap.example>";

/// An `OpenPGP` key in its own `GnuPG` home directory.
struct Key {
    home: TempDir,
    /// The long key ID, as debsig-verify uses it.
    id: String,
}

impl Key {
    fn generate() -> Option<Self> {
        program("gpg", "gnupg")?;
        let mut key = Self { home: tempfile::tempdir().unwrap(), id: String::new() };
        key.gpg(&["--quick-generate-key", OWNER, "rsa3072", "sign", "never"]);
        let listed = key.gpg(&["--list-keys", "--with-colons"]);
        let public = listed.lines().find(|line| line.starts_with("pub:")).unwrap();
        key.id.push_str(public.split(':').nth(4).unwrap());
        key.gpg(&["--armor", "--output", key.path("public.asc").to_str().unwrap(), "--export"]);
        key.gpg(&["--output", key.path("public.gpg").to_str().unwrap(), "--export"]);
        let secret = key.path("secret.asc");
        key.gpg(&["--armor", "--output", secret.to_str().unwrap(), "--export-secret-keys"]);
        Some(key)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn gpg(&self, arguments: &[&str]) -> String {
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase", PASSPHRASE]);
        stdout_of_success(&gpg.args(arguments).env("GNUPGHOME", self.home.path()).output().unwrap())
    }

    /// Builds the packages with this key in `folder`.
    fn sign(&self, folder: &Path) -> Packages {
        let secret = self.path("secret.asc");
        let variables =
            [("SIGNING_KEY", secret.to_str().unwrap()), ("SIGNING_PASSPHRASE", PASSPHRASE)];
        rebuild(folder, &variables)
    }

    /// Checks the rpm with a database that contains only this key.
    fn check_rpm(&self, file: &Path) -> (Option<i32>, String) {
        let database = tempfile::tempdir().unwrap();
        let rpm = |arguments: &[&str], file: &Path| {
            let mut rpm = Command::new("rpm");
            rpm.arg("--dbpath").arg(database.path()).args(arguments).arg(file);
            rpm.output().unwrap()
        };
        stdout_of_success(&rpm(&["--import"], &self.path("public.asc")));
        result(&rpm(&["--checksig"], file), file)
    }

    /// Checks the deb with a policy that requires a signature with this key.
    fn check_deb(&self, file: &Path) -> (Option<i32>, String) {
        let policy = format!(
            r#"<?xml version="1.0"?>
<!DOCTYPE Policy SYSTEM "https://www.debian.org/debsig/1.0/policy.dtd">
<Policy xmlns="https://www.debian.org/debsig/1.0/">
  <Origin Name="test" id="{id}" Description="test"/>
  <Selection><Required Type="origin" File="key.gpg" id="{id}"/></Selection>
  <Verification MinOptional="0"><Required Type="origin" File="key.gpg" id="{id}"/></Verification>
</Policy>
"#,
            id = self.id
        );
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = root.path().join(name).join(&self.id);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        write(&folder("policies").join("test.pol"), policy.as_bytes());
        fs::copy(self.path("public.gpg"), folder("keyrings").join("key.gpg")).unwrap();
        let mut verify = Command::new("debsig-verify");
        for name in ["policies", "keyrings"] {
            verify.arg(format!("--{name}-dir")).arg(root.path().join(name));
        }
        result(&verify.arg(file).output().unwrap(), file)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let mut stop = Command::new("gpgconf");
        let _ = stop.args(["--kill", "gpg-agent"]).env("GNUPGHOME", self.home.path()).status();
    }
}

/// Returns the exit status and the output, in which `PACKAGE` replaces the path.
fn result(output: &Output, file: &Path) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    (output.status.code(), text.replace(file.to_str().unwrap(), "PACKAGE"))
}

#[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
fn write(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
}

/// Changes one byte in the middle of a file.
fn corrupt(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    write(file, &bytes);
}

#[test]
fn rpm_and_debsig_verify_accept_only_packages_with_a_signature_of_the_key() {
    let (Some(_), Some(_), Some([unsigned, _]), Some(key), Some(other)) = (
        program("rpm", "rpm"),
        program("debsig-verify", "debsig-verify"),
        packages(),
        Key::generate(),
        Key::generate(),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let signed = key.sign(folder.path());
    let text = |status, text: &str| (Some(status), format!("PACKAGE: {text}\n"));
    for architecture in ["amd64", "arm64"] {
        let unsigned = unsigned.file(PackageFormat::Rpm, architecture);
        assert_eq!(key.check_rpm(&unsigned), text(0, "digests OK"));
        let signed = signed.file(PackageFormat::Rpm, architecture);
        assert_eq!(key.check_rpm(&signed), text(0, "digests signatures OK"));
        assert_eq!(other.check_rpm(&signed), text(1, "digests SIGNATURES NOT OK"));
        corrupt(&signed);
        assert_eq!(key.check_rpm(&signed), text(1, "DIGESTS SIGNATURES NOT OK"));
    }
    // The exit statuses of debsig-verify: no signature, no policy for the key, invalid signature.
    for architecture in ["amd64", "arm64"] {
        let unsigned = unsigned.file(PackageFormat::Deb, architecture);
        assert_eq!(key.check_deb(&unsigned).0, Some(10));
        let signed = signed.file(PackageFormat::Deb, architecture);
        assert_eq!(key.check_deb(&signed).0, Some(0));
        assert_eq!(other.check_deb(&signed).0, Some(11));
        corrupt(&signed);
        assert_eq!(key.check_deb(&signed).0, Some(13));
    }
}

#[test]
fn build_without_the_passphrase_or_the_key_fails() {
    let (Some([_, _]), Some(key)) = (packages(), Key::generate()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let secret = key.path("secret.asc");
    let missing = key.path("missing.asc");
    let fails = |variables: &[(&str, &str)]| {
        let output = try_rebuild(folder.path(), variables);
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), stderr)
    };
    let (status, stderr) = fails(&[("SIGNING_KEY", secret.to_str().unwrap())]);
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with("build.sh: nfpm failed to build the deb: "), "{stderr}");
    assert!(stderr.contains("key is encrypted but no passphrase was provided"), "{stderr}");
    assert_eq!(
        fails(&[("SIGNING_KEY", missing.to_str().unwrap())]),
        (
            Some(1),
            format!(
                "build.sh: {} not found; set SIGNING_KEY to the file of an OpenPGP key\n",
                missing.display()
            )
        )
    );
}
