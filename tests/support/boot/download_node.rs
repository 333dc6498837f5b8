//! A node of an image without eni-bootstrap, launched with user data that downloads it
//! (`examples/user-data`).

use super::Fixture;
use super::machine::Machine;
use super::node::Family::{self, Al2, Al2023, Kubeadm};
use crate::behaviour::user_data::{example, script};
use crate::support::real_parts::{
    MetadataMock, Server, file_server, instance, metadata_mock, static_binary,
};
use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The certificate authority of the download server.
const AUTHORITY: &str = "etc/test-authority.pem";
const PROGRAM: &str = "usr/bin/eni-bootstrap";
/// Where cloud-init writes the script from user data.
pub const SCRIPT: &str = "/var/lib/cloud/instance/scripts/part-001";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// A checksum that does not match the program.
const WRONG_SHA256: &str = "1111111111111111111111111111111111111111111111111111111111111111";

/// A node with the example user data of its family, and the server that it downloads the program from.
pub struct DownloadNode {
    pub fixture: Fixture,
    /// The download server; `None` to make it unreachable.
    pub server: Option<Server>,
    /// The file that the server serves.
    pub file: PathBuf,
    /// The download URL of the program.
    pub url: String,
    sha256: String,
    _imds: MetadataMock,
    _downloads: TempDir,
}

impl DownloadNode {
    /// Removes eni-bootstrap from the image and sets the example user data. `changes` are additional
    /// replacements in the example, as (from, to).
    pub fn new(case: &str, family: Family, changes: &[(&str, &str)]) -> Option<Self> {
        let (fixture, binary) = (Fixture::new(case, family)?, static_binary()?);
        fixture.create_eni_config();
        fixture.node.systemctl(&["disable", "eni-bootstrap.service"]);
        for file in ["usr/lib/systemd/system/eni-bootstrap.service", PROGRAM] {
            fs::remove_file(fixture.node.path(file)).unwrap();
        }
        for folder in ["usr/lib/eni-bootstrap", "usr/share/eni-bootstrap", "etc/eni-bootstrap"] {
            fs::remove_dir_all(fixture.node.path(folder)).unwrap();
        }

        let downloads = tempfile::tempdir().unwrap();
        let path = format!("eni-bootstrap/{VERSION}/eni-bootstrap-{ARCH}");
        let file = downloads.path().join(&path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        symlink(&binary, &file).unwrap();
        let sum = Command::new("sha256sum").arg(binary).output().unwrap().stdout;
        let sha256 = String::from_utf8(sum).unwrap().split(' ').next().unwrap().to_owned();

        let (server, authority) = file_server(downloads.path())?;
        let endpoint = server.endpoint().replace("http:", "https:");
        fixture.node.write(AUTHORITY, &authority);
        let trust = format!("[Service]\nEnvironment=CURL_CA_BUNDLE=/{AUTHORITY}\n");
        for unit in ["eni-bootstrap.service", "eni-bootstrap-retry.service"] {
            fixture.node.drop_in(unit, "60-test-authority", &trust);
        }
        let user_data = match family {
            Al2023 => example("al2023.txt"),
            Al2 => example("al2.txt"),
            Kubeadm => panic!("no example user data for kubeadm"),
        };
        let placeholders = [
            ("my-cluster", "real"),
            ("https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com", &fixture.cluster.url()),
            ("Y2VydGlmaWNhdGVBdXRob3JpdHk=", &fixture.cluster.ca_base64()),
            ("https://downloads.example.com", &endpoint),
            (&"0".repeat(64), &sha256),
        ];
        let user_data = placeholders.iter().chain(changes).fold(user_data, |text, (from, to)| {
            assert!(text.contains(from), "{from:?} not found in:\n{text}");
            text.replace(from, to)
        });
        fixture.node.raw_user_script(&script(&user_data));
        let imds = metadata_mock(instance("c5.large", "us-west-2a", user_data))?;
        fixture.node.use_imds(&imds);
        let url = format!("{endpoint}/{path}");
        Some(Self {
            fixture,
            server: Some(server),
            file,
            url,
            sha256,
            _imds: imds,
            _downloads: downloads,
        })
    }

    /// Boots the node, and waits until the boot is complete.
    pub fn boot(&self) -> Machine {
        let machine = self.fixture.node.boot();
        machine.wait_until_booted();
        machine
    }

    /// Boots the node. Asserts that the download fails with the error `cause` and `help` on the
    /// console, that it blocks `next` and the kubelet, and that nothing is installed.
    pub fn boot_with_failed_download(&self, next: &str, cause: &str, help: &str) -> Machine {
        let machine = self.boot();
        machine.wait_for_console(&format!("Dependency failed for {next}"));
        let mut log = machine.console_lines_of("eni-bootstrap-fetch");
        // Replace the duration that curl reports.
        if let Some((before, after)) = log.split_once(" ms: ") {
            let duration = before.rsplit(' ').next().unwrap();
            log = format!("{}N ms: {after}", before.strip_suffix(duration).unwrap());
        }
        let expected = format!(
            "error: failed to install eni-bootstrap {VERSION}\n  caused by: {cause}\n  help: {help}\n"
        );
        assert_eq!(log, expected);
        machine.order().assert_never_started("kubelet.service");
        assert_eq!(self.installed(), Vec::<String>::new());
        machine
    }

    /// Returns the files in `/usr/bin` that belong to eni-bootstrap, partial downloads included.
    pub fn installed(&self) -> Vec<String> {
        let folder = fs::read_dir(self.fixture.node.path("usr/bin")).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("eni-bootstrap")).collect()
    }

    /// Replaces the checksum in user data with one that does not match.
    pub fn expect_wrong_checksum(&self) {
        self.fixture.node.raw_user_script(&self.script().replace(&self.sha256, WRONG_SHA256));
    }

    /// Returns the script that cloud-init runs.
    pub fn script(&self) -> String {
        fs::read_to_string(self.fixture.node.path(SCRIPT)).unwrap()
    }

    /// Returns the cause of the download error after [`Self::expect_wrong_checksum`].
    pub fn checksum_error(&self) -> String {
        format!("{} has SHA-256 \"{}\", expected \"{WRONG_SHA256}\"", self.url, self.sha256)
    }

    /// Returns the inode of the installed program.
    pub fn inode(&self) -> u64 {
        fs::metadata(self.fixture.node.path(PROGRAM)).unwrap().ino()
    }
}
