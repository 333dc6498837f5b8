//! A node of an image with nothing of ours in it, launched with user data that fetches the program
//! (`examples/user-data`).

use super::Site;
use super::machine::Machine;
use super::node::Family::{self, Al2, Al2023};
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

const PROGRAM: &str = "usr/bin/eni-bootstrap";
/// Where cloud-init leaves the script.
pub const SCRIPT: &str = "/var/lib/cloud/instance/scripts/part-001";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// A checksum that the program has not.
const WRONG: &str = "1111111111111111111111111111111111111111111111111111111111111111";

/// A node that is launched with an example for its family, and the place that has the program.
pub struct Launched {
    pub site: Site,
    pub server: Option<Server>,
    /// What it serves.
    pub file: PathBuf,
    /// Where the program is to be had, and its checksum.
    pub url: String,
    sha256: String,
    _imds: MetadataMock,
    _downloads: TempDir,
}

impl Launched {
    /// Leaves the image with nothing of ours. `change` is what its owner changes in the example,
    /// beyond what everyone has to.
    pub fn new(case: &str, family: Family, change: &[(&str, &str)]) -> Option<Self> {
        let (site, binary) = (Site::new(case, family)?, static_binary()?);
        site.create_eni_config();
        site.node.systemctl(&["disable", "eni-bootstrap.service"]);
        for ours in ["usr/lib/systemd/system/eni-bootstrap.service", PROGRAM] {
            fs::remove_file(site.node.path(ours)).unwrap();
        }
        for ours in ["usr/lib/eni-bootstrap", "usr/share/eni-bootstrap", "etc/eni-bootstrap"] {
            fs::remove_dir_all(site.node.path(ours)).unwrap();
        }

        let downloads = tempfile::tempdir().unwrap();
        let path = format!("eni-bootstrap/{VERSION}/eni-bootstrap-{ARCH}");
        let file = downloads.path().join(&path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        symlink(&binary, &file).unwrap();
        let sum = Command::new("sha256sum").arg(binary).output().unwrap().stdout;
        let sha256 = String::from_utf8(sum).unwrap().split(' ').next().unwrap().to_owned();

        let server = file_server(downloads.path())?;
        let user_data = match family {
            Al2023 => example("al2023.txt"),
            Al2 => example("al2.txt"),
        };
        let everyones = [
            ("my-cluster", "real"),
            ("https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com", &site.cluster.url()),
            ("Y2VydGlmaWNhdGVBdXRob3JpdHk=", &site.cluster.ca_base64()),
            ("https://downloads.example.com", &server.endpoint()),
            (&"0".repeat(64), &sha256),
        ];
        let user_data = everyones.iter().chain(change).fold(user_data, |text, (from, to)| {
            assert!(text.contains(from), "{from} in {text}");
            text.replace(from, to)
        });
        site.node.whole_user_script(&script(&user_data));
        let imds = metadata_mock(instance("c5.large", "us-west-2a", user_data))?;
        site.node.use_imds(&imds);
        let url = format!("{}/{path}", server.endpoint());
        Some(Self {
            site,
            server: Some(server),
            file,
            url,
            sha256,
            _imds: imds,
            _downloads: downloads,
        })
    }

    pub fn boot(&self) -> Machine {
        let machine = self.site.node.boot();
        machine.booted();
        machine
    }

    /// Boots in vain: the console says why, the kubelet has not started, and nothing is installed.
    pub fn boots_in_vain(&self, next: &str, cause: &str, help: &str) -> Machine {
        let machine = self.boot();
        machine.console_until(&format!("Dependency failed for {next}"));
        let mut said = machine.console_of("eni-bootstrap-fetch");
        // curl says how long it took.
        if let Some((before, after)) = said.split_once(" ms: ") {
            let how_long = before.rsplit(' ').next().unwrap();
            said = format!("{}N ms: {after}", before.strip_suffix(how_long).unwrap());
        }
        let expected = format!(
            "error: failed to install eni-bootstrap {VERSION}\n  caused by: {cause}\n  help: {help}\n"
        );
        assert_eq!(said, expected);
        machine.order().never_started("kubelet.service");
        assert_eq!(self.installed(), Vec::<String>::new());
        machine
    }

    /// What is in the program's place, or was to be.
    pub fn installed(&self) -> Vec<String> {
        let folder = fs::read_dir(self.site.node.path("usr/bin")).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("eni-bootstrap")).collect()
    }

    /// Has user data expect another checksum.
    pub fn expects_another(&self) {
        self.site.node.whole_user_script(&self.script().replace(&self.sha256, WRONG));
    }

    /// What cloud-init runs.
    pub fn script(&self) -> String {
        fs::read_to_string(self.site.node.path(SCRIPT)).unwrap()
    }

    /// Why the file is refused then.
    pub fn other_file(&self) -> String {
        format!("{} has SHA-256 \"{}\", expected \"{WRONG}\"", self.url, self.sha256)
    }

    pub fn inode(&self) -> u64 {
        fs::metadata(self.site.node.path(PROGRAM)).unwrap().ino()
    }
}
