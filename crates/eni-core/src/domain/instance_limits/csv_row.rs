//! Rows of an instance-type table. `build.rs` includes this file to read the embedded tables.

use std::fmt;
use std::str::FromStr;

/// Column names, in the first line of a table that is not a comment.
pub const HEADER: &str =
    "instance_type,enis_default_card,enis_other_cards,ipv4_per_eni,hypervisor,bare_metal,vcpus";

/// Hypervisor of an instance type. Prefix delegation requires Nitro or bare metal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// The AWS Nitro System.
    Nitro,
    /// The hypervisor of older instance types.
    Xen,
    /// No hypervisor: `*.metal` instance types.
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

/// Limits of one instance type that EC2 lists.
///
/// Source: EC2 `DescribeInstanceTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Network interfaces of the default network card. The CNI uses the other cards only with
    /// `ENABLE_MULTI_NIC`, so `MaximumNetworkInterfaces` would be too high for types with several
    /// network cards, such as p5.48xlarge.
    pub interfaces: u32,
    /// Network interfaces of all other network cards, each card counted up to the number of the
    /// default card, because the CNI applies one limit to every card.
    pub interfaces_of_other_cards: u32,
    /// IPv4 addresses of each network interface, including its primary address.
    pub ipv4_per_interface: u32,
    /// Nitro, Xen or bare metal.
    pub platform: Platform,
    /// Default number of vCPUs.
    pub vcpus: u32,
}

/// A line that is not a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRow(pub String);

impl fmt::Display for InvalidRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} does not have the columns {HEADER}", self.0)
    }
}

impl std::error::Error for InvalidRow {}

/// Name and limits of an instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRow(pub String, pub Row);

impl FromStr for NamedRow {
    type Err = InvalidRow;

    fn from_str(line: &str) -> Result<Self, InvalidRow> {
        parsed(line).ok_or_else(|| InvalidRow(line.to_owned()))
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

/// Formats the row as a line of a table, without the line feed.
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

/// Parses every row of a table. An error has the number of its line, counted from 1.
pub fn rows(text: &str) -> impl Iterator<Item = Result<NamedRow, (usize, InvalidRow)>> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty() && *line != HEADER)
        .map(|(index, line)| line.parse().map_err(|error| (index + 1, error)))
}
