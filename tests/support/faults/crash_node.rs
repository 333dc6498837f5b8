//! The hosts of `tests/faults/crash/hosts.toml`, and nodes of these hosts that the tests can copy.

use super::snapshot::Snapshot;
use crate::support::node::ready_api;
use crate::support::real_parts::static_binary;
use eni_bootstrap_sandbox::{Bottlerocket, Imds, Instance, KubernetesApi};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The `snap` command of a node. It stores the option in the file `args` below the root.
const SNAP: &str = r#"#!/bin/sh
args=${0%/bin/snap}/args
case "$1 $2" in
"get kubelet-eks") cat "$args" ;;
"set kubelet-eks") printf '%s\n' "${3#args=}" >"$args.new" && mv "$args.new" "$args" ;;
esac
"#;
/// The ENIConfig of every node, as [`ready_api`] creates it.
const ENI_CONFIG: &str = "us-west-2a";
/// The files of a Bottlerocket host, which Bottlerocket writes.
const ROOTFS: &str = ".bottlerocket/rootfs";

/// The file `tests/faults/crash/hosts.toml`.
#[derive(Debug, Deserialize)]
struct Hosts {
    host: Vec<Host>,
}

/// A host on which runs are interrupted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub name: String,
    scenario: Option<String>,
    snap: Option<String>,
    #[serde(default)]
    pub links: BTreeMap<PathBuf, PathBuf>,
    #[serde(default)]
    pub bottlerocket: bool,
}

/// The cluster and the metadata of all nodes.
pub struct Cluster {
    api: KubernetesApi,
    imds: Imds,
    instance: Instance,
    /// The static binary.
    program: PathBuf,
}

/// The state of a node between two commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub files: Snapshot,
    /// The live settings of Bottlerocket.
    pub settings: Option<Value>,
    /// The transactions of Bottlerocket with pending changes.
    pub transactions: Vec<String>,
}

/// A node of a [`Host`].
pub struct CrashNode<'a> {
    cluster: &'a Cluster,
    directory: tempfile::TempDir,
    settings: Option<Bottlerocket>,
}

/// Returns all hosts, or those whose name starts with the variable `HOST`.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
pub fn hosts() -> Vec<Host> {
    let text = include_str!("../../faults/crash/hosts.toml");
    let mut hosts = toml::from_str::<Hosts>(text).unwrap().host;
    if let Ok(name) = std::env::var("HOST") {
        hosts.retain(|host| host.name.starts_with(&name));
    }
    hosts
}

impl Cluster {
    /// Starts a cluster that has the ENIConfig of every node.
    pub fn start() -> Option<Self> {
        let program = static_binary()?;
        let api = ready_api();
        let user_data = Some(api.node_config().into_bytes());
        let instance = Instance { user_data, ..Instance::default() };
        let imds = Imds::start(&instance);
        Some(Self { api, imds, instance, program })
    }

    /// Returns the endpoint of the metadata service.
    pub fn imds(&self) -> String {
        self.imds.endpoint()
    }

    /// Creates the ENIConfig again.
    pub fn create_eni_config(&self) {
        self.api.apply(ENI_CONFIG, json!({ "subnet": "subnet-0a" }));
    }

    /// Removes the ENIConfig, so that a run waits for it.
    pub fn remove_eni_config(&self) {
        self.api.delete(ENI_CONFIG);
    }

    /// Returns a node on which eni-bootstrap has not run.
    pub fn new_node(&self, host: &Host) -> CrashNode<'_> {
        let settings = host.bottlerocket.then(|| Bottlerocket::seed(&self.instance, &self.api));
        let node = self.node(settings);
        for (path, text) in host.files() {
            node.write(&path, &text);
        }
        for (link, target) in &host.links {
            let (link, to) = (node.root().join(link), node.root().join(target));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::rename(&link, &to).unwrap();
            symlink(Path::new("/").join(target), &link).unwrap();
        }
        if let Some(arguments) = &host.snap {
            node.write(Path::new("args"), &format!("{arguments}\n"));
            node.write(Path::new("bin/snap"), SNAP);
            let snap = node.root().join("bin/snap");
            fs::set_permissions(snap, fs::Permissions::from_mode(0o755)).unwrap();
        }
        node
    }

    /// Returns a node with this state.
    pub fn node_in(&self, state: &State) -> CrashNode<'_> {
        let node = self.node(state.settings.clone());
        state.files.restore(&node.root());
        node
    }

    fn node(&self, settings: Option<Value>) -> CrashNode<'_> {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir(&root).unwrap();
        let settings = settings.map(|settings| Bottlerocket::in_container(&root, &settings));
        CrashNode { cluster: self, directory, settings }
    }
}

