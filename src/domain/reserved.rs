//! What the kubelet keeps back for itself and the container runtime (`kubeReserved`).

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Thousandths of one vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millicores(pub u32);

/// Binary megabytes (2²⁰ bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mebibytes(pub u32);

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

/// Memory to reserve: 255 MiB, and 11 MiB for each pod the node may hold.
///
/// Source: `getMemoryMebibytesToReserve`, `nodeadm/internal/kubelet/config.go`, awslabs/amazon-eks-ami.
#[must_use]
pub fn memory(max_pods: u32) -> Mebibytes {
    Mebibytes(max_pods.saturating_mul(11).saturating_add(255))
}

/// CPU to reserve, falling as the machine grows: 6 % of the first vCPU, 1 % of the second, 0.5 % of
/// the third and fourth, 0.25 % of every further one. Each band rounds down, as nodeadm's does.
///
/// Source: `getCPUMillicoresToReserve`, same file.
#[must_use]
pub fn cpu(vcpus: u32) -> Millicores {
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

/// Disk to reserve for images, logs and the kubelet's own files.
///
/// Source: `nodeadm/internal/kubelet/config.go`: the same on every machine.
pub const EPHEMERAL_STORAGE: &str = "1Gi";

/// A Kubernetes quantity, such as `100m`, `475Mi` or `1Gi`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(String);

/// What a quantity may end in, and how many thousand-millionths it stands for.
///
/// Source: "Quantity", Kubernetes API reference.
const SUFFIXES: [(&str, u128); 16] = [
    ("", ONE),
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("k", ONE * 1_000),
    ("M", ONE * 1_000_000),
    ("G", ONE * 1_000_000_000),
    ("T", ONE * 1_000_000_000_000),
    ("P", ONE * 1_000_000_000_000_000),
    ("E", ONE * 1_000_000_000_000_000_000),
    ("Ki", ONE << 10),
    ("Mi", ONE << 20),
    ("Gi", ONE << 30),
    ("Ti", ONE << 40),
    ("Pi", ONE << 50),
    ("Ei", ONE << 60),
];
const ONE: u128 = 1_000_000_000;

impl Quantity {
    /// Of memory, in bytes, rounded down; what is too much to count is as good as all there is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let (number, suffix) = parts(&self.0);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let count = || {
            let (_, unit) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
            let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
            let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            u64::try_from(digits.checked_mul(*unit)? / scale / ONE).ok()
        };
        count().unwrap_or(u64::MAX)
    }
}

/// The number and the suffix.
fn parts(text: &str) -> (&str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(digits)
}

/// Text that is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quantity (such as 100m, 475Mi or 1Gi)")]
pub struct InvalidQuantity(pub String);

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let (number, suffix) = parts(text);
        let is_number = number.starts_with(|c: char| c.is_ascii_digit())
            && number.ends_with(|c: char| c.is_ascii_digit())
            && number.bytes().filter(|byte| *byte == b'.').count() <= 1;
        if is_number && SUFFIXES.iter().any(|(known, _)| *known == suffix) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidQuantity(text.to_owned()))
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

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

/// Amounts given by hand instead of the computed ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// CPU.
    pub cpu: Option<Quantity>,
    /// Memory.
    pub memory: Option<Quantity>,
    /// Disk.
    pub ephemeral_storage: Option<Quantity>,
}

/// What is kept back, each as the kubelet takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reserved {
    /// CPU.
    pub cpu: Quantity,
    /// Disk.
    pub ephemeral_storage: Quantity,
    /// Memory.
    pub memory: Quantity,
}

impl Reserved {
    /// For a machine of `vcpus` that may hold `max_pods`: the figure in force, ceiling included.
    #[must_use]
    pub fn of(vcpus: u32, max_pods: u32, overrides: &Overrides) -> Self {
        let Overrides { cpu: by_hand_cpu, memory: by_hand_memory, ephemeral_storage } = overrides;
        Self {
            cpu: by_hand_cpu.clone().unwrap_or_else(|| cpu(vcpus).into()),
            ephemeral_storage: ephemeral_storage
                .clone()
                .unwrap_or_else(|| Quantity(EPHEMERAL_STORAGE.to_owned())),
            memory: by_hand_memory.clone().unwrap_or_else(|| memory(max_pods).into()),
        }
    }
}

/// `cpu=70m,ephemeral-storage=1Gi,memory=475Mi`: what the kubelet's `--kube-reserved` takes.
impl fmt::Display for Reserved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, ephemeral_storage, memory } = self;
        write!(formatter, "cpu={cpu},ephemeral-storage={ephemeral_storage},memory={memory}")
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
    fn what_is_a_quantity() {
        for good in ["100m", "475Mi", "1Gi", "0.5", "2", "1.5Gi", "3k"] {
            assert_eq!(good.parse::<Quantity>().map(|q| q.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "Mi", "475 Mi", "1.", ".5", "1..5", "-1", "1GB", "1Gi,cpu=9"] {
            assert_eq!(bad.parse::<Quantity>(), Err(InvalidQuantity(bad.to_owned())));
        }
    }

    #[test]
    fn a_quantity_of_memory_in_bytes() {
        for (text, bytes) in [
            ("1500", 1_500),
            ("100Mi", 100 << 20),
            ("1.5Gi", 1_536 << 20),
            ("2G", 2_000_000_000),
            ("1500m", 1),
            ("99999999999Ei", u64::MAX),
        ] {
            assert_eq!(text.parse::<Quantity>().unwrap().bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn amounts_by_hand_replace_single_ones() {
        let none = Overrides::default();
        assert_eq!(
            Reserved::of(2, 20, &none).to_string(),
            "cpu=70m,ephemeral-storage=1Gi,memory=475Mi"
        );
        let memory = Overrides { memory: Some("900Mi".parse().unwrap()), ..none };
        assert_eq!(
            Reserved::of(2, 20, &memory).to_string(),
            "cpu=70m,ephemeral-storage=1Gi,memory=900Mi"
        );
    }
}
