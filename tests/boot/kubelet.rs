//! What the kubelet was started with, and what of it is in force.

use super::machine::Machine;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// A kubelet that has started.
#[derive(Debug)]
pub struct Kubelet {
    /// Its command line.
    pub arguments: Vec<String>,
    /// Its settings' files, merged as it merges them.
    config: Value,
}

/// What of it is ours to set. A flag wins over `--config-dir`, and that over `--config`.
#[derive(Debug, PartialEq, Eq)]
pub struct InForce {
    /// The figure.
    pub max_pods: u64,
    /// The memory that it keeps back for the figure.
    pub memory: String,
    /// Of two values for one label the later one.
    pub labels: BTreeMap<String, String>,
}

impl InForce {
    /// Labels as `name=value,name=value`.
    pub fn new(max_pods: u64, memory: &str, labels: &str) -> Self {
        Self { max_pods, memory: memory.to_owned(), labels: pairs(labels).collect() }
    }
}

impl Kubelet {
    /// Waits until it has shown its arguments: a unit is active before its program has run its first
    /// line.
    pub fn started(machine: &Machine) -> Self {
        let file = "/run/kubelet/arguments";
        machine.until("kubelet", || machine.path(file).exists());
        let arguments = machine.read(file).unwrap().lines().map(str::to_owned).collect();
        let mut kubelet = Self { arguments, config: Value::Null };
        let mut files: Vec<_> = kubelet.values("--config").map(|path| machine.path(path)).collect();
        for folder in kubelet.values("--config-dir") {
            let mut drop_ins: Vec<_> =
                fs::read_dir(machine.path(folder)).unwrap().map(|it| it.unwrap().path()).collect();
            drop_ins.sort();
            files.extend(drop_ins);
        }
        for text in files.iter().filter_map(|path| fs::read_to_string(path).ok()) {
            merge(&mut kubelet.config, serde_json::from_str(&text).unwrap());
        }
        kubelet
    }

    /// What is in force.
    pub fn in_force(&self) -> InForce {
        let flag = self.values("--max-pods").last().map(|figure| figure.parse().unwrap());
        let reserved = self.values("--kube-reserved").last().unwrap_or_default();
        let memory = pairs(reserved).find(|(name, _)| name == "memory").map(|(_, memory)| memory);
        let in_file =
            || self.config["kubeReserved"]["memory"].as_str().unwrap_or("none").to_owned();
        InForce {
            max_pods: flag.or(self.config["maxPods"].as_u64()).unwrap(),
            memory: memory.unwrap_or_else(in_file),
            labels: self.values("--node-labels").flat_map(pairs).collect(),
        }
    }

    /// Every value of a flag, in order.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.arguments.iter().filter_map(move |it| it.strip_prefix(name)?.strip_prefix('='))
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
}

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
