//! Elements of the page. All text is escaped here.

use crate::report::svg::escaped;
use eni_core::diagnostic::Severity;
use std::fmt::Write as _;

/// A section with a heading of level 2.
#[derive(Debug)]
pub(super) struct Section {
    pub id: &'static str,
    pub heading: &'static str,
    /// Elements.
    pub body: String,
}

pub(super) fn section(section: &Section) -> String {
    let Section { id, heading, body } = section;
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{heading}</h2>\n{body}</section>\n"
    )
}

/// Returns a paragraph.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", prose(text))
}

/// Returns text in which each part in backticks is code.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired = parts.len() % 2 == 1;
    let mut html = String::new();
    for (index, part) in parts.iter().enumerate() {
        let part = escaped(part);
        match index % 2 {
            1 if is_paired => html.extend(["<code>", &part, "</code>"]),
            0 if index == 0 || is_paired => html += &part,
            _ => html.extend(["`", &part]),
        }
    }
    html
}

/// Returns what to do. The lines after the first one keep their line breaks: they may be a manifest.
pub(super) fn help(text: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let help = format!("<p><strong>What to do:</strong> {}</p>\n", prose(first));
    if rest.is_empty() { help } else { format!("{help}<pre>{}</pre>\n", escaped(rest)) }
}

/// The alignment and the font of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Text,
    Number,
    Code,
}

/// Returns a table in a box that scrolls. The cells contain text, not elements. The first one of each row is its header.
pub(super) fn table<const COLUMNS: usize>(
    caption: &str,
    header: [(&str, Column); COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let caption = escaped(caption);
    let mut html = format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n<caption>{caption}</caption>\n<thead><tr>"
    );
    for (name, column) in header {
        let _ = write!(html, "<th scope=\"col\"{}>{name}</th>", class(column));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (index, (cell, (_, column))) in row.iter().zip(header).enumerate() {
            let (element, scope) = if index == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
            let cell = if column == Column::Code { escaped(cell) } else { prose(cell) };
            let _ = write!(html, "<{element}{scope}{}>{cell}</{element}>", class(column));
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n"
}

fn class(column: Column) -> &'static str {
    match column {
        Column::Text => "",
        Column::Number => " class=\"number\"",
        Column::Code => " class=\"code\"",
    }
}

/// Returns a list of names and values.
pub(super) fn facts(items: &[(&str, String)]) -> String {
    let items = items.iter().map(|(name, value)| {
        // A longer value gets the whole width.
        let class = if value.chars().count() > 60 { " class=\"long\"" } else { "" };
        format!("<div{class}><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value))
    });
    format!("<dl class=\"facts\">\n{}</dl>\n", items.collect::<String>())
}

/// Returns the symbol of a severity, for readers who do not see its color.
pub(super) fn symbol(severity: Severity) -> &'static str {
    match severity {
        Severity::Failed => "✕",
        Severity::Warning => "▲",
        Severity::Skipped => "○",
        Severity::Ok => "✓",
        Severity::Info => "i",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_backticks_are_code_if_they_are_paired() {
        assert_eq!(
            prose("run `a <b>`; then `c`"),
            "run <code>a &lt;b&gt;</code>; then <code>c</code>"
        );
        assert_eq!(prose("a ` b"), "a ` b");
        assert_eq!(prose("a `b` c ` d"), "a `b` c ` d");
    }

    #[test]
    fn a_manifest_in_the_help_keeps_its_lines() {
        assert_eq!(
            help("create `it`:\nkind: A\n  name: <b>"),
            "<p><strong>What to do:</strong> create <code>it</code>:</p>\n<pre>kind: A\n  name: &lt;b&gt;</pre>\n"
        );
    }

    #[test]
    fn the_cells_of_a_table_are_escaped() {
        let header = [("a", Column::Code), ("b", Column::Text)];
        let table = table("<i>", header, [["<x>".to_owned(), "&".to_owned()]]);
        assert!(table.contains("aria-label=\"&lt;i&gt;\""), "{table}");
        let row = "<tr><th scope=\"row\" class=\"code\">&lt;x&gt;</th><td>&amp;</td></tr>";
        assert!(table.contains(row), "{table}");
    }
}
