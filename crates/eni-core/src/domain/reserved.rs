//! Resources that the kubelet reserves for itself and the container runtime (`kubeReserved`).

use super::quantity::Quantity;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Thousandths of one vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Millicores(pub u32);

/// Mebibytes (2²⁰ bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mebibytes(pub u32);

impl fmt::Display for Millicores {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}m", self.0)
    }
}

impl fmt::Display for Mebibytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}Mi", self.0)
    }
}

/// Returns the memory to reserve: 255 MiB plus 11 MiB for each pod.
///
/// Source: `getMemoryMebibytesToReserve`, `nodeadm/internal/kubelet/config.go`,
/// awslabs/amazon-eks-ami.
#[must_use]
pub(crate) fn memory(max_pods: u32) -> Mebibytes {
    Mebibytes(max_pods.saturating_mul(11).saturating_add(255))
}

/// Returns the CPU to reserve: 6% of the first vCPU, 1% of the second, 0.5% of the third and the
/// fourth, and 0.25% of each further one. Each share is rounded down, as in nodeadm.
///
/// Source: `getCPUMillicoresToReserve`, same file.
#[must_use]
pub(crate) fn cpu(vcpus: u32) -> Millicores {
    /// (upper end of the band in millicores, share in hundredths of a percent)
    const BANDS: [(u32, u32); 4] = [(1_000, 600), (2_000, 100), (4_000, 50), (u32::MAX, 25)];
    let total = vcpus.saturating_mul(1_000);
    let mut floor = 0;
    let mut reserved = 0;
    for (top, share) in BANDS {
        // In 64 bits: the widest band times its share does not fit in 32.
        let within = u64::from(total.min(top).saturating_sub(floor));
        reserved += u32::try_from(within * u64::from(share) / 10_000).unwrap_or(u32::MAX);
        floor = top;
    }
    Millicores(reserved)
}

/// Ephemeral storage to reserve, the same on every node.
///
/// Source: `nodeadm/internal/kubelet/config.go`, awslabs/amazon-eks-ami.
const EPHEMERAL_STORAGE: &str = "1Gi";

impl From<Millicores> for Quantity {
    fn from(cpu: Millicores) -> Self {
        Self(cpu.to_string())
    }
}

impl From<Mebibytes> for Quantity {
    fn from(memory: Mebibytes) -> Self {
        Self(memory.to_string())
    }
}

/// Reserves that replace the computed ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReserveOverrides {
    pub cpu: Option<Quantity>,
    pub memory: Option<Quantity>,
    pub ephemeral_storage: Option<Quantity>,
}

/// `kubeReserved` of the kubelet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reserved {
    pub cpu: Quantity,
    pub ephemeral_storage: Quantity,
    pub memory: Quantity,
    /// Existing reserves of other resources, such as `pid`, which a kubelet flag would remove.
    #[serde(flatten)]
    pub others: BTreeMap<String, Quantity>,
}

/// The resources that eni-bootstrap reserves on every node.
pub(crate) const RESOURCES: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];

/// Returns a quantity of `resource` as a number: in millicores for CPU, and otherwise in bytes.
pub(crate) fn amount(resource: &str, quantity: &Quantity) -> u64 {
    if resource == "cpu" { quantity.millicores() } else { quantity.bytes() }
}

impl Reserved {
    /// Returns the quantity of `resource`, if it is reserved.
    #[must_use]
    pub(crate) fn get(&self, resource: &str) -> Option<&Quantity> {
        match resource {
            "cpu" => Some(&self.cpu),
            "ephemeral-storage" => Some(&self.ephemeral_storage),
            "memory" => Some(&self.memory),
            other => self.others.get(other),
        }
    }

    /// Returns the reserves of a node, where `overrides` replace computed values.
    #[must_use]
    pub fn compute(vcpus: u32, max_pods: u32, overrides: &ReserveOverrides) -> Self {
        let ReserveOverrides { cpu: cpu_override, memory: memory_override, ephemeral_storage } =
            overrides;
        Self {
            cpu: cpu_override.clone().unwrap_or_else(|| cpu(vcpus).into()),
            ephemeral_storage: ephemeral_storage
                .clone()
                .unwrap_or_else(|| Quantity(EPHEMERAL_STORAGE.to_owned())),
            memory: memory_override.clone().unwrap_or_else(|| memory(max_pods).into()),
            others: BTreeMap::new(),
        }
    }
}

/// Formats the value of the kubelet flag `--kube-reserved`, such as
/// `cpu=70m,ephemeral-storage=1Gi,memory=475Mi`.
impl fmt::Display for Reserved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, ephemeral_storage, memory, others } = self;
        write!(formatter, "cpu={cpu},ephemeral-storage={ephemeral_storage},memory={memory}")?;
        others.iter().try_for_each(|(key, value)| write!(formatter, ",{key}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_at_every_band_edge() {
        let expect = [
            (0, 0),
            (1, 60),
            (2, 70),
            (3, 75),
            (4, 80),
            (5, 82),
            (8, 90),
            (16, 110),
            (32, 150),
            (96, 310),
            (128, 390),
            (192, 550),
        ];
        for (vcpus, millicores) in expect {
            assert_eq!(cpu(vcpus), Millicores(millicores), "{vcpus} vCPUs");
        }
    }

    #[test]
    fn memory_grows_with_pods() {
        let expect = [(4, 299), (17, 442), (29, 574), (110, 1_465), (250, 3_005), (737, 8_362)];
        for (pods, mebibytes) in expect {
            assert_eq!(memory(pods), Mebibytes(mebibytes), "{pods} pods");
        }
        assert_eq!(memory(u32::MAX), Mebibytes(u32::MAX));
    }

    #[test]
    fn an_override_replaces_one_reserve() {
        let none = ReserveOverrides::default();
        assert_eq!(
            Reserved::compute(2, 20, &none).to_string(),
            "cpu=70m,ephemeral-storage=1Gi,memory=475Mi"
        );
        let memory = ReserveOverrides { memory: Some("900Mi".parse().unwrap()), ..none };
        assert_eq!(
            Reserved::compute(2, 20, &memory).to_string(),
            "cpu=70m,ephemeral-storage=1Gi,memory=900Mi"
        );
    }
}
