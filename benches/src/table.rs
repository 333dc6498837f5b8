//! Tables in Markdown.

use crate::row::Row;

/// Returns the rows as a table: what, target, measured, met.
#[must_use]
pub fn of_rows(rows: &[Row]) -> String {
    let mut cells = vec![["what", "target", "measured", "met"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let met = row.met.map_or("", |met| if met { "yes" } else { "NO" });
        let target = row.target.clone().unwrap_or_default();
        [row.what.clone(), target, row.measured.clone(), met.to_owned()]
    }));
    render(&cells)
}

/// Returns a table with aligned columns. The first row is the header.
#[must_use]
pub fn render<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    });
    let line = |row: &[String; COLUMNS]| {
        let padded = row.iter().zip(widths).map(|(cell, width)| {
            let missing = width - cell.chars().count();
            format!("{cell}{}", " ".repeat(missing))
        });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let Some((header, rows)) = rows.split_first() else { return String::new() };
    let rows: String = rows.iter().map(line).collect();
    line(header) + &line(&widths.map(|width| "-".repeat(width))) + &rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [
            Row::new("run: wall", "69.0 (68.0–70.0) ms").target("≤ 70 ms", true),
            Row::new("run: µ", "1 ms"),
            Row::new("size", "11.8 MiB").target("≤ 10 MiB", false),
        ];
        let expected = "\
| what      | target   | measured            | met |
| --------- | -------- | ------------------- | --- |
| run: wall | ≤ 70 ms  | 69.0 (68.0–70.0) ms | yes |
| run: µ    |          | 1 ms                |     |
| size      | ≤ 10 MiB | 11.8 MiB            | NO  |
";
        assert_eq!(of_rows(&rows), expected);
    }
}
