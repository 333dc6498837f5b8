//! Selects instance types by name, by pattern, or from standard input.

use eni_bootstrap::adapter::disk::{self, DiskError};
use eni_core::domain::identifier::{InstanceType, InvalidIdentifier};
use eni_core::domain::instance_limits::LimitsTable;
use eni_core::failure::{Advice, ExitCode};
use glob::{Pattern, PatternError};
use std::borrow::Cow;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

/// A failure to select instance types.
#[derive(Debug, thiserror::Error)]
pub enum InstanceTypeError {
    /// Standard input contains no instance type.
    #[error("no instance type on standard input")]
    Nothing,
    /// The instance types on standard input cannot be read.
    #[error("failed to read standard input")]
    StandardInput(#[source] io::Error),
    /// An argument is not the name of an instance type.
    #[error("{error}")]
    InvalidType {
        error: InvalidIdentifier,
        /// The most similar instance type of the table.
        nearest: Option<String>,
    },
    /// An argument with `*`, `?` or `[` is not a pattern.
    #[error("invalid pattern {pattern:?}")]
    InvalidPattern {
        pattern: String,
        /// The position and the reason.
        source: PatternError,
    },
    /// A pattern matches no instance type.
    #[error("no known instance type matches {0:?}")]
    NoMatch(String),
    /// The table does not contain the instance type.
    #[error("\"{instance_type}\" is not in the instance type table")]
    Unknown {
        instance_type: InstanceType,
        /// The most similar instance type of the table.
        nearest: Option<String>,
    },
    /// The file of `--table` does not exist.
    #[error("{} does not exist", .0.display())]
    NoTable(PathBuf),
    /// The file of `--table` is invalid, or cannot be read.
    #[error(transparent)]
    Table(#[from] DiskError),
}

impl Advice for InstanceTypeError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Nothing | Self::StandardInput(_) => {
                "pass instance types as UTF-8 text, separated by white space".into()
            }
            Self::InvalidType { nearest: Some(nearest), .. }
            | Self::Unknown { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?").into()
            }
            Self::InvalidType { nearest: None, .. }
            | Self::Unknown { nearest: None, .. }
            | Self::InvalidPattern { .. }
            | Self::NoMatch(_) => {
                "run `kubectl eni limits show` to list all known instance types; quote patterns: 'm7g.*'".into()
            }
            Self::NoTable(_) => {
                "create the file: `kubectl eni limits refresh --region REGION --output FILE`".into()
            }
            Self::Table(error @ DiskError::Row { .. }) => error.help(),
            Self::Table(_) => "make the file readable".into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Table(error) => error.exit_code(),
            _ => ExitCode::Usage,
        }
    }
}

/// Returns the embedded table. The rows of the file `path` take precedence over it.
pub(crate) fn table(path: Option<&Path>) -> Result<LimitsTable, InstanceTypeError> {
    let table = LimitsTable::default();
    let Some(path) = path else { return Ok(table) };
    let rows = disk::type_rows(path)?.ok_or_else(|| InstanceTypeError::NoTable(path.to_owned()))?;
    Ok(table.with_overrides(rows))
}

/// Returns the instance types that match `arguments`, in the same order and without duplicates. The
/// argument `-` reads names and patterns from `input`, which is standard input.
pub(crate) fn select<Input: BufRead>(
    arguments: &[String],
    table: &LimitsTable,
    input: impl FnOnce() -> Input,
) -> Result<Vec<InstanceType>, InstanceTypeError> {
    let mut input = Some(input);
    let mut types: Vec<InstanceType> = Vec::new();
    for argument in arguments {
        let words = match argument.as_str() {
            "-" => input.take().map_or(Ok(Vec::new()), |open| words(open()))?,
            word => vec![word.to_owned()],
        };
        for word in words {
            for instance_type in matching(&word, table)? {
                if !types.contains(&instance_type) {
                    types.push(instance_type);
                }
            }
        }
    }
    if types.is_empty() { Err(InstanceTypeError::Nothing) } else { Ok(types) }
}

