//! max-pods and the memory reserve of a node, compared with the values that eni-bootstrap computes.

use super::node::Node;
use super::verdict::{Finding, Verdict};
use eni_core::domain::capacity::{Capacity, CapacityOptions, NoCapacity};
use eni_core::domain::cni::Cni;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::{InstanceLimits, LimitsTable};
use eni_core::domain::label::INSTANCE_TYPE;
use eni_core::domain::reserved::{ReserveOverrides, Reserved};
use eni_core::failure::Advice as _;
use eni_core::plan::{eni_limited_pods, karpenter_max_pods_help};

/// The difference in bytes that rounding to KiB or MiB can cause.
const TOLERANCE: u64 = 1 << 20;

/// The values that eni-bootstrap computes for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Computed {
    pub max_pods: u32,
    /// Memory in bytes.
    pub reserved: u64,
}

/// Returns the computed values, and the findings about max-pods and the reserve. `extra` is the setting
/// `pods.extra` of the nodes.
pub(super) fn check(
    node: &Node,
    (cni, extra): (Cni, u32),
    table: &LimitsTable,
) -> (Option<Computed>, Vec<Finding>) {
    let limits = match limits(node, table) {
        Ok(limits) => limits,
        Err(finding) => return (None, vec![finding]),
    };
    let options = CapacityOptions { extra, ..CapacityOptions::default() };
    let capacity = match Capacity::compute(&limits, cni, options) {
        Ok(capacity) => capacity,
        Err(error) => return (None, vec![no_capacity(error)]),
    };
    let memory = Reserves { node, limits: &limits };
    let pods = capacity.max_pods;
    let computed = Computed { max_pods: pods, reserved: memory.needed(pods) };
    let Some((max_pods, reserved)) = node.max_pods.zip(node.reserved) else {
        let text = "the kubelet has not reported the capacity of the node";
        let fix = "check the kubelet of the node";
        return (Some(computed), vec![Finding::new(Verdict::UnknownCapacity, text).fix(fix)]);
    };
    let mut findings: Vec<_> = check_max_pods(node, max_pods, &capacity).into_iter().collect();
    // Pods beyond the capacity never run.
    let runnable = max_pods.min(capacity.uncapped.unwrap_or(u32::MAX));
    findings.extend(memory.check(runnable, reserved));
    (Some(computed), findings)
}

fn limits(node: &Node, table: &LimitsTable) -> Result<InstanceLimits, Finding> {
    let Some(name) = node.instance_type() else {
        let text = format!("the node has no label {INSTANCE_TYPE}");
        let fix = "check that the AWS cloud controller manager has initialized the node";
        return Err(Finding::new(Verdict::UnknownType, text).fix(fix));
    };
    let known = name.parse::<InstanceType>().ok().and_then(|name| table.find(&name));
    known.map(|(limits, _)| limits).ok_or_else(|| {
        let text = format!("instance type {name:?} is not in the embedded table");
        Finding::new(Verdict::UnknownType, text).fix("update kubectl-eni")
    })
}

fn no_capacity(error: NoCapacity) -> Finding {
    if error == NoCapacity::AttachedInterfacesUnknown {
        let text =
            "the CNI uses only the attached network interfaces, which the Node does not show";
        return Finding::new(Verdict::UnknownCapacity, text)
            .fix("run `eni-bootstrap check` on the node");
    }
    Finding::new(Verdict::NoCapacity, error.to_string()).fix(error.help())
}

