//! Which instance types are meant: names, patterns, or lines on standard input.

use crate::error::UsageError;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::limits::Table;
use glob::Pattern;
use std::io::{BufRead as _, stdin};

/// The types that `wanted` names, in its order, each once.
pub(crate) fn named(wanted: &[String], table: &Table) -> Result<Vec<InstanceType>, UsageError> {
    let mut lines = Vec::new();
    for text in wanted {
        if text == "-" {
            for line in stdin().lock().lines() {
                let line = line.map_err(UsageError::StandardInput)?;
                lines.extend(line.split_whitespace().map(str::to_owned));
            }
        } else {
            lines.push(text.clone());
        }
    }
    let mut types: Vec<InstanceType> = Vec::new();
    for text in &lines {
        for found in matching(text, table)? {
            if !types.contains(&found) {
                types.push(found);
            }
        }
    }
    if types.is_empty() { Err(UsageError::NoInstanceType) } else { Ok(types) }
}

fn matching(text: &str, table: &Table) -> Result<Vec<InstanceType>, UsageError> {
    let parsed = |name: &str| name.parse().map_err(UsageError::InvalidType);
    if !text.contains(['*', '?', '[']) {
        return Ok(vec![parsed(text)?]);
    }
    let pattern = Pattern::new(text)
        .map_err(|source| UsageError::InvalidPattern { pattern: text.to_owned(), source })?;
    let found: Result<Vec<_>, _> =
        table.names().filter(|name| pattern.matches(name)).map(parsed).collect();
    match found? {
        found if found.is_empty() => Err(UsageError::NoMatch(text.to_owned())),
        found => Ok(found),
    }
}
