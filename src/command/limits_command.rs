//! `limits show` prints the table of instance types; `limits refresh` generates it from EC2.

use crate::adapter::ec2::Ec2;
use crate::adapter::{Context, Deadline, disk};
use crate::command::max_pods_command::type_selection;
use crate::command::{aligned_table, print, with_type_overrides};
use crate::error::{Error, UsageError};
use crate::report::diff;
use clap::Args;
use eni_core::domain::instance_limits::{self, HEADER, NamedRow, Row};
use eni_core::domain::plural::counted;
use eni_core::domain::zone::Region;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tracing::info;

/// The timeout for all pages of the response. They take seconds, or minutes if EC2 throttles.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Flags of `limits show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LimitsShowArgs {
    /// Instance types or patterns such as 'm7g.*' [default: all instance types]
    #[arg(value_name = "TYPE")]
    types: Vec<String>,
}

/// Flags of `limits refresh`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LimitsRefreshArgs {
    /// Region in which to call the EC2 API; choose one with many instance types, such as us-east-1
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    region: Region,
    /// File to write; to make a node use the table, write it to /etc/eni-bootstrap/instance-types.csv
    #[arg(long, value_name = "FILE", default_value = "data/instance-types.csv")]
    output: PathBuf,
    /// Write the file even if the new table lacks instance types that the existing file has
    #[arg(long)]
    force: bool,
}

/// Prints rows of the table: aligned columns on a terminal, CSV otherwise.
pub(crate) fn show(context: Context, args: &LimitsShowArgs) -> Result<(), Error> {
    let table = with_type_overrides(context)?.table;
    let all = ["*".to_owned()];
    let words = if args.types.is_empty() { &all[..] } else { &args.types };
    let mut rows = Vec::new();
    for instance_type in type_selection::select(words, &table)? {
        let Some((limits, _)) = table.find(&instance_type) else {
            let nearest = table.nearest(instance_type.as_str());
            return Err(Error::Usage(UsageError::UnknownType { instance_type, nearest }));
        };
        rows.push(NamedRow(instance_type.to_string(), limits.row()));
    }
    print(&if std::io::stdout().is_terminal() { aligned(&rows) } else { csv(&rows) })
}

fn csv(rows: &[NamedRow]) -> String {
    let lines = rows.iter().map(|row| format!("{row}\n"));
    std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
}

fn aligned(rows: &[NamedRow]) -> String {
    let header = ["TYPE", "ENIS", "ENIS ON OTHER CARDS", "IPV4/ENI", "PLATFORM", "VCPUS"];
    let cells = rows.iter().map(|NamedRow(name, row)| {
        [
            name.clone(),
            row.interfaces.to_string(),
            row.interfaces_of_other_cards.to_string(),
            row.ipv4_per_interface.to_string(),
            row.platform.to_string(),
            row.vcpus.to_string(),
        ]
    });
    aligned_table::lines(header, &[0, 4], cells).into_iter().map(|line| line + "\n").collect()
}

/// Writes the table from EC2's limits of every instance type, and prints the difference.
pub(crate) async fn refresh(context: Context, args: LimitsRefreshArgs) -> Result<(), Error> {
    let ec2 = Ec2::new(&context, &args.region).await?;
    let deadline = Deadline::after(TIMEOUT);
    // indicatif hides the bar unless stderr is a terminal; the log then shows the progress.
    let bar = ProgressBar::new(u64::try_from(instance_limits::embedded_rows().len()).unwrap_or(0));
    let progress = |count: usize| {
        let count = u64::try_from(count).unwrap_or(0);
        bar.set_position(count);
        if !std::io::stderr().is_terminal() {
            info!("limits: {} read", counted(count, "instance type"));
        }
    };
    let types = Box::pin(ec2.all_rows(deadline, progress)).await?;
    bar.finish_and_clear();
    let path = &args.output;
    let rows: Vec<_> = types.iter().map(|(name, row)| NamedRow(name.clone(), *row)).collect();
    let (old_text, new) = (disk::read(path)?.unwrap_or_default(), csv(&rows));
    let old = without_comments(&old_text);
    let count = counted(u64::try_from(types.len()).unwrap_or(0), "instance type");
    // The comment contains a date. Keep the file if the rows are the same.
    if old == new {
        info!("limits: {} unchanged ({count})", path.display());
        return Ok(());
    }
    if !args.force {
        check_complete(&old, &types)?;
    }
    disk::write_atomic(path, (header(&args.region, SystemTime::now()) + &new).as_bytes())?;
    info!("limits: {} written ({count})", path.display());
    print(&diff::unified(&old, &new, 0))
}

/// Returns an error if instance types of `old` are missing in `new`: the region may not offer them, or
/// the response may be incomplete.
fn check_complete(old: &str, new: &BTreeMap<String, Row>) -> Result<(), Error> {
    let names = old.lines().skip(1).filter_map(|line| line.split(',').next());
    let missing: Vec<&str> = names.filter(|name| !new.contains_key(*name)).collect();
    match missing.first() {
        None => Ok(()),
        Some(&example) => {
            Err(Error::IncompleteTable { missing: missing.len(), example: example.to_owned() })
        }
    }
}

fn header(region: &Region, now: SystemTime) -> String {
    let date: String =
        humantime::format_rfc3339_seconds(now).to_string().chars().take(10).collect();
    format!(
        "# Source: EC2 DescribeInstanceTypes in {region}, {date}: interfaces of the default network card, by its index.\n\
         # Generated by `eni-bootstrap limits refresh`. Do not edit.\n"
    )
}

fn without_comments(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_aligned_columns_and_a_pipe_gets_csv() {
        let rows = ["m5.large,3,0,10,nitro,false,2", "p4d.24xlarge,15,45,50,nitro,false,96"];
        let rows = rows.map(|line| line.parse::<NamedRow>().unwrap());
        assert_eq!(
            aligned(&rows),
            concat!(
                " TYPE          ENIS  ENIS ON OTHER CARDS  IPV4/ENI  PLATFORM  VCPUS\n",
                " m5.large         3                    0        10  Nitro         2\n",
                " p4d.24xlarge    15                   45        50  Nitro        96\n",
            )
        );
        assert_eq!(
            csv(&rows),
            format!(
                "{HEADER}\nm5.large,3,0,10,nitro,false,2\np4d.24xlarge,15,45,50,nitro,false,96\n"
            )
        );
    }
}
