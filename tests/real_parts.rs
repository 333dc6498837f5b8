//! The real servers that tests run against: EC2, EKS and STS ([`moto`]), the instance metadata
//! service ([`metadata_mock`]), a Kubernetes API server ([`cluster()`]), the AWS CLI
//! ([`aws_get_token`]), nodeadm ([`nodeadm()`]), a root with a newer glibc ([`trixie_root`]), one to
//! boot ([`boot_root`]), the static binaries ([`static_binary`], [`arm64_binary`]) and the container
//! image ([`container_image`]).
//!
//! `tests/real/install.sh`, `make static` and `make image` make them. Each function gives `None` where its part
//! is missing, after saying so on stderr and in `target/real-parts/not-run.log`: the test returns
//! at once. With `REQUIRE_REAL=1` a missing part is a failure.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

pub use aws::Account;
pub use awscli::aws_get_token;
pub use cluster::{Cluster, Request, Who, cluster};
pub use nodeadm::{Nodeadm, nodeadm};
use server::Server;

#[path = "real/answers.rs"]
mod answers;
#[path = "real/aws.rs"]
mod aws;
#[path = "real/awscli.rs"]
mod awscli;
#[path = "real/cluster.rs"]
mod cluster;
#[path = "real/cluster_answers.rs"]
mod cluster_answers;
#[path = "real/nodeadm.rs"]
mod nodeadm;
#[path = "real/server.rs"]
mod server;

/// The MAC address of the one interface of an [`instance`].
pub const MAC: &str = "02:00:00:00:00:0a";
/// The subnet of the interface of an [`instance`].
pub const SUBNET: &str = "subnet-0a0a0a0a0a0a0a0a0";
/// The VPC of an [`instance`].
pub const VPC: &str = "vpc-0b0b0b0b0b0b0b0b0";
/// The id of an [`instance`].
pub const INSTANCE_ID: &str = "i-0c0c0c0c0c0c0c0c0";
/// The address of an [`instance`].
pub const ADDRESS: &str = "10.20.0.10";
/// The role of an [`instance`]; its credentials never expire.
pub const ROLE: &str = "node-role";

/// EC2, EKS, STS and IAM in one server; it lives as long as the test process.
#[derive(Debug)]
pub struct Moto {
    /// Its address, to be used as the endpoint of every service.
    pub endpoint: String,
    _server: Server,
}

/// The EC2, EKS, STS and IAM of this test process, started on first use. State is shared by all
/// tests.
///
/// It tells services and regions apart by the signature's scope and does not check the signature; a
/// request without one is taken for S3.
pub fn moto() -> Option<&'static Moto> {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    // Asked of each test anew, so that each says that it does not run.
    part("moto/bin/moto_server", "moto", "tests/real/install.sh moto")?;
    MOTO.get().or_else(|| {
        let own = own_moto()?;
        Some(MOTO.get_or_init(|| own))
    })
}

/// The same for one test alone, which may change how it answers.
pub fn own_moto() -> Option<Moto> {
    let program = part("moto/bin/moto_server", "moto", "tests/real/install.sh moto")?;
    let server = Server::start(|at| {
        let mut command = Command::new(&program);
        command.args(["-H", &at.ip().to_string(), "-p", &at.port().to_string()]);
        command
    });
    Some(Moto { endpoint: server.endpoint(), _server: server })
}

impl Moto {
    /// The account in it.
    pub fn account(&self) -> Account<'_> {
        Account { endpoint: &self.endpoint }
    }
}

/// EC2's own answers to DescribeInstanceTypes, one for each type, as moto has them recorded.
pub fn ec2_record() -> Option<Vec<Value>> {
    let moto = part("moto", "moto", "tests/real/install.sh moto")?;
    let file = "lib/python3*/site-packages/moto/ec2/resources/instance_types.json.gz";
    let found = glob::glob(moto.join(file).to_str().unwrap()).unwrap().next();
    let packed = fs::File::open(found.unwrap().unwrap()).unwrap();
    let record: Value = serde_json::from_reader(flate2::read::GzDecoder::new(packed)).unwrap();
    Some(record.as_object().unwrap().values().cloned().collect())
}

/// An instance metadata service of its own for one test, IMDSv2 only; dropping it stops it.
#[derive(Debug)]
pub struct MetadataMock {
    server: Server,
    _config: NamedTempFile,
}

impl MetadataMock {
    /// Its address, without a path.
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }
}

/// Starts an instance metadata service that answers as `config` says: what [`instance`] makes,
/// changed as the test needs. An item whose path in `config` is set to `""` is not there (404).
///
/// Directory listings (`…/macs/`, `tags/instance/`) it answers without a token too, and it takes
/// the beginning of a name for a directory: use whole names for what must be absent.
#[expect(clippy::needless_pass_by_value, reason = "a configuration is made for one mock")]
pub fn metadata_mock(config: Value) -> Option<MetadataMock> {
    let program = part("bin/ec2-metadata-mock", "the metadata mock", "tests/real/install.sh imds")?;
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    let server = Server::start(|at| {
        let mut command = Command::new(&program);
        command.args(["--hostname", &at.ip().to_string(), "--port", &at.port().to_string()]);
        command.args(["--imdsv2", "--config-file"]).arg(file.path());
        // It keeps tokens and the answer under way in unguarded globals: two requests at the same
        // time end it ("concurrent map read and map write") unless only one thread runs at a time.
        command.env("GOMAXPROCS", "1").env("GODEBUG", "asyncpreemptoff=1");
        command
    });
    Some(MetadataMock { server, _config: file })
}