impl Host {
    /// Returns the files of the image and the settings file.
    fn files(&self) -> Vec<(PathBuf, String)> {
        let Some(scenario) = &self.scenario else { return Vec::new() };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(scenario);
        let files = if path.is_dir() { directory(&path) } else { archive(&path) };
        let path = |name: &str| match name {
            "settings.toml" => Some("etc/eni-bootstrap/settings.toml".into()),
            name => Some(name.strip_prefix("root/")?.into()),
        };
        files.into_iter().filter_map(|(name, text)| Some((path(&name)?, text))).collect()
    }
}

/// Returns the files of a scenario that is a directory.
fn directory(path: &Path) -> Vec<(String, String)> {
    let names = crate::support::golden::files_under(path);
    let read = |name: String| (fs::read_to_string(path.join(&name)).unwrap(), name);
    names.into_iter().map(read).map(|(text, name)| (name, text)).collect()
}

/// Returns the files of a scenario that is a text file.
fn archive(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let parts = text.strip_prefix("-- ").unwrap().split("\n-- ");
    let file = |part: &str| {
        let (name, text) = part.split_once(" --\n").unwrap();
        (name.to_owned(), format!("{}\n", text.trim_end_matches('\n')))
    };
    parts.map(file).collect()
}

impl CrashNode<'_> {
    /// Returns the root directory.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Returns the path of a file for the log of a command.
    pub fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Returns the settings API of a Bottlerocket host.
    pub fn settings(&self) -> Option<&Bottlerocket> {
        self.settings.as_ref()
    }

    /// Returns the state of the node. On Bottlerocket, waits until the applier has no runs in progress.
    pub fn state(&self) -> State {
        let settings = self.settings.as_ref();
        State {
            files: Snapshot::of(&self.root()),
            settings: settings.map(Bottlerocket::live),
            transactions: settings.map(Bottlerocket::transactions).unwrap_or_default(),
        }
    }

    /// Returns the command that runs the static binary. Its environment contains nothing from this
    /// machine.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cluster.program);
        command
            .env_clear()
            .env("PATH", format!("{}/bin:/usr/bin:/bin", self.root().display()))
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "SECRETEXAMPLE")
            .env("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY", "false")
            .args(arguments)
            .arg(format!("--root={}", self.root().display()))
            .arg(format!("--imds-endpoint={}", self.cluster.imds.endpoint()));
        command
    }

    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    fn write(&self, path: &Path, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl State {
    /// Returns a line for each part that is neither as in `old` nor as in `new`. Temporary files and the
    /// files that Bottlerocket renders are not compared.
    pub fn neither(&self, old: &Self, new: &Self) -> Vec<String> {
        let mut lines = self.files.neither(&old.files, &new.files);
        lines.retain(|line| !line.starts_with(ROOTFS));
        if self.settings != old.settings && self.settings != new.settings {
            lines.push(format!("settings: {:?}", self.settings));
        }
        lines
    }

    /// Returns the same state, but with the temporary files of `other`.
    pub fn with_drafts_of(&self, other: &Self) -> Self {
        let mut state = self.clone();
        for path in other.files.drafts() {
            state.files = state.files.with(path, &other.files);
        }
        state
    }

    /// Returns a line for each part that differs.
    pub fn differences(&self, expected: &Self) -> Vec<String> {
        let mut lines = self.files.differences(&expected.files);
        if self.settings != expected.settings {
            lines.push(format!("settings: {:?} instead of {:?}", self.settings, expected.settings));
        }
        if self.transactions != expected.transactions {
            lines.push(format!("transactions: {:?}", self.transactions));
        }
        lines
    }
}
