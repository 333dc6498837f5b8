//! What an instance type offers to the VPC CNI, and the table of all of them.

mod row;

pub use row::{HEADER, NamedRow, NoRow, Platform, Row, rows};

use crate::domain::identifier::InstanceType;
use serde::Serialize;
use std::collections::BTreeMap;

include!(concat!(env!("OUT_DIR"), "/instance_types.rs"));

/// The limits of one instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceLimits {
    /// What EC2 says.
    #[serde(flatten)]
    pub row: Row,
    /// Whether a trunk interface can be attached, which security groups for pods need.
    pub trunking: bool,
}

impl InstanceLimits {
    /// The limits of `instance_type`, of which EC2 says `row`.
    #[must_use]
    pub fn new(instance_type: &InstanceType, row: Row) -> Self {
        Self { row, trunking: is_trunking_compatible(instance_type, row.platform) }
    }
}

/// Whether the CNI keeps an interface for a trunk on this type. A type that it does not know counts
/// as one, and so do we: an interface too few for pods is safe, one too many is not.
///
/// Source: `pkg/aws/vpc/limits.go`, aws/amazon-vpc-resource-controller-k8s.
fn is_trunking_compatible(instance_type: &InstanceType, platform: Platform) -> bool {
    const FAMILIES_WITHOUT: [&str; 3] = ["t3", "t3a", "t4g"];
    const TYPES_WITHOUT: [&str; 2] = ["u-6tb1.56xlarge", "u-6tb1.112xlarge"];
    let name = instance_type.as_str();
    let family = name.split('.').next().unwrap_or_default();
    platform != Platform::Xen
        && !FAMILIES_WITHOUT.contains(&family)
        && !TYPES_WITHOUT.contains(&name)
}

/// The limits of `instance_type`, if the embedded table has it.
#[must_use]
pub fn embedded(instance_type: &InstanceType) -> Option<InstanceLimits> {
    let index = TABLE.binary_search_by_key(&instance_type.as_str(), |(name, _)| name).ok()?;
    TABLE.get(index).map(|(_, row)| InstanceLimits::new(instance_type, *row))
}

/// Every type that is known without asking: the rows of an override file, then the embedded ones.
#[derive(Clone, Debug)]
pub struct Table {
    embedded: fn(&InstanceType) -> Option<InstanceLimits>,
    overrides: BTreeMap<String, Row>,
}

/// Who says what a type's limits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The override file in the settings directory.
    OverrideFile,
    /// The table in the binary.
    EmbeddedTable,
    /// EC2's `DescribeInstanceTypes`.
    Ec2,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(embedded)
    }
}

impl Table {
    /// With `embedded` in place of the table in the binary: a test can take a row out.
    #[must_use]
    pub fn new(embedded: fn(&InstanceType) -> Option<InstanceLimits>) -> Self {
        Self { embedded, overrides: BTreeMap::new() }
    }

    /// With rows that win over the embedded ones.
    #[must_use]
    pub fn with_overrides(self, rows: impl IntoIterator<Item = NamedRow>) -> Self {
        let overrides = rows.into_iter().map(|NamedRow(name, row)| (name, row)).collect();
        Self { overrides, ..self }
    }

    /// The limits of one type, and who says so.
    #[must_use]
    pub fn find(&self, instance_type: &InstanceType) -> Option<(InstanceLimits, Source)> {
        if let Some(row) = self.overrides.get(instance_type.as_str()) {
            return Some((InstanceLimits::new(instance_type, *row), Source::OverrideFile));
        }
        (self.embedded)(instance_type).map(|limits| (limits, Source::EmbeddedTable))
    }

    /// The name of every type, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        names.extend(self.overrides.keys().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }
}

/// Every row of the embedded table, in the order of the names.
#[must_use]
pub fn table() -> impl ExactSizeIterator<Item = (&'static str, Row)> {
    TABLE.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(name: &str) -> Option<InstanceLimits> {
        embedded(&name.parse().unwrap())
    }

    #[test]
    fn types_of_each_platform_and_source_are_found() {
        use Platform::{BareMetal, Nitro, Xen};
        let row = |interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus| {
            Some(Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus })
        };
        let found = |name| limits(name).map(|limits| limits.row);
        assert_eq!(found("m5.large"), row(3, 0, 10, Nitro, 2));
        assert_eq!(found("m4.xlarge"), row(4, 0, 15, Xen, 4));
        assert_eq!(found("m5.metal"), row(15, 0, 50, BareMetal, 96));
        assert_eq!(found("i3.metal"), row(15, 0, 50, BareMetal, 72), "of legacy-types.csv");
        assert_eq!(found("p4d.24xlarge"), row(15, 45, 50, Nitro, 96), "the default card of four");
        assert_eq!(found("zz9.plural"), None);
    }

    #[test]
    fn trunk_interfaces_need_the_right_type() {
        let trunking = |name| limits(name).unwrap().trunking;
        for with in ["m5.large", "m5.metal", "i4i.large", "t2.medium"]
            .map(|name| (name, name != "t2.medium"))
        {
            assert_eq!(trunking(with.0), with.1, "{}", with.0);
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
    fn an_override_wins_and_a_line_is_read_as_it_was_written() {
        let line = "m5.large,4,0,12,nitro,false,2";
        let rows: Vec<_> =
            rows(&format!("# made by hand\n{HEADER}\n{line}\n\nzz9.plural,1,0,2,xen,false,1\n"))
                .collect();
        let rows: Result<Vec<NamedRow>, _> = rows.into_iter().collect();
        let rows = rows.unwrap();
        assert_eq!(rows[0].to_string(), line);
        let table = Table::default().with_overrides(rows);
        let found = |name: &str| {
            table
                .find(&name.parse().unwrap())
                .map(|(limits, source)| (limits.row.interfaces, source))
        };
        assert_eq!(found("m5.large"), Some((4, Source::OverrideFile)));
        assert_eq!(found("zz9.plural"), Some((1, Source::OverrideFile)));
        assert_eq!(found("m5.xlarge"), Some((4, Source::EmbeddedTable)));
        assert_eq!(table.names().count(), 1_447);
        for (bad, line) in [("m5.large,4", 1), ("# x\nm5.large,4,0,12,nitro,maybe,2", 2)] {
            let text = bad.lines().last().unwrap().to_owned();
            assert_eq!(super::rows(bad).next(), Some(Err((line, NoRow(text)))));
        }
        assert_eq!(
            NoRow("m5.large,4".to_owned()).to_string(),
            format!("\"m5.large,4\" is not a row of {HEADER}")
        );
        let platforms = [Platform::Nitro, Platform::Xen, Platform::BareMetal];
        assert_eq!(platforms.map(|it| it.to_string()), ["Nitro", "Xen", "bare metal"]);
    }

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(TABLE.is_sorted_by(|(one, _), (next, _)| one < next));
        assert_eq!(TABLE.len(), 1_446);
    }
}
