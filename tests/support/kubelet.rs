//! What a kubelet goes by: its command line, and the files that this names, merged as it merges them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A kubelet that has been told everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Kubelet {
    /// Its command line.
    pub arguments: Vec<String>,
    /// The file of `--config`.
    pub main_file: Value,
    /// That, with the drop-ins of `--config-dir` over it.
    pub config: Value,
}

impl Kubelet {
    /// Reads the files that `arguments` name below `root`.
    ///
    /// Source: `mergeKubeletConfigurations`, `cmd/kubelet/app/server.go`, kubernetes/kubernetes.
    pub fn read(arguments: Vec<String>, root: &Path) -> Self {
        let below = |path: &str| root.join(path.trim_start_matches('/'));
        let last = |name| values(&arguments, name).last().map(below);
        let main_file = last("--config").map(|file| json(&file)).unwrap_or_default();
        let mut config = main_file.clone();
        for drop_in in last("--config-dir").map(|folder| drop_ins(&folder)).unwrap_or_default() {
            merge(&mut config, json(&drop_in));
        }
        Self { arguments, main_file, config }
    }

    /// Every value of a flag, in order. A flag wins over the files, and of two the later one.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        values(&self.arguments, name)
    }

    /// The figure in force.
    pub fn max_pods(&self) -> u64 {
        let flag = self.values("--max-pods").last().map(|figure| figure.parse().unwrap());
        flag.or(self.config["maxPods"].as_u64()).unwrap()
    }

    /// The labels that the node registers with. Each flag adds to those before it.
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.values("--node-labels").flat_map(pairs).collect()
    }
}

/// `name=value,name=value`.
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

/// What a file says; null where it is not there, as in the tests' image of AL2.
fn json(path: &Path) -> Value {
    fs::read(path).map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default()
}

/// RFC 7396, as far as there is no `null`.
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
