//! Limits of EC2 instance types, from the embedded table or an override file.

mod csv_row;

pub use csv_row::{HEADER, InvalidRow, NamedRow, Platform, Row, rows};

use crate::domain::identifier::InstanceType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;

include!(concat!(env!("OUT_DIR"), "/instance_types.rs"));

/// Limits of one instance type that max-pods and the kubelet's reserves depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceLimits {
    /// Network interfaces of the default network card.
    pub interfaces: u32,
    /// Network interfaces of the other network cards; see [`Row`].
    pub interfaces_of_other_cards: u32,
    /// IPv4 addresses of each network interface, including its primary address.
    pub ipv4_per_interface: u32,
    /// Nitro, Xen or bare metal.
    pub platform: Platform,
    /// Default number of vCPUs.
    pub vcpus: u32,
    /// Whether the CNI can attach a trunk interface, which security groups for pods require.
    pub trunking: bool,
}

impl InstanceLimits {
    /// Returns the limits of `instance_type`, for which EC2 lists `row`.
    #[must_use]
    pub fn new(instance_type: &InstanceType, row: Row) -> Self {
        let Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus } =
            row;
        Self {
            interfaces,
            interfaces_of_other_cards,
            ipv4_per_interface,
            platform,
            vcpus,
            trunking: is_trunking_compatible(instance_type, platform),
        }
    }

    /// Returns the limits as a row of a table.
    #[must_use]
    pub fn row(&self) -> Row {
        let Self {
            interfaces,
            interfaces_of_other_cards,
            ipv4_per_interface,
            platform,
            vcpus,
            trunking: _,
        } = *self;
        Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus }
    }
}

/// Returns whether the CNI reserves a trunk interface on this instance type. An unknown type counts
/// as compatible, as in the CNI: max-pods may then be too low, but never too high.
///
/// Source: `pkg/aws/vpc/limits.go`, aws/amazon-vpc-resource-controller-k8s.
fn is_trunking_compatible(instance_type: &InstanceType, platform: Platform) -> bool {
    const FAMILIES_WITHOUT: [&str; 3] = ["t3", "t3a", "t4g"];
    const TYPES_WITHOUT: [&str; 2] = ["u-6tb1.56xlarge", "u-6tb1.112xlarge"];
    const UNKNOWN_TYPES: [&str; 2] = ["cr1.8xlarge", "hs1.8xlarge"];
    let name = instance_type.as_str();
    let family = name.split('.').next().unwrap_or_default();
    let is_known = !UNKNOWN_TYPES.contains(&name);
    let is_incompatible = platform == Platform::Xen
        || FAMILIES_WITHOUT.contains(&family)
        || TYPES_WITHOUT.contains(&name);
    !(is_known && is_incompatible)
}

/// Returns the limits of `instance_type` in the embedded table.
#[must_use]
pub fn embedded(instance_type: &InstanceType) -> Option<InstanceLimits> {
    let index = TABLE
        .binary_search_by_key(&instance_type.as_str(), |(start, end, _)| name(*start, *end))
        .ok()?;
    TABLE.get(index).map(|(_, _, row)| InstanceLimits::new(instance_type, *row))
}

/// Returns the name from `start` to `end` in `NAMES`.
fn name(start: u16, end: u16) -> &'static str {
    NAMES.get(usize::from(start)..usize::from(end)).unwrap_or_default()
}

/// `nitro`, `xen` or `bare-metal`. Not derived, so that the build script needs no serde.
impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Nitro => "nitro",
            Self::Xen => "xen",
            Self::BareMetal => "bare-metal",
        })
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "nitro" => Ok(Self::Nitro),
            "xen" => Ok(Self::Xen),
            "bare-metal" => Ok(Self::BareMetal),
            other => Err(de::Error::unknown_variant(other, &["nitro", "xen", "bare-metal"])),
        }
    }
}

/// Instance types whose limits are known without a call to EC2.
#[derive(Clone, Debug)]
pub struct LimitsTable {
    embedded: fn(&InstanceType) -> Option<InstanceLimits>,
    overrides: BTreeMap<String, Row>,
}

/// Where the limits of an instance type come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitsSource {
    /// `/etc/eni-bootstrap/instance-types.csv`.
    OverrideFile,
    /// The table in the binary.
    EmbeddedTable,
    /// `ec2:DescribeInstanceTypes`.
    Ec2,
    /// The record of the last successful run.
    LastRun,
}

impl Default for LimitsTable {
    fn default() -> Self {
        Self::new(embedded)
    }
}

impl LimitsTable {
    /// Returns a table with `embedded` in place of the table in the binary, for tests.
    #[must_use]
    pub fn new(embedded: fn(&InstanceType) -> Option<InstanceLimits>) -> Self {
        Self { embedded, overrides: BTreeMap::new() }
    }

    /// Adds rows that take precedence over the embedded ones.
    #[must_use]
    pub fn with_overrides(self, rows: impl IntoIterator<Item = NamedRow>) -> Self {
        let overrides = rows.into_iter().map(|NamedRow(name, row)| (name, row)).collect();
        Self { overrides, ..self }
    }

