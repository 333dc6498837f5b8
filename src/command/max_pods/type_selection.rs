//! Selects instance types by name, by pattern, or from standard input.

use crate::error::{Error, UsageError};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::limits::Table;
use glob::Pattern;
use std::io::{BufRead as _, stdin};

/// Returns the instance types that match `arguments`, in the same order and without duplicates. The
/// argument `-` reads names and patterns from standard input.
pub(crate) fn select(arguments: &[String], table: &Table) -> Result<Vec<InstanceType>, Error> {
    let mut words = Vec::new();
    for argument in arguments {
        if argument == "-" {
            for line in stdin().lock().lines() {
                let line =
                    line.map_err(|error| usage(format!("failed to read standard input: {error}")))?;
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
    if types.is_empty() { Err(Error::Usage(UsageError::NoInstanceType)) } else { Ok(types) }
}

fn matching(word: &str, table: &Table) -> Result<Vec<InstanceType>, Error> {
    let parse = |name: &str| name.parse().map_err(|error| usage(format!("{error}")));
    if !word.contains(['*', '?', '[']) {
        return Ok(vec![parse(word)?]);
    }
    let pattern = Pattern::new(word)
        .map_err(|error| usage(format!("pattern {word:?} is invalid: {error}")))?;
    let types: Result<Vec<_>, _> =
        table.names().filter(|name| pattern.matches(name)).map(parse).collect();
    match types? {
        types if types.is_empty() => Err(usage(format!("no instance type matches {word:?}"))),
        types => Ok(types),
    }
}

fn usage(message: String) -> Error {
    Error::Usage(UsageError::NoSuchType(message))
}