/// Returns the words in the lines of `input`.
fn words(input: impl BufRead) -> Result<Vec<String>, InstanceTypeError> {
    let mut words = Vec::new();
    for line in input.lines() {
        let line = line.map_err(InstanceTypeError::StandardInput)?;
        words.extend(line.split_whitespace().map(str::to_owned));
    }
    Ok(words)
}

fn matching(word: &str, table: &LimitsTable) -> Result<Vec<InstanceType>, InstanceTypeError> {
    let parse = |name: &str| {
        let invalid = |error| {
            let nearest = table.nearest(name);
            InstanceTypeError::InvalidType { error, nearest }
        };
        name.parse().map_err(invalid)
    };
    if !word.contains(['*', '?', '[']) {
        return Ok(vec![parse(word)?]);
    }
    let invalid = |source| InstanceTypeError::InvalidPattern { pattern: word.to_owned(), source };
    let pattern = Pattern::new(word).map_err(invalid)?;
    let types: Result<Vec<_>, _> =
        table.names().filter(|name| pattern.matches(name)).map(parse).collect();
    match types? {
        types if types.is_empty() => Err(InstanceTypeError::NoMatch(word.to_owned())),
        types => Ok(types),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::report;

    fn selected(arguments: &[&str], input: &str) -> Result<Vec<String>, InstanceTypeError> {
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let types = select(&arguments, &LimitsTable::default(), || input.as_bytes())?;
        Ok(types.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_and_patterns_are_selected_in_the_order_of_the_arguments() {
        for (arguments, input, expected) in [
            (&["t3.nano", "m5.large", "t3.nano"][..], "", &["t3.nano", "m5.large"][..]),
            (&["a1.m*", "a1.medium"], "", &["a1.medium", "a1.metal"]),
            (&["m5.larg?", "m5.[x]large"], "", &["m5.large", "m5.xlarge"]),
            (
                &["t3.nano", "-", "c5.large", "-"],
                "m5.large\n\n a1.me* m5.large\n",
                &["t3.nano", "m5.large", "a1.medium", "a1.metal", "c5.large"],
            ),
            (&["zz9.plural"], "", &["zz9.plural"]),
        ] {
            assert_eq!(selected(arguments, input).unwrap(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn an_invalid_selection_is_an_error_with_help() {
        let list = "run `kubectl eni limits show` to list all known instance types; quote patterns: 'm7g.*'";
        for (argument, expected) in [
            ("zz9.*", format!("error: no known instance type matches \"zz9.*\"\n  help: {list}")),
            (
                "m5.[large",
                format!(
                    "error: invalid pattern \"m5.[large\"\n  caused by: Pattern syntax error near position 3: invalid range pattern\n  help: {list}"
                ),
            ),
            (
                "m5large",
                "error: \"m5large\" is not an instance type (such as m5.large)\n  help: did you mean `m5.large`?".to_owned(),
            ),
            (
                "-",
                "error: no instance type on standard input\n  help: pass instance types as UTF-8 text, separated by white space".to_owned(),
            ),
        ] {
            let error = selected(&[argument], "").unwrap_err();
            assert_eq!((report(&error), error.exit_code()), (expected, ExitCode::Usage));
        }
        let arguments = ["-".to_owned()];
        let broken = select(&arguments, &LimitsTable::default(), || &b"\xff\n"[..]).unwrap_err();
        assert_eq!(
            report(&broken),
            "error: failed to read standard input\n  caused by: stream did not contain valid UTF-8\n  help: pass instance types as UTF-8 text, separated by white space"
        );
    }

    #[test]
    fn a_missing_table_is_an_error() {
        let error = table(Some(Path::new("/nonexistent/types.csv"))).unwrap_err();
        assert_eq!(
            report(&error),
            "error: /nonexistent/types.csv does not exist\n  help: create the file: `kubectl eni limits refresh --region REGION --output FILE`"
        );
    }
}
