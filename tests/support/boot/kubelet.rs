//! What the kubelet was started with, and what of it is in force.

use super::machine::Machine;
pub use crate::support::kubelet::Kubelet;
use crate::support::kubelet::pairs;
use std::collections::BTreeMap;

/// What of it is ours to set.
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
        Self::read(arguments, &machine.path("/"))
    }

    /// What is in force.
    pub fn in_force(&self) -> InForce {
        let reserved = self.values("--kube-reserved").last().unwrap_or_default();
        let memory = pairs(reserved).find(|(name, _)| name == "memory").map(|(_, memory)| memory);
        let in_file =
            || self.config["kubeReserved"]["memory"].as_str().unwrap_or("none").to_owned();
        InForce {
            max_pods: self.max_pods(),
            memory: memory.unwrap_or_else(in_file),
            labels: self.labels(),
        }
    }
}