/// Compares max-pods of the kubelet with the capacity.
fn check_max_pods(node: &Node, max_pods: u32, capacity: &Capacity) -> Option<Finding> {
    let computed = capacity.max_pods;
    let accepts = format!("the kubelet accepts {max_pods} pods");
    if let Some(uncapped) = capacity.uncapped.filter(|uncapped| max_pods > *uncapped) {
        let host_network = capacity.host_network_pods;
        let addresses = uncapped.saturating_sub(host_network);
        let text = format!(
            "{accepts}, but the CNI has addresses for {addresses}, and {host_network} use the host network"
        );
        let fix = if node.is_of_karpenter() {
            karpenter_max_pods_help(capacity, max_pods)
        } else {
            in_user_data(&format!("maxPods to {computed}"))
        };
        return Some(replace(Finding::new(Verdict::MaxPodsTooHigh, text).fix(fix), node));
    }
    if max_pods > computed {
        let text = format!("{accepts}, and EKS recommends at most {computed}");
        let fix = format!("set maxPods to {computed}, if the higher value is not intended");
        return Some(Finding::new(Verdict::AboveRecommended, text).fix(fix));
    }
    (max_pods < computed).then(|| {
        let text = format!("{accepts}, and the node has capacity for {computed}");
        let fix = "raise maxPods or podsPerCore, if the lower value is not intended";
        Finding::new(Verdict::MaxPodsTooLow, text).fix(fix)
    })
}

/// The memory reserves of a node.
struct Reserves<'a> {
    node: &'a Node,
    limits: &'a InstanceLimits,
}

impl Reserves<'_> {
    /// Returns the reserve in bytes for `pods`. Where Karpenter plans with fewer pods, eni-bootstrap uses its
    /// number of pods, unless the node runs Bottlerocket.
    fn needed(&self, pods: u32) -> u64 {
        self.of(if self.follows_karpenter() { pods.min(self.planned_pods()) } else { pods })
    }

    fn of(&self, pods: u32) -> u64 {
        let reserved = Reserved::compute(self.limits.vcpus, pods, &ReserveOverrides::default());
        reserved.memory.bytes()
    }

    fn follows_karpenter(&self) -> bool {
        self.node.is_of_karpenter() && !self.node.is_bottlerocket
    }

    fn planned_pods(&self) -> u32 {
        eni_limited_pods(self.limits)
    }

    /// Compares the reserve of the node with that for `pods`, the pods that can run.
    fn check(&self, pods: u32, reserved: u64) -> Option<Finding> {
        let needed = self.needed(pods);
        let is_below = reserved.saturating_add(TOLERANCE) < needed;
        let (has, needs) = (reserved >> 20, needed >> 20);
        if self.node.is_of_karpenter() {
            let planned =
                if self.follows_karpenter() { self.of(self.planned_pods()) } else { needed };
            let is_above = reserved > planned.saturating_add(TOLERANCE);
            return (is_below || is_above).then(|| differs(has, planned >> 20));
        }
        is_below.then(|| {
            let text = format!(
                "the node reserves {has}Mi of memory, but {pods} pods need {needs}Mi (255Mi + 11Mi × pods)"
            );
            let fix = in_user_data(&format!("kubeReserved.memory to {needs}Mi"));
            replace(Finding::new(Verdict::ReserveTooSmall, text).fix(fix), self.node)
        })
    }
}

fn differs(reserved: u64, planned: u64) -> Finding {
    let text = format!(
        "the node reserves {reserved}Mi of memory, and Karpenter plans with {planned}Mi by default"
    );
    let fix = if reserved > planned {
        format!(
            "set kubeReserved.memory to {reserved}Mi in the EC2NodeClass, so that the pods that Karpenter schedules fit"
        )
    } else {
        "raise kubeReserved.memory in the EC2NodeClass, if the lower value is not intended"
            .to_owned()
    };
    Finding::new(Verdict::ReserveDiffers, text).fix(fix)
}

fn in_user_data(change: &str) -> String {
    format!(
        "run eni-bootstrap on the node, or set {change} in its user data; then replace the node"
    )
}

/// Adds the command that drains a node of a node group. Karpenter replaces its nodes itself.
fn replace(finding: Finding, node: &Node) -> Finding {
    if node.is_of_karpenter() {
        return finding;
    }
    finding
        .command(format!("kubectl drain {} --ignore-daemonsets --delete-emptydir-data", node.name))
}

#[cfg(test)]
mod tests;
