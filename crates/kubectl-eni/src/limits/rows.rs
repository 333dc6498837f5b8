//! Prints rows of the table of instance types, and compares two tables.

use crate::output::table;
use eni_core::domain::instance_limits::{HEADER, NamedRow, Row};
use std::collections::BTreeMap;

/// Returns the rows as CSV with a header.
pub(super) fn csv(rows: &[NamedRow]) -> String {
    let lines = rows.iter().map(|row| format!("{row}\n"));
    std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
}

/// Returns the rows in aligned columns.
pub(super) fn aligned(rows: &[NamedRow]) -> String {
    let header = ["TYPE", "ENIS", "ENIS ON OTHER CARDS", "IPV4/ENI", "PLATFORM", "VCPUS"];
    let cells = rows.iter().map(|NamedRow(name, row)| {
        [
            name.clone(),
            row.interfaces.to_string(),
            row.interfaces_of_other_cards.to_string(),
            row.ipv4_per_interface.to_string(),
            row.platform.to_string(),
            row.vcpus.to_string(),
        ]
    });
    table(header, &[1, 2, 3, 5], cells).into_iter().map(|line| line + "\n").collect()
}

/// Returns the text of a table file without the lines that start with `#`.
pub(super) fn without_comments(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect()
}

/// Returns the instance types of the table `old` that `new` does not contain.
pub(super) fn missing<'a>(old: &'a str, new: &BTreeMap<String, Row>) -> Vec<&'a str> {
    let names = old.lines().skip(1).filter_map(|line| line.split(',').next());
    names.filter(|name| !new.contains_key(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [NamedRow; 2] {
        ["m5.large,3,0,10,nitro,false,2", "p4d.24xlarge,15,45,50,nitro,false,96"]
            .map(|line| line.parse().unwrap())
    }

    #[test]
    fn rows_are_printed_as_a_table_and_as_csv() {
        assert_eq!(
            aligned(&rows()),
            concat!(
                "TYPE          ENIS  ENIS ON OTHER CARDS  IPV4/ENI  PLATFORM  VCPUS\n",
                "m5.large         3                    0        10  Nitro         2\n",
                "p4d.24xlarge    15                   45        50  Nitro        96\n",
            )
        );
        assert_eq!(
            csv(&rows()),
            format!(
                "{HEADER}\nm5.large,3,0,10,nitro,false,2\np4d.24xlarge,15,45,50,nitro,false,96\n"
            )
        );
    }

    #[test]
    fn types_that_only_the_old_table_has_are_missing() {
        let rows = rows();
        let old = without_comments(&format!("# a comment\n{}", csv(&rows)));
        let both: BTreeMap<String, Row> =
            rows.into_iter().map(|NamedRow(name, row)| (name, row)).collect();
        assert_eq!(missing(&old, &both), [""; 0]);
        assert_eq!(missing("", &both), [""; 0]);
        let one = BTreeMap::from([("m5.large".to_owned(), both["m5.large"])]);
        assert_eq!(missing(&old, &one), ["p4d.24xlarge"]);
    }
}
