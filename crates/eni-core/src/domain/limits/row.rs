//! One line of an instance-type table. `build.rs` reads the embedded tables by this file, too.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The first line of every table that is not a comment.
pub const HEADER: &str =
    "instance_type,enis_default_card,enis_other_cards,ipv4_per_eni,hypervisor,bare_metal,vcpus";

/// What runs beneath the operating system. Prefixes need Nitro or bare metal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// AWS's own hypervisor.
    Nitro,
    /// The older hypervisor.
    Xen,
    /// None: EC2 names no hypervisor for `*.metal` types.
    BareMetal,
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nitro => "Nitro",
            Self::Xen => "Xen",
            Self::BareMetal => "bare metal",
        })
    }
}

/// What EC2 says of one instance type, as far as the CNI and the kubelet use it.
///
/// Source: EC2 `DescribeInstanceTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Network interfaces on the *default network card* alone: the CNI uses no other card unless
    /// `ENABLE_MULTI_NIC` is set, so the type's total (`MaximumNetworkInterfaces`) overstates
    /// multi-card types such as p5.48xlarge.
    pub interfaces: u32,
    /// Network interfaces on the other cards together, each card counted up to what the default
    /// card has: the CNI knows one limit for all of them.
    pub interfaces_of_other_cards: u32,
    /// IPv4 addresses on each interface, its own primary address included.
    pub ipv4_per_interface: u32,
    /// Nitro, Xen or bare metal.
    pub platform: Platform,
    /// Default vCPUs.
    pub vcpus: u32,
}

/// A line that is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRow(pub String);

impl fmt::Display for NoRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} is not a row of {HEADER}", self.0)
    }
}

impl std::error::Error for NoRow {}

/// A type's name, and what EC2 says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRow(pub String, pub Row);

impl FromStr for NamedRow {
    type Err = NoRow;

    fn from_str(line: &str) -> Result<Self, NoRow> {
        parsed(line).ok_or_else(|| NoRow(line.to_owned()))
    }
}

fn parsed(line: &str) -> Option<NamedRow> {
    let fields: Vec<&str> = line.trim_end().split(',').collect();
    let [name, interfaces, others, ipv4, hypervisor, bare_metal, vcpus] = fields[..] else {
        return None;
    };
    let platform = match (hypervisor, bare_metal) {
        (_, "true") => Platform::BareMetal,
        ("nitro", "false") => Platform::Nitro,
        ("xen", "false") => Platform::Xen,
        _ => return None,
    };
    let row = Row {
        interfaces: interfaces.parse().ok()?,
        interfaces_of_other_cards: others.parse().ok()?,
        ipv4_per_interface: ipv4.parse().ok()?,
        platform,
        vcpus: vcpus.parse().ok()?,
    };
    Some(NamedRow(name.to_owned(), row))
}

/// The line itself, without its end.
impl fmt::Display for NamedRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, row) = self;
        let Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus } =
            row;
        let (hypervisor, bare_metal) = match platform {
            Platform::Nitro => ("nitro", false),
            Platform::Xen => ("xen", false),
            Platform::BareMetal => ("none", true),
        };
        write!(
            formatter,
            "{name},{interfaces},{interfaces_of_other_cards},{ipv4_per_interface},{hypervisor},{bare_metal},{vcpus}"
        )
    }
}

/// Every row of a table's text, with the number of its line (from 1) where one is none.
pub fn rows(text: &str) -> impl Iterator<Item = Result<NamedRow, (usize, NoRow)>> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty() && *line != HEADER)
        .map(|(index, line)| line.parse().map_err(|error| (index + 1, error)))
}
