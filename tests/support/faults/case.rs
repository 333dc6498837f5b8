//! The format of the case files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eni_bootstrap_sandbox::Certificate;
use serde::Deserialize;

use super::injection::Injection;

/// The faults that a case can have, in the order of the documentation.
pub const FAULTS: [&str; 28] = [
    "refused",
    "black-holed",
    "slow",
    "reset",
    "reset-in-mid-body",
    "cut-in-mid-body",
    "half-open",
    "4xx",
    "5xx",
    "throttled",
    "throttled-with-retry-after",
    "garbage",
    "huge",
    "wrong-type",
    "tls",
    "recovers",
    "flaps",
    "missing",
    "full",
    "read-only",
    "denied",
    "not-a-file",
    "locked",
    "fails",
    "hangs",
    "overwritten",
    "clock",
    "none",
];

/// The programs of cases that some systems do not have, and their packages.
const PROGRAMS: [(&str, &str); 4] =
    [("chattr", "e2fsprogs"), ("curl", "curl"), ("perl", "perl-base"), ("setpriv", "util-linux")];

/// The cases of one dependency.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// Such as `imds`.
    dependency: String,
    case: Vec<Case>,
}

/// One case: a fault, and the expected result. Each field is a key in the case file. `message` is the last
/// key of a case; `UPDATE_GOLDEN=1` writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the case files")]
pub struct Case {
    /// Unique in its file. [`Case::id`] adds the dependency.
    pub name: String,
    #[serde(skip)]
    pub dependency: String,
    #[serde(skip)]
    pub file: PathBuf,
    /// One of [`FAULTS`].
    pub fault: String,
    #[serde(default)]
    pub host: Host,
    #[serde(default)]
    pub boot: Boot,
    /// Runs the case in its own network and mount namespace.
    #[serde(default)]
    pub namespace: bool,
    /// Needs root, because the root of a user namespace is not sufficient.
    #[serde(default)]
    pub root: bool,
    /// Runs the agent in a chroot at the root of the node, where stand-ins for the commands of the host
    /// are in `/stand-ins`.
    #[serde(default)]
    pub chroot: bool,
    /// A program that starts the agent, and its arguments, such as `setpriv`.
    #[serde(default)]
    pub wrapper: Vec<String>,
    /// Uses kube-apiserver and moto.
    #[serde(default)]
    pub real: bool,
    #[serde(default)]
    pub cluster: Cluster,
    #[serde(default)]
    pub credentials: Credentials,
    /// Reaches the API server through an HTTP proxy that needs a password.
    #[serde(default)]
    pub proxy: bool,
    /// Reaches the API server by a name. Needs `namespace`.
    #[serde(default)]
    pub dns: bool,
    #[serde(default)]
    pub api_certificate: Certificate,
    /// If set, EC2 is reached over TLS with this certificate. Needs `namespace`.
    pub ec2_certificate: Option<Certificate>,
    /// If set, EKS and STS are reached over TLS with this certificate. Needs `namespace`.
    pub aws_certificate: Option<Certificate>,
    /// When the ENIConfig is created, after the first watch of it. Exists from the start by default.
    #[serde(default, with = "time")]
    pub eni_config_after: Option<Duration>,
    /// The command.
    #[serde(default = "run")]
    pub command: String,
    /// Additional arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Additional environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub inject: Vec<Injection>,
    /// When the faults end, after the start of the agent or of the last fault with `when`.
    #[serde(default, with = "time")]
    pub ends: Option<Duration>,
    /// The faults are alternately present and absent for this time.
    #[serde(default, with = "time")]
    pub flaps: Option<Duration>,
    /// The expected exit status.
    pub status: i32,
    /// The deadline of the agent that bounds this case.
    #[serde(with = "time")]
    pub within: Option<Duration>,
    /// The files afterwards: `none`, or the name of a file in `tests/faults/files`.
    #[serde(default = "none")]
    pub files: String,
    /// What the next boot without the fault gives; `files` is `planned` by default.
    #[serde(default)]
    pub retry: Retry,
    /// The maximum number of requests to the server of the first fault.
    pub most_requests: Option<usize>,
    /// What the agent logs at its normal level, with placeholders. With `ends` or `flaps`, without the lines about
    /// failed attempts and checks, because their number and order vary.
    #[serde(default)]
    pub message: String,
}

/// The image family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    #[default]
    Al2023,
    Al2,
    Kubeadm,
    /// A kubelet that reads drop-ins in `/etc/kubernetes/kubelet.d`.
    ConfigDirectory,
    /// The kubelet of a snap.
    Snap,
    Bottlerocket,
}

/// Which boot of the node the fault is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boot {
    #[default]
    First,
    /// After a run without faults.
    Second,
}

/// How the agent finds the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cluster {
    /// The NodeConfig in user data has the endpoint.
    #[default]
    UserData,
    /// The NodeConfig in user data has only the name.
    Eks,
    /// A kubeconfig with a static token.
    Kubeconfig,
    /// A kubeconfig with an exec plugin.
    Plugin,
}

/// Where the AWS credentials come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// Instance metadata.
    #[default]
    Role,
    /// `sts:AssumeRoleWithWebIdentity`.
    WebIdentity,
}

/// The expected result of the next boot, without the fault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub status: i32,
    pub files: String,
}

impl Default for Retry {
    fn default() -> Self {
        Self { status: 0, files: "planned".to_owned() }
    }
}

impl Case {
    /// Returns the dependency and the name, such as `imds/refused`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.dependency, self.name)
    }

    /// Returns the programs that the wrapper and the commands of the case start, with their packages. The
    /// programs of every system, such as `sed`, are not included.
    pub fn programs(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let commands = self.inject.iter().flat_map(|it| it.shell.iter().chain(&it.undo));
        let words: Vec<&str> = commands
            .flat_map(|command| command.split([' ', ';']))
            .chain(self.wrapper.iter().map(String::as_str))
            .collect();
        PROGRAMS.into_iter().filter(move |(name, _)| words.contains(name))
    }

    /// Returns whether the case needs its own namespaces.
    pub fn needs_namespace(&self) -> bool {
        let is_tls = self.ec2_certificate.is_some() || self.aws_certificate.is_some();
        self.namespace || self.chroot || self.dns || is_tls
    }
}

/// Reads all case files in `folder`, in the order of their names.
pub fn read_cases(folder: &Path) -> Vec<Case> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "toml"));
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let file: File =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for mut case in file.case {
            case.dependency.clone_from(&file.dependency);
            case.file.clone_from(&path);
            assert!(FAULTS.contains(&&*case.fault), "{}: unknown fault {}", case.id(), case.fault);
            assert!(cases.iter().all(|it| it.id() != case.id()), "{} exists twice", case.id());
            cases.push(case);
        }
    }
    cases
}

fn run() -> String {
    "run".to_owned()
}

fn none() -> String {
    "none".to_owned()
}

/// Durations such as `1500ms`.
mod time {
    use super::{Deserialize, Duration};
    use serde::{Deserializer, de::Error};

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
        let text = String::deserialize(input)?;
        humantime::parse_duration(&text).map(Some).map_err(D::Error::custom)
    }
}
