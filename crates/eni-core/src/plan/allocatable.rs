//! The check that the kubelet's reserves leave resources for pods.
//!
//! The kubelet exits with "Expected capacity >= reservation" if kube-reserved, system-reserved and
//! the hard eviction threshold together exceed a resource.
//!
//! Source: `validateNodeAllocatable`, `pkg/kubelet/cm/node_container_manager_linux.go`,
//! kubernetes/kubernetes.

use super::PlanError;
use super::reserve_precedence::LaterReserve;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::quantity::Quantity;
use crate::domain::reserved::{self, Mebibytes, Reserved};
use crate::facts::Machine;
use crate::host::ExistingConfig;
use crate::host::existing_config::{ConfigLocation, ResourceMap, resources_in_force};
use std::fmt::Write as _;

/// The default of `evictionHard` for `memory.available`, in bytes.
///
/// Source: `DefaultEvictionHard`, `pkg/kubelet/apis/config/v1beta1/defaults_linux.go`,
/// kubernetes/kubernetes.
pub const DEFAULT_EVICTION: u64 = 100 << 20;

/// The reserves in force and what they depend on.
pub(super) struct Reserves<'a> {
    pub existing: &'a ExistingConfig,
    /// kube-reserved in force.
    pub kube: &'a Reserved,
    /// The parts of `kube` that take precedence over those of eni-bootstrap.
    pub later: &'a [LaterReserve],
    /// The number of pods that the memory reserve is computed from.
    pub memory_pods: u32,
    /// Whether a lower max-pods lowers the memory reserve.
    pub depends_on_max_pods: bool,
    /// Where max-pods is configured, if that location takes precedence over eni-bootstrap.
    pub later_max_pods: Option<&'a ConfigLocation>,
}

/// Checks that the reserves leave CPU and memory for pods. Returns a warning if they leave little
/// memory. `machine` is `None` if the memory is unknown.
pub(super) fn check(
    cpus: u32,
    machine: Option<&Machine>,
    reserves: &Reserves<'_>,
) -> Result<Option<Diagnostic>, PlanError> {
    reserves.check_cpu(cpus)?;
    machine.map_or(Ok(None), |machine| reserves.check_memory(machine.memory_bytes))
}

/// Returns a warning if the reserves leave no ephemeral storage for pods. `capacity` is the size in
/// bytes of the file system of `/var/lib/kubelet`.
///
/// It is no error, because a larger file system may be mounted before the kubelet starts: nodeadm
/// mounts local disks after eni-bootstrap has run.
pub(super) fn check_storage(capacity: u64, reserves: &Reserves<'_>) -> Option<Diagnostic> {
    let kube = &reserves.kube.ephemeral_storage;
    let system = reserves.system("ephemeral-storage").map_or(0, |it| it.bytes());
    let eviction = reserves.eviction("nodefs.available", capacity).unwrap_or(capacity / 10);
    if kube.bytes().saturating_add(system).saturating_add(eviction) < capacity {
        return None;
    }
    let mut calculation = format!("{} MiB − kube-reserved {kube}", capacity >> 20);
    // Writing to a String cannot fail.
    if system > 0 {
        let _ = write!(calculation, " − system-reserved {} MiB", system >> 20);
    }
    let _ = write!(calculation, " − hard eviction threshold {} MiB", eviction >> 20);
    let limit = capacity.saturating_sub(system.saturating_add(eviction));
    Some(Diagnostic::warning(
        Code::NoStorageForPods,
        format!(
            "no ephemeral storage is left for pods: {calculation}; the kubelet exits, unless a larger file system is mounted at /var/lib/kubelet"
        ),
        reserves.help("ephemeral-storage", &format!("{}Mi", limit >> 20)),
    ))
}

