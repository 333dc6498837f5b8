//! The configuration that the kubelet of a booted node runs with.

use super::LABELS;
use super::machine::Machine;
pub use crate::support::kubelet::Kubelet;
use crate::support::kubelet::pairs;
use std::collections::BTreeMap;

/// The effective values of the settings that eni-bootstrap configures.
#[derive(Debug, PartialEq, Eq)]
pub struct EffectiveKubelet {
    pub max_pods: u64,
    /// The memory of `kubeReserved`; `none` if it is not configured.
    pub memory: String,
    /// The node labels. If a label is set twice, the last value applies.
    pub labels: BTreeMap<String, String>,
}

impl EffectiveKubelet {
    /// Takes labels as `name=value,name=value`.
    pub fn new(max_pods: u64, memory: &str, labels: &str) -> Self {
        Self { max_pods, memory: memory.to_owned(), labels: pairs(labels).collect() }
    }

    /// Returns the values on an AL2023 [`Fixture`](super::Fixture) that eni-bootstrap has configured.
    pub fn configured() -> Self {
        Self::new(20, "475Mi", &format!("team=blue,{LABELS}"))
    }

    /// Returns the values on an AL2023 [`Fixture`](super::Fixture) without eni-bootstrap. They come
    /// from the user data.
    pub fn unconfigured() -> Self {
        Self::new(29, "none", "team=blue")
    }
}

impl Kubelet {
    /// Waits until the kubelet of `machine` has recorded its arguments, then reads its configuration.
    /// systemd marks the unit active before the kubelet runs its first instruction.
    pub fn started(machine: &Machine) -> Self {
        let file = "/run/kubelet/arguments";
        machine.wait_until("kubelet arguments", || machine.path(file).exists());
        let arguments = machine.read(file).unwrap().lines().map(str::to_owned).collect();
        Self::read(arguments, &machine.path("/"))
    }

    pub fn effective(&self) -> EffectiveKubelet {
        let reserved = self.values("--kube-reserved").last().unwrap_or_default();
        let memory = pairs(reserved).find(|(name, _)| name == "memory").map(|(_, memory)| memory);
        let in_file =
            || self.config["kubeReserved"]["memory"].as_str().unwrap_or("none").to_owned();
        EffectiveKubelet {
            max_pods: self.max_pods(),
            memory: memory.unwrap_or_else(in_file),
            labels: self.labels(),
        }
    }
}
