//! Prints the results as numbers, a table, CSV, JSON, YAML or diagrams.

use super::MaxPodsArgs;
use super::calculation::Calculation;
use super::max_pods_error::MaxPodsError;
use crate::error::Error;
use crate::output::{is_colored, note, table};
use clap::ValueEnum;
use eni_core::domain::capacity::{Capacity, picture};
use eni_core::failure::Advice as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io;

/// Output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// max-pods only, one number per line
    Number,
    /// Table for a terminal
    Table,
    /// CSV with a header
    Csv,
    /// JSON with every term of the calculation
    Json,
    /// YAML with every term of the calculation
    Yaml,
}

/// Whether to color the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::doc_markdown, reason = "the help prints these comments")]
pub(super) enum Color {
    /// On a terminal, if NO_COLOR is not set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";

/// Returns the output in the format of the flags. Prints the warnings about a single number on stderr.
pub(super) fn text(args: &MaxPodsArgs, calculations: &[Calculation]) -> Result<String, Error> {
    if args.explain {
        let pictures: Result<Vec<_>, _> = calculations.iter().map(explained).collect();
        return Ok(pictures?.join("\n"));
    }
    if args.lowest {
        let numbers: Result<Vec<_>, _> = calculations.iter().map(max_pods).collect();
        let lowest = numbers?.into_iter().min();
        return Ok(lowest.map_or_else(String::new, |lowest| format!("{lowest}\n")));
    }
    match (args.output, calculations) {
        (None | Some(Output::Number), [calculation]) => {
            let capacity = capacity(calculation)?;
            for diagnostic in &capacity.diagnostics {
                note(&format!("warning: {}: {}", diagnostic.code.subject(), diagnostic.text));
            }
            Ok(format!("{}\n", capacity.max_pods))
        }
        (Some(Output::Number), many) => {
            many.iter().map(|it| Ok(format!("{}\n", max_pods(it)?))).collect()
        }
        (None | Some(Output::Table), many) => {
            let colored = match args.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => is_colored(),
            };
            Ok(aligned(many, colored))
        }
        (Some(Output::Csv), many) => Ok(csv(many)),
        (Some(Output::Json), many) => Ok(format!("{:#}\n", to_json(many))),
        (Some(Output::Yaml), many) => serde_saphyr::to_string(&to_json(many))
            .map_err(|error| Error::Output(io::Error::other(error))),
    }
}

fn max_pods(calculation: &Calculation) -> Result<u32, MaxPodsError> {
    capacity(calculation).map(|capacity| capacity.max_pods)
}

fn explained(calculation: &Calculation) -> Result<String, MaxPodsError> {
    let Calculation { instance_type, limits, .. } = calculation;
    Ok(picture(instance_type, limits, capacity(calculation)?))
}

fn capacity(calculation: &Calculation) -> Result<&Capacity, MaxPodsError> {
    calculation.capacity.as_ref().map_err(|source| MaxPodsError::NoCapacity {
        instance_type: calculation.instance_type.clone(),
        source: *source,
    })
}

fn aligned(calculations: &[Calculation], colored: bool) -> String {
    let or = |number: Option<u32>, none: &str| {
        number.map_or_else(|| none.to_owned(), |number| number.to_string())
    };
    let rows = calculations.iter().map(|calculation| {
        let limits = calculation.limits;
        [
            calculation.instance_type.to_string(),
            limits.interfaces.to_string(),
            limits.ipv4_per_interface.to_string(),
            limits.platform.to_string(),
            limits.vcpus.to_string(),
            or(calculation.uncapped(), "-"),
            or(calculation.max_pods(), "none"),
        ]
    });
    let header = ["TYPE", "ENIS", "IPV4/ENI", "PLATFORM", "VCPUS", "UNCAPPED", "MAX-PODS"];
    let lines = table(header, &[1, 2, 4, 5, 6], rows);
    let has_capacity = calculations.iter().map(|it| it.capacity.is_ok());
    let mut text = String::new();
    for (index, (line, has_capacity)) in
        lines.iter().zip(std::iter::once(true).chain(has_capacity)).enumerate()
    {
        let _ = match (colored, index) {
            (true, 0) => writeln!(text, "{BOLD}{line}{PLAIN}"),
            (true, _) if !has_capacity => writeln!(text, "{RED}{line}{PLAIN}"),
            _ => writeln!(text, "{line}"),
        };
    }
    summary(&mut text, calculations);
    text
}