/// The configuration of the metadata mock for an instance of `instance_type` in `zone` (a standard
/// zone, as `eu-west-1a`): placement and identity document agree. No user data is 404, as on EC2.
///
/// Beside the constants of this module: zone id `euw1-az1` for `eu-west-1a`, tags `Name=node` and
/// `team=blue`. The mock has room for two tags; their paths can be changed.
pub fn instance(instance_type: &str, zone: &str, user_data: impl AsRef<[u8]>) -> Value {
    let region = zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let domain =
        if region == "us-east-1" { "ec2.internal" } else { &format!("{region}.compute.internal") };
    let hostname = format!("ip-{}.{domain}", ADDRESS.replace('.', "-"));
    let user_data = user_data.as_ref();
    json!({
        "metadata": {
            "paths": {
                "tags-instance-name": "/latest/meta-data/tags/instance/Name",
                "tags-instance-test": "/latest/meta-data/tags/instance/team",
            },
            "values": {
                "hostname": hostname,
                "instance-id": INSTANCE_ID,
                "instance-type": instance_type,
                "local-hostname": hostname,
                "local-ipv4": ADDRESS,
                // The mock puts this into the paths of the items below `macs/`, and the role into
                // the path of its credentials.
                "mac": MAC,
                "mac-local-hostname": hostname,
                "mac-local-ipv4s": ADDRESS,
                "mac-mac": MAC,
                "mac-subnet-id": SUBNET,
                "mac-subnet-ipv4-cidr-block": "10.20.0.0/24",
                "mac-vpc-id": VPC,
                "mac-vpc-ipv4-cidr-block": "10.20.0.0/16",
                "mac-vpc-ipv4-cidr-blocks": "10.20.0.0/16",
                "placement-availability-zone": zone,
                "placement-availability-zone-id": zone_id(zone),
                "placement-region": region,
                "iam-security-credentials-role": ROLE,
                "iam-security-credentials": {
                    "Code": "Success",
                    "LastUpdated": "2026-01-01T00:00:00Z",
                    "Type": "AWS-HMAC",
                    "AccessKeyId": "ASIAEXAMPLE",
                    "SecretAccessKey": "secret-example",
                    "Token": "token-example",
                    "Expiration": "2099-01-01T00:00:00Z",
                },
                "tags-instance-name": "node",
                "tags-instance-test": "blue",
            },
        },
        "dynamic": {
            "values": {
                "instance-identity-document": {
                    "accountId": "123456789012",
                    "architecture": "x86_64",
                    "availabilityZone": zone,
                    "imageId": "ami-0d0d0d0d0d0d0d0d0",
                    "instanceId": INSTANCE_ID,
                    "instanceType": instance_type,
                    "pendingTime": "2026-01-01T00:00:00Z",
                    "privateIp": ADDRESS,
                    "region": region,
                    "version": "2017-09-30",
                },
            },
        },
        "userdata": {
            "paths": { "userdata": if user_data.is_empty() { "" } else { "/latest/user-data" } },
            "values": { "userdata": BASE64_STANDARD.encode(user_data) },
        },
    })
}

/// A zone's id as EC2 spells them: `apse2-az3` for `ap-southeast-2c`. On EC2 the number differs
/// from account to account; here it is the letter's.
fn zone_id(zone: &str) -> String {
    let (region, letter) = zone.split_at(zone.len() - 1);
    let short = ["north", "south", "east", "west", "central"]
        .iter()
        .fold(region.to_owned(), |region, word| region.replace(word, &word[..1]));
    let number = letter.bytes().next().unwrap() - b'a' + 1;
    format!("{}-az{number}", short.replace('-', ""))
}

/// A Debian trixie root, whose nsswitch.conf names `resolve` and `myhostname`, to run a program in
/// with chroot (root only).
pub fn trixie_root() -> Option<PathBuf> {
    part("trixie-root", "the trixie root", "tests/real/install.sh root")
}

/// nodeadm, to be put in a root.
pub fn nodeadm_program() -> Option<PathBuf> {
    part("bin/nodeadm", "nodeadm", "tests/real/install.sh nodeadm")
}

/// A Debian root with systemd in it, to boot a copy of (root only).
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

/// A file system of its own on `folder`, with `files` in it, mounted with `options` (of which `ro`
/// takes effect after the files are written); unmounted on drop. Root only.
#[derive(Debug)]
pub struct Mounted(PathBuf);

/// See [`Mounted`].
pub fn tmpfs(folder: &Path, options: &str, files: &[(&str, &str)]) -> Option<Mounted> {
    if !is_root() {
        not_run("root's right to mount", "run the tests as root");
        return None;
    }
    let mount = |options: &str| {
        let mut done = Command::new("mount");
        done.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder);
        assert!(done.status().unwrap().success(), "mount -o {options} {}", folder.display());
    };
    mount(if options == "ro" { "size=1m" } else { options });
    let mounted = Mounted(folder.to_owned());
    for (name, contents) in files {
        let mut file = fs::File::create(folder.join(name)).unwrap();
        file.write_all(contents.as_bytes()).unwrap();
    }
    if options == "ro" {
        mount("remount,ro");
    }
    Some(mounted)
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
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
    if is_root() {
        return Some(());
    }
    not_run("root's right to chroot", "run the tests as root");
    None
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|myself| myself.uid() == 0)
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
fn part(name: &str, what: &str, how: &str) -> Option<PathBuf> {
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