impl Reserves<'_> {
    fn check_cpu(&self, cpus: u32) -> Result<(), PlanError> {
        let capacity = u64::from(cpus).saturating_mul(1_000);
        let system = self.system("cpu").map_or(0, |it| it.millicores());
        if self.kube.cpu.millicores().saturating_add(system) < capacity {
            return Ok(());
        }
        let mut calculation = format!("{capacity}m − kube-reserved {}", self.kube.cpu);
        if system > 0 {
            // Writing to a String cannot fail.
            let _ = write!(calculation, " − system-reserved {system}m");
        }
        let limit = format!("{}m", capacity.saturating_sub(system));
        let help = self.help("cpu", &limit);
        Err(PlanError::NothingAllocatable { resource: "CPU", calculation, help })
    }

    fn check_memory(&self, capacity: u64) -> Result<Option<Diagnostic>, PlanError> {
        let kube = self.kube.memory.bytes();
        let system = self.system("memory").map_or(0, |it| it.bytes());
        let eviction = self.eviction("memory.available", capacity).unwrap_or(DEFAULT_EVICTION);
        let available = capacity.saturating_sub(system.saturating_add(eviction));
        let left = available.saturating_sub(kube);
        let quarter = capacity / 4;
        if left >= quarter && left > 0 {
            return Ok(None);
        }
        let mut calculation =
            format!("{} MiB − kube-reserved {}", capacity >> 20, self.kube_memory());
        // Writing to a String cannot fail.
        if system > 0 {
            let _ = write!(calculation, " − system-reserved {} MiB", system >> 20);
        }
        let _ = write!(calculation, " − hard eviction threshold {} MiB", eviction >> 20);
        if left == 0 {
            let help = if self.is_computed() {
                self.help_for_max_pods(most_pods(available, 1))
            } else {
                self.help("memory", &format!("{}Mi", available >> 20))
            };
            return Err(PlanError::NothingAllocatable { resource: "memory", calculation, help });
        }
        Ok(Some(Diagnostic::warning(
            Code::LittleMemoryForPods,
            format!("pods can use only {} MiB of memory: {calculation}", left >> 20),
            self.help_for_quarter(most_pods(available, quarter)),
        )))
    }

    /// Returns a quantity of system-reserved, if it is known.
    fn system(&self, resource: &str) -> Option<Quantity> {
        let in_force = resources_in_force(&self.existing.resources, ResourceMap::SystemReserved);
        in_force.get(resource)?.0.parse().ok()
    }

    /// Returns an existing hard eviction threshold in bytes.
    fn eviction(&self, signal: &str, capacity: u64) -> Option<u64> {
        let in_force = resources_in_force(&self.existing.resources, ResourceMap::EvictionHard);
        let (text, _) = *in_force.get(signal)?;
        match text.strip_suffix('%') {
            Some(percent) => Some(capacity.saturating_mul(percent.parse().ok()?) / 100),
            None => text.parse::<Quantity>().ok().map(|it| it.bytes()),
        }
    }

    /// Returns whether the memory reserve follows from max-pods.
    fn is_computed(&self) -> bool {
        self.kube.memory == Quantity::from(reserved::memory(self.memory_pods))
    }

    /// Returns the memory reserve with its calculation.
    fn kube_memory(&self) -> String {
        let Mebibytes(computed) = reserved::memory(self.memory_pods);
        if self.is_computed() {
            format!("{computed} MiB (255 MiB + {} pods × 11 MiB)", self.memory_pods)
        } else {
            format!("{} MiB", self.kube.memory.bytes() >> 20)
        }
    }

    /// Returns how to lower a reserve below `limit`.
    fn help(&self, resource: &str, limit: &str) -> String {
        let later = self.later.iter().find(|it| it.resource == resource);
        let place = match later {
            Some(LaterReserve { location, .. }) => {
                format!("kube-reserved {resource} in {location}")
            }
            None => format!("reserve.{resource}"),
        };
        format!("set {place} to less than {limit}")
    }

    /// Returns how to lower max-pods to `most`.
    fn help_for_max_pods(&self, most: Option<u32>) -> String {
        let other = "set reserve.memory, or use an instance type with more memory";
        match (most.filter(|_| self.depends_on_max_pods), self.later_max_pods) {
            (Some(most), Some(location)) => {
                format!("set max-pods to {most} or less in {location}, {other}")
            }
            (Some(most), None) => format!("set pods.max = {most} or less, {other}"),
            (None, _) => other.to_owned(),
        }
    }

    /// Returns how to leave more memory for pods. With max-pods `most`, a quarter is left.
    fn help_for_quarter(&self, most: Option<u32>) -> String {
        match most.filter(|_| self.depends_on_max_pods) {
            _ if !self.is_computed() => {
                "lower reserve.memory to leave more memory for pods".to_owned()
            }
            Some(most) => {
                format!("set max-pods to {most} or less to leave a quarter of the memory")
            }
            None => "use an instance type with more memory".to_owned(),
        }
    }
}

/// Returns the largest max-pods whose reserve leaves at least `left` of `bytes`; `None` if not even
/// one pod does.
fn most_pods(bytes: u64, left: u64) -> Option<u32> {
    let mebibytes = bytes.checked_sub(left)? >> 20;
    let base = u64::from(reserved::memory(0).0);
    let per_pod = u64::from(reserved::memory(1).0) - base;
    let most = mebibytes.checked_sub(base)? / per_pod;
    u32::try_from(most).ok().filter(|most| *most > 0)
}

#[cfg(test)]
mod tests;
