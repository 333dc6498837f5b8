//! The configuration of a kubelet: its command line and the files that the command line names, merged
//! with the rules of the kubelet.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The configuration of a kubelet.
#[derive(Clone, Debug, PartialEq)]
pub struct Kubelet {
    /// The command line without the program.
    pub arguments: Vec<String>,
    /// The contents of the `--config` file.
    pub main_file: Value,
    /// `main_file` merged with the drop-ins in `--config-dir`.
    pub config: Value,
}

impl Kubelet {
    /// Reads the configuration files that `arguments` name. Their paths are relative to `root`.
    ///
    /// Source: `mergeKubeletConfigurations`, `cmd/kubelet/app/server.go`, kubernetes/kubernetes.
    pub fn read(arguments: Vec<String>, root: &Path) -> Self {
        let below = |path: &str| root.join(path.trim_start_matches('/'));
        let last = |name| values(&arguments, name).last().map(below);
        let main_file = last("--config").map(|file| read_json(&file)).unwrap_or_default();
        let mut config = main_file.clone();
        for drop_in in last("--config-dir").map(|folder| drop_ins(&folder)).unwrap_or_default() {
            merge(&mut config, read_json(&drop_in));
        }
        Self { arguments, main_file, config }
    }

    /// Returns all values of a flag, in order. Flags take precedence over the files. The last value of a
    /// flag takes precedence over the earlier ones.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        values(&self.arguments, name)
    }

    /// Returns the effective max-pods. Panics if it is not configured.
    pub fn max_pods(&self) -> u64 {
        let flag = self.values("--max-pods").last().map(|value| value.parse().unwrap());
        flag.or(self.config["maxPods"].as_u64()).unwrap()
    }

    /// Returns the effective kube-reserved. A flag replaces the map of the files.
    pub fn kube_reserved(&self) -> Value {
        let flags: BTreeMap<_, _> = self.values("--kube-reserved").flat_map(pairs).collect();
        if flags.is_empty() { self.config["kubeReserved"].clone() } else { json!(flags) }
    }

    /// Returns the labels that the node registers with: those of all `--node-labels` flags.
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.values("--node-labels").flat_map(pairs).collect()
    }
}

/// Parses `name=value,name=value`.
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn values<'a>(arguments: &'a [String], name: &'a str) -> impl Iterator<Item = &'a str> {
    arguments.iter().filter_map(move |it| it.strip_prefix(name)?.strip_prefix('='))
}

fn drop_ins(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut drop_ins: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "conf")).collect();
    drop_ins.sort();
    drop_ins
}

/// Reads a JSON file. Returns null if it does not exist, as in the AL2 image of the tests.
fn read_json(path: &Path) -> Value {
    fs::read(path).map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default()
}

/// Merges `later` into `into` (RFC 7396, without the removal of `null` members).
fn merge(into: &mut Value, later: Value) {
    match (into, later) {
        (Value::Object(into), Value::Object(later)) => {
            for (key, value) in later {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, later) => *into = later,
    }
}
