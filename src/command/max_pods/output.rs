//! Figures of several types: as a table, CSV, JSON or YAML, in the order that was asked for.

use super::Figure;
use crate::error::Error;
use clap::ValueEnum;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use eni_core::error::Advice as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// How figures are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The number alone, one a line
    Number,
    /// For a person
    Table,
    /// With a header
    Csv,
    /// Every term of every sum
    Json,
    /// The same as YAML
    Yaml,
}

/// The order of several types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// By family, and in it by size
    Name,
    /// By the figure, the lowest first
    Pods,
    /// By vCPUs
    Vcpus,
    /// As they were given
    None,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
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
    pub(super) fn apply(self, figures: &mut [Figure]) {
        let family = |figure: &Figure| {
            let name = figure.instance_type.as_str();
            name.split_once('.').map_or(name, |(family, _)| family).to_owned()
        };
        // A stable order under each: by family and size, as `name` has it.
        if self != Self::None {
            figures.sort_by_key(|figure| {
                let name = figure.instance_type.as_str().to_owned();
                (family(figure), figure.limits.row.vcpus, name)
            });
        }
        match self {
            Self::Name | Self::None => {}
            Self::Pods => figures.sort_by_key(pods),
            Self::Vcpus => figures.sort_by_key(|figure| figure.limits.row.vcpus),
        }
    }
}

fn pods(figure: &Figure) -> Option<u32> {
    figure.capacity.as_ref().ok().map(|capacity| capacity.max_pods)
}

fn uncapped(figure: &Figure) -> Option<u32> {
    figure.capacity.as_ref().ok().and_then(|capacity| capacity.uncapped)
}

pub(super) fn text(output: Output, figures: &[Figure], color: Color) -> Result<String, Error> {
    match output {
        Output::Number | Output::Table => Ok(table(figures, color)),
        Output::Csv => Ok(csv(figures)),
        Output::Json => Ok(format!("{:#}\n", json(figures))),
        Output::Yaml => serde_saphyr::to_string(&json(figures))
            .map_err(|error| Error::Output(std::io::Error::other(error))),
    }
}

fn table(figures: &[Figure], color: Color) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["TYPE", "ENIS", "IPV4/ENI", "PLATFORM", "VCPUS", "UNCAPPED", "PODS"]);
    for figure in figures {
        let row = figure.limits.row;
        let count = pods(figure).map_or_else(|| "refused".to_owned(), |pods| pods.to_string());
        table.add_row([
            figure.instance_type.to_string(),
            row.interfaces.to_string(),
            row.ipv4_per_interface.to_string(),
            row.platform.to_string(),
            row.vcpus.to_string(),
            number(uncapped(figure)),
            count,
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if !matches!(index, 0 | 3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let colored = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal(),
    };
    let mut text = String::new();
    for (index, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let _ = match (colored, index) {
            (true, 0) => writeln!(text, "{BOLD}{line}{PLAIN}"),
            (true, _) if line.ends_with("refused") => writeln!(text, "{RED}{line}{PLAIN}"),
            _ => writeln!(text, "{line}"),
        };
    }
    summary(&mut text, figures);
    text
}

/// What a group of these types would get, and why some get nothing.
fn summary(text: &mut String, figures: &[Figure]) {
    let counted = figures.iter().filter_map(|figure| Some((pods(figure)?, &figure.instance_type)));
    if let Some((least, instance_type)) = counted.min_by_key(|(pods, _)| *pods)
        && figures.len() > 1
    {
        let _ = writeln!(
            text,
            "\nlowest, as EKS takes it for a group of these: {least} ({instance_type})"
        );
    }
    for figure in figures {
        if let Err(refusal) = &figure.capacity {
            let _ = writeln!(text, "\n{}: {refusal}", figure.instance_type);
        }
    }
}

fn csv(figures: &[Figure]) -> String {
    let number = |number: Option<u32>| number.map(|it| it.to_string()).unwrap_or_default();
    let mut text = String::from("instance_type,max_pods,uncapped,vcpus\n");
    for figure in figures {
        let _ = writeln!(
            text,
            "{},{},{},{}",
            figure.instance_type,
            number(pods(figure)),
            number(uncapped(figure)),
            figure.limits.row.vcpus
        );
    }
    text
}

fn json(figures: &[Figure]) -> Value {
    let entries = figures.iter().map(|figure| match &figure.capacity {
        Ok(capacity) => json!({
            "instance-type": figure.instance_type,
            "limits": figure.limits,
            "max-pods": capacity.max_pods,
            "capacity": capacity,
        }),
        Err(refusal) => json!({
            "instance-type": figure.instance_type,
            "limits": figure.limits,
            "refused": refusal.to_string(),
            "help": refusal.help(),
        }),
    });
    Value::Array(entries.collect())
}
