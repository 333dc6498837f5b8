//! Prints calculations for several instance types as a table, CSV, JSON or YAML.

use super::Calculation;
use crate::command::{aligned_table, json_text, yaml_text};
use crate::error::Error;
use clap::ValueEnum;
use eni_core::domain::capacity::Capacity;
use eni_core::failure::Advice as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// Output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
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

/// Sort order of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// By family, then by size
    Name,
    /// By max-pods, lowest first
    Pods,
    /// By number of vCPUs
    Vcpus,
    /// Unsorted, in the order of the input
    None,
}

/// Whether to color the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";

impl Sort {
    pub(super) fn apply(self, calculations: &mut [Calculation]) {
        let family = |calculation: &Calculation| {
            let name = calculation.instance_type.as_str();
            name.split_once('.').map_or(name, |(family, _)| family).to_owned()
        };
        // The sorts below are stable: equal types stay in the order of `name`.
        if self != Self::None {
            calculations.sort_by_key(|calculation| {
                let name = calculation.instance_type.as_str().to_owned();
                (family(calculation), calculation.limits.vcpus, name)
            });
        }
        match self {
            Self::Name | Self::None => {}
            Self::Pods => calculations.sort_by_key(max_pods),
            Self::Vcpus => calculations.sort_by_key(|calculation| calculation.limits.vcpus),
        }
    }
}

fn max_pods(calculation: &Calculation) -> Option<u32> {
    calculation.capacity.as_ref().ok().map(|capacity| capacity.max_pods)
}

fn uncapped(calculation: &Calculation) -> Option<u32> {
    calculation.capacity.as_ref().ok().and_then(|capacity| capacity.uncapped)
}

pub(super) fn text(
    output: Output,
    calculations: &[Calculation],
    color: Color,
) -> Result<String, Error> {
    match output {
        Output::Number | Output::Table => Ok(table(calculations, color)),
        Output::Csv => Ok(csv(calculations)),
        Output::Json => Ok(json_text(&json(calculations))),
        Output::Yaml => yaml_text(&json(calculations)),
    }
}

fn table(calculations: &[Calculation], color: Color) -> String {
    let rows = calculations.iter().map(|calculation| {
        let limits = calculation.limits;
        let uncapped = uncapped(calculation).map_or_else(|| "-".to_owned(), |it| it.to_string());
        let pods = max_pods(calculation).map_or_else(|| "none".to_owned(), |it| it.to_string());
        [
            calculation.instance_type.to_string(),
            limits.interfaces.to_string(),
            limits.ipv4_per_interface.to_string(),
            limits.platform.to_string(),
            limits.vcpus.to_string(),
            uncapped,
            pods,
        ]
    });
    let header = ["TYPE", "ENIS", "IPV4/ENI", "PLATFORM", "VCPUS", "UNCAPPED", "MAX-PODS"];
    let lines = aligned_table::lines(header, &[0, 3], rows);
    let colored = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal(),
    };
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let has_capacity =
            index == 0 || calculations.get(index - 1).is_some_and(|it| it.capacity.is_ok());
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
    let counts = calculations.iter().filter_map(|it| Some((max_pods(it)?, &it.instance_type)));
    if let Some((lowest, instance_type)) = counts.min_by_key(|(pods, _)| *pods)
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
            number(max_pods(calculation)),
            number(uncapped(calculation)),
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

fn json(calculations: &[Calculation]) -> Value {
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