    /// Returns the limits of one instance type and their source.
    #[must_use]
    pub fn find(&self, instance_type: &InstanceType) -> Option<(InstanceLimits, LimitsSource)> {
        if let Some(row) = self.overrides.get(instance_type.as_str()) {
            return Some((InstanceLimits::new(instance_type, *row), LimitsSource::OverrideFile));
        }
        (self.embedded)(instance_type).map(|limits| (limits, LimitsSource::EmbeddedTable))
    }

    /// Returns the name of every instance type in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = embedded_rows().map(|(name, _)| name).collect();
        names.extend(self.overrides.keys().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }

    /// Returns the known instance type most similar to `name`; `None` if none is similar.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<String> {
        crate::nearest::nearest(name, self.names())
    }
}

/// Returns every row of the embedded table in alphabetical order.
#[must_use]
pub fn embedded_rows() -> impl ExactSizeIterator<Item = (&'static str, Row)> {
    TABLE.iter().map(|(start, end, row)| (name(*start, *end), *row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(name: &str) -> Option<InstanceLimits> {
        embedded(&name.parse().unwrap())
    }

    #[test]
    fn the_table_has_types_of_each_platform_and_source() {
        use Platform::{BareMetal, Nitro, Xen};
        let row = |interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus| {
            Some(Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus })
        };
        let row_of = |name| limits(name).map(|limits| limits.row());
        assert_eq!(row_of("m5.large"), row(3, 0, 10, Nitro, 2));
        assert_eq!(row_of("m4.xlarge"), row(4, 0, 15, Xen, 4));
        assert_eq!(row_of("m5.metal"), row(15, 0, 50, BareMetal, 96));
        assert_eq!(row_of("i3.metal"), row(15, 0, 50, BareMetal, 72), "from legacy-types.csv");
        assert_eq!(
            row_of("p4d.24xlarge"),
            row(15, 45, 50, Nitro, 96),
            "the default card and three others"
        );
        assert_eq!(row_of("zz9.plural"), None);
    }

    #[test]
    fn some_instance_types_support_no_trunk_interface() {
        let trunking = |name| limits(name).unwrap().trunking;
        for with in ["m5.large", "m5.metal", "i4i.large", "t2.medium"]
            .map(|name| (name, name != "t2.medium"))
        {
            assert_eq!(trunking(with.0), with.1, "{}", with.0);
        }
        for unknown in ["hs1.8xlarge", "cr1.8xlarge"] {
            assert!(trunking(unknown), "{unknown}");
        }
        for without in [
            "t3.medium",
            "t3a.large",
            "t4g.micro",
            "u-6tb1.56xlarge",
            "u-6tb1.112xlarge",
            "m4.xlarge",
        ] {
            assert!(!trunking(without), "{without}");
        }
    }

    #[test]
    fn an_override_takes_precedence_and_a_line_is_kept_as_written() {
        let line = "m5.large,4,0,12,nitro,false,2";
        let rows: Vec<_> =
            rows(&format!("# comment\n{HEADER}\n{line}\n\nzz9.plural,1,0,2,xen,false,1\n"))
                .collect();
        let rows: Result<Vec<NamedRow>, _> = rows.into_iter().collect();
        let rows = rows.unwrap();
        assert_eq!(rows[0].to_string(), line);
        let table = LimitsTable::default().with_overrides(rows);
        let find = |name: &str| {
            table.find(&name.parse().unwrap()).map(|(limits, source)| (limits.interfaces, source))
        };
        assert_eq!(find("m5.large"), Some((4, LimitsSource::OverrideFile)));
        assert_eq!(find("zz9.plural"), Some((1, LimitsSource::OverrideFile)));
        assert_eq!(find("m5.xlarge"), Some((4, LimitsSource::EmbeddedTable)));
        assert_eq!(table.names().count(), 1_447);
        for (bad, line) in [("m5.large,4", 1), ("# x\nm5.large,4,0,12,nitro,maybe,2", 2)] {
            let text = bad.lines().last().unwrap().to_owned();
            assert_eq!(super::rows(bad).next(), Some(Err((line, InvalidRow(text)))));
        }
        assert_eq!(
            InvalidRow("m5.large,4".to_owned()).to_string(),
            format!("\"m5.large,4\" does not have the columns {HEADER}")
        );
        let platforms = [Platform::Nitro, Platform::Xen, Platform::BareMetal];
        assert_eq!(platforms.map(|it| it.to_string()), ["Nitro", "Xen", "bare metal"]);
    }

    #[test]
    fn the_table_is_sorted_for_binary_search() {
        let names: Vec<&str> = embedded_rows().map(|(name, _)| name).collect();
        assert!(names.is_sorted_by(|one, next| one < next));
        assert_eq!(names.len(), 1_446);
        assert_eq!(names.concat(), NAMES);
        assert_eq!((names.first(), names.last()), (Some(&"a1.2xlarge"), Some(&"z1d.xlarge")));
    }

    #[test]
    fn a_misspelt_name_has_a_nearest_type() {
        let nearest = |name: &str| LimitsTable::default().nearest(name);
        assert_eq!(nearest("m5.lrage").as_deref(), Some("m5.large"));
        assert_eq!(nearest("c7g.mediun").as_deref(), Some("c7g.medium"));
        assert_eq!(nearest("nothing"), None);
    }
}
