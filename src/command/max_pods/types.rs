//! Which instance types are meant: names, patterns, or lines on standard input.

use crate::error::{Error, UsageError};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::limits::Table;
use glob::Pattern;
use std::io::{BufRead as _, stdin};

/// The types that `wanted` names, in its order, each once.
pub(crate) fn named(wanted: &[String], table: &Table) -> Result<Vec<InstanceType>, Error> {
    let mut lines = Vec::new();
    for text in wanted {
        if text == "-" {
            for line in stdin().lock().lines() {
                let line = line.map_err(|error| usage(format!("standard input: {error}")))?;
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
    if types.is_empty() { Err(Error::Usage(UsageError::NoInstanceType)) } else { Ok(types) }
}

fn matching(text: &str, table: &Table) -> Result<Vec<InstanceType>, Error> {
    let parsed = |name: &str| name.parse().map_err(|error| usage(format!("{error}")));
    if !text.contains(['*', '?', '[']) {
        return Ok(vec![parsed(text)?]);
    }
    let pattern =
        Pattern::new(text).map_err(|error| usage(format!("{text:?} is no pattern: {error}")))?;
    let found: Result<Vec<_>, _> =
        table.names().filter(|name| pattern.matches(name)).map(parsed).collect();
    match found? {
        found if found.is_empty() => Err(usage(format!("no known instance type matches {text:?}"))),
        found => Ok(found),
    }
}

fn usage(why: String) -> Error {
    Error::Usage(UsageError::NoSuchType(why))
}
