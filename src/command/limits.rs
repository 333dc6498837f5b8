//! The instance-type table: shown, and made anew from EC2's own answers.

use crate::adapter::ec2::Ec2;
use crate::adapter::{Context, Deadline, disk};
use crate::command::max_pods::types;
use crate::command::{print, with_type_overrides};
use crate::error::{Error, UsageError};
use crate::report::diff;
use clap::Args;
use eni_core::domain::limits::{self, HEADER, NamedRow, Row};
use eni_core::domain::zone::Region;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tracing::info;

/// Fifteen pages take seconds; throttled, minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// The flags of `show`.
#[derive(Clone, Debug, Args)]
pub struct Shown {
    /// Types or patterns such as 'm7g.*'; all of them without any
    #[arg(value_name = "TYPE")]
    pub types: Vec<String>,
}

/// The flags of `refresh`.
#[derive(Clone, Debug, Args)]
pub struct Wanted {
    /// The region to ask: one that has every type, such as us-east-1
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub region: Region,
    /// The table to write; /etc/eni-bootstrap/instance-types.csv wins over the embedded one
    #[arg(long, value_name = "FILE", default_value = "data/instance-types.csv")]
    pub output: PathBuf,
    /// Write it even if it lacks types that the file has
    #[arg(long)]
    pub force: bool,
}

/// Prints rows of the table as they would stand in a file of it.
pub fn show(context: Context, wanted: &Shown) -> Result<(), Error> {
    let table = with_type_overrides(context)?.table;
    let all = ["*".to_owned()];
    let named = if wanted.types.is_empty() { &all[..] } else { &wanted.types };
    let mut text = format!("{HEADER}\n");
    for instance_type in types::named(named, &table)? {
        let unknown = || UsageError::UnknownType(instance_type.clone());
        let (found, _) = table.find(&instance_type).ok_or_else(unknown)?;
        text.push_str(&line(instance_type.as_str(), found.row));
    }
    print(&text)
}

/// Writes the table anew from what EC2 says of every type, and prints the difference.
pub async fn refresh(context: Context, wanted: Wanted) -> Result<(), Error> {
    let ec2 = Ec2::new(&context, &wanted.region).await?;
    let deadline = Deadline::after(PATIENCE);
    // Hidden where nobody looks: there the lines of the log tell how far it is.
    let bar = ProgressBar::new(u64::try_from(limits::table().len()).unwrap_or(0));
    let progress = |count: usize| {
        bar.set_position(u64::try_from(count).unwrap_or(0));
        if !std::io::stderr().is_terminal() {
            info!("limits: {count} types so far");
        }
    };
    let types = Box::pin(ec2.all_rows(deadline, progress)).await?;
    bar.finish_and_clear();
    let path = &wanted.output;
    let (old_text, new) = (disk::read(path)?.unwrap_or_default(), rows(&types));
    let old = without_comments(&old_text);
    // The date says when the rows last changed: the same rows are the same file.
    if old == new {
        info!("limits: {} says so already: {} types", path.display(), types.len());
        return Ok(());
    }
    if !wanted.force {
        refuse_to_shrink(&old, &types)?;
    }
    disk::write_atomic(path, &(header(&wanted.region, SystemTime::now()) + &new))?;
    info!("limits: {} types written to {}", types.len(), path.display());
    print(&diff::unified(&old, &new, 0))
}

/// A region that lacks types, or an answer cut short, must not empty the table.
fn refuse_to_shrink(old: &str, new: &BTreeMap<String, Row>) -> Result<(), Error> {
    let names = old.lines().skip(1).filter_map(|line| line.split(',').next());
    let missing: Vec<&str> = names.filter(|name| !new.contains_key(*name)).collect();
    match missing.first() {
        None => Ok(()),
        Some(&example) => {
            Err(Error::Shrinks { missing: missing.len(), example: example.to_owned() })
        }
    }
}

fn header(region: &Region, now: SystemTime) -> String {
    let date: String =
        humantime::format_rfc3339_seconds(now).to_string().chars().take(10).collect();
    format!(
        "# Source: EC2 DescribeInstanceTypes in {region}, {date}: interfaces of the default network card, by its index.\n\
         # Made by `eni-bootstrap limits refresh`; do not edit.\n"
    )
}

fn without_comments(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect()
}

/// The table as `build.rs` and an override file have it.
fn rows(types: &BTreeMap<String, Row>) -> String {
    let lines = types.iter().map(|(name, row)| line(name, *row));
    std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
}

fn line(name: &str, row: Row) -> String {
    format!("{}\n", NamedRow(name.to_owned(), row))
}
