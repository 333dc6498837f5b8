//! The tables of the values in the documentation, which are generated from the comments in `values.yaml`.

use super::helm::{chart, expect_file, repository};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

const START: &str = "<!-- The values: generated from values.yaml by `UPDATE_GOLDEN=1 cargo test --package kubectl-eni --test plugin chart::` -->\n";
const END: &str = "<!-- End of the values -->\n";

/// A value with a comment: its path and the comment.
fn documented(text: &str) -> Vec<(Vec<&str>, &str)> {
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut comment = None;
    let mut documented = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if let Some(text) = content.strip_prefix("# ") {
            assert_eq!(comment.replace(text), None, "a comment has one line: {line}");
            continue;
        }
        let Some((key, _)) = content.split_once(':') else { continue };
        path.retain(|(other, _)| *other < indent);
        path.push((indent, key));
        if let Some(comment) = comment.take() {
            documented.push((path.iter().map(|(_, key)| *key).collect(), comment));
        }
    }
    documented
}

/// Returns the paths of the values that are not objects.
fn leaves(value: &Value, path: &[String]) -> Vec<String> {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let below = |(key, value): (&String, &Value)| {
                leaves(value, &[path, std::slice::from_ref(key)].concat())
            };
            fields.iter().flat_map(below).collect()
        }
        _ => vec![path.join(".")],
    }
}

/// Returns the table in Markdown.
fn table(text: &str) -> String {
    let values: Value = serde_saphyr::from_str(text).unwrap();
    let documented = documented(text);
    for leaf in leaves(&values, &[]) {
        let has_row = documented.iter().any(|(path, _)| {
            let path = path.join(".");
            leaf == path || leaf.starts_with(&format!("{path}."))
        });
        assert!(has_row, "{leaf} has no comment");
    }
    let mut table = "| value | default | description |\n|---|---|---|\n".to_owned();
    for (path, comment) in documented {
        let value = path.iter().fold(&values, |value, key| &value[*key]);
        let _ = writeln!(table, "| `{}` | `{value}` | {comment} |", path.join("."));
    }
    table
}

#[test]
fn the_tables_in_the_documentation_contain_every_value() {
    let text = fs::read_to_string(chart().join("values.yaml")).unwrap();
    let table = table(&text);
    for page in [chart().join("README.md"), repository().join("docs/helm-chart.md")] {
        let text = fs::read_to_string(&page).unwrap();
        let (before, rest) = text.split_once(START).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        expect_file(&page, &format!("{before}{START}\n{table}\n{END}{after}"));
    }
}
