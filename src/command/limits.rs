//! The instance-type table: made from EC2's own answers, by this command and no other way.

use crate::adapter::disk;
use crate::adapter::dns::Names;
use crate::adapter::ec2::Ec2;
use crate::adapter::{Deadline, Endpoints};
use crate::domain::limits::{Platform, Row};
use crate::domain::zone::Region;
use crate::error::Error;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tracing::info;

/// Fifteen pages take seconds; throttled, minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// The flags.
#[derive(Clone, Debug, Args)]
pub struct Wanted {
    /// The region to ask: one that has every type, such as us-east-1
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub region: Region,
    /// The table to write
    #[arg(long, value_name = "FILE", default_value = "data/instance-types.csv")]
    pub output: PathBuf,
}

/// Writes the table anew from what EC2 says of every type.
pub async fn refresh(endpoints: Endpoints, names: Names, wanted: Wanted) -> Result<(), Error> {
    let ec2 = Ec2::new(&endpoints, &names, &wanted.region).await?;
    let deadline = Deadline::after(PATIENCE);
    let types = ec2.all_rows(deadline, |count| info!("limits: {count} types so far")).await?;
    let (path, count, rows) = (&wanted.output, types.len(), rows(&types));
    let old = disk::read(path)?.unwrap_or_default();
    // The date says when the rows last changed: the same rows are the same file.
    if without_comments(&old) == rows {
        info!("limits: {} says so already: {count} types", path.display());
        return Ok(());
    }
    disk::write_atomic(path, &(header(&wanted.region, SystemTime::now()) + &rows))?;
    info!("limits: {count} types written to {}", path.display());
    Ok(())
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

/// The table as `build.rs` reads it.
fn rows(types: &BTreeMap<String, Row>) -> String {
    let mut text = String::from(
        "instance_type,enis_default_card,enis_other_cards,ipv4_per_eni,hypervisor,bare_metal,vcpus\n",
    );
    for (name, row) in types {
        let Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus } =
            row;
        let (hypervisor, bare_metal) = match platform {
            Platform::Nitro => ("nitro", false),
            Platform::Xen => ("xen", false),
            Platform::BareMetal => ("none", true),
        };
        let _ = writeln!(
            text,
            "{name},{interfaces},{interfaces_of_other_cards},{ipv4_per_interface},{hypervisor},{bare_metal},{vcpus}"
        );
    }
    text
}