/// Appends the lowest max-pods, and why some instance types have no capacity.
fn summary(text: &mut String, calculations: &[Calculation]) {
    let numbers = calculations.iter().filter_map(|it| Some((it.max_pods()?, &it.instance_type)));
    if let Some((lowest, instance_type)) = numbers.min_by_key(|(pods, _)| *pods)
        && calculations.len() > 1
    {
        let _ = writeln!(
            text,
            "\nlowest max-pods, which EKS uses for a node group of these types: {lowest} ({instance_type})"
        );
    }
    for calculation in calculations {
        if let Err(error) = &calculation.capacity {
            let _ = writeln!(text, "\n{}: {error}", calculation.instance_type);
        }
    }
}

fn csv(calculations: &[Calculation]) -> String {
    let number = |number: Option<u32>| number.map(|it| it.to_string()).unwrap_or_default();
    let mut text = String::from("instance_type,max_pods,uncapped,vcpus\n");
    for calculation in calculations {
        let _ = writeln!(
            text,
            "{},{},{},{}",
            calculation.instance_type,
            number(calculation.max_pods()),
            number(calculation.uncapped()),
            calculation.limits.vcpus
        );
    }
    text
}

/// Returns every term of the calculation and its diagnostics.
fn with_diagnostics(capacity: &Capacity) -> Value {
    let mut terms = json!(capacity);
    terms["diagnostics"] = json!(capacity.diagnostics);
    terms
}

fn to_json(calculations: &[Calculation]) -> Value {
    let entries = calculations.iter().map(|calculation| match &calculation.capacity {
        Ok(capacity) => json!({
            "instance-type": calculation.instance_type,
            "limits": calculation.limits,
            "max-pods": capacity.max_pods,
            "capacity": with_diagnostics(capacity),
        }),
        Err(error) => json!({
            "instance-type": calculation.instance_type,
            "limits": calculation.limits,
            "error": error.to_string(),
            "help": error.help(),
        }),
    });
    Value::Array(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::super::calculation::fixture::calculation;
    use super::*;
    use eni_core::domain::cni::Cni;

    #[test]
    fn a_type_without_capacity_is_red_and_has_a_reason() {
        let cni = Cni { custom_networking: true, ..Cni::default() };
        let calculations = ["hpc6id.32xlarge", "t3.small"].map(|it| calculation(it, cni));
        let text = aligned(&calculations, true);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "\u{1b}[1mTYPE             ENIS  IPV4/ENI  PLATFORM  VCPUS  UNCAPPED  MAX-PODS\u{1b}[0m",
                "\u{1b}[31mhpc6id.32xlarge     1        50  Nitro        64         -      none\u{1b}[0m",
                "t3.small            3         4  Nitro         2         8         8",
                "",
                "lowest max-pods, which EKS uses for a node group of these types: 8 (t3.small)",
                "",
                "hpc6id.32xlarge: custom networking excludes the primary network interface, and this instance type has no other",
            ]
        );
        assert_eq!(
            aligned(&calculations, false),
            text.replace(BOLD, "").replace(RED, "").replace(PLAIN, "")
        );
    }

    #[test]
    fn csv_and_json_have_an_entry_for_a_type_without_capacity() {
        let cni = Cni { custom_networking: true, ..Cni::default() };
        let calculations = ["hpc6id.32xlarge", "t3.small"].map(|it| calculation(it, cni));
        assert_eq!(
            csv(&calculations),
            "instance_type,max_pods,uncapped,vcpus\nhpc6id.32xlarge,,,64\nt3.small,8,8,2\n"
        );
        let json = to_json(&calculations);
        assert_eq!(
            json[0]["help"],
            "choose an instance type with more network interfaces, or disable custom networking (`cni.custom-networking = false`)"
        );
        assert_eq!(
            (&json[1]["max-pods"], &json[1]["capacity"]["uncapped"]),
            (&json!(8), &json!(8))
        );
    }
}
