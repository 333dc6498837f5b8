//! Selects instance types by name, by pattern, or from standard input.

use crate::error::UsageError;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::LimitsTable;
use glob::Pattern;
use std::io::{BufRead as _, stdin};

/// Returns the instance types that match `arguments`, in the same order and without duplicates. The
/// argument `-` reads names and patterns from standard input.
pub(crate) fn select(
    arguments: &[String],
    table: &LimitsTable,
) -> Result<Vec<InstanceType>, UsageError> {
    let mut words = Vec::new();
    for argument in arguments {
        if argument == "-" {
            for line in stdin().lock().lines() {
                let line = line.map_err(UsageError::StandardInput)?;
                words.extend(line.split_whitespace().map(str::to_owned));
            }
        } else {
            words.push(argument.clone());
        }
    }
    let mut types: Vec<InstanceType> = Vec::new();
    for word in &words {
        for instance_type in matching(word, table)? {
            if !types.contains(&instance_type) {
                types.push(instance_type);
            }
        }
    }
    if types.is_empty() { Err(UsageError::NoInstanceType) } else { Ok(types) }
}

fn matching(word: &str, table: &LimitsTable) -> Result<Vec<InstanceType>, UsageError> {
    let parse = |name: &str| {
        let invalid = |error| UsageError::InvalidType { error, nearest: table.nearest(name) };
        name.parse().map_err(invalid)
    };
    if !word.contains(['*', '?', '[']) {
        return Ok(vec![parse(word)?]);
    }
    let pattern = Pattern::new(word)
        .map_err(|source| UsageError::InvalidPattern { pattern: word.to_owned(), source })?;
    let types: Result<Vec<_>, _> =
        table.names().filter(|name| pattern.matches(name)).map(parse).collect();
    match types? {
        types if types.is_empty() => Err(UsageError::NoMatch(word.to_owned())),
        types => Ok(types),
    }
}
