//! Measures eni-bootstrap beside its targets, and beside the programs that it replaces. Run `make bench`.

mod boot;
mod cloud;
mod fleet;
mod groups;
mod latency;
mod measure;
mod node;
mod parts;
mod picture;
mod program;
mod report;
mod row;
mod scheduling;
mod stats;
mod table;
mod tls_records;
mod trace;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Parser, ValueEnum};

use crate::groups::{Results, boots, max_pods, peers, sizes};
use crate::parts::Parts;
use crate::report::Report;
use crate::scheduling::Policy;
use crate::trace::Trace;

/// Measures eni-bootstrap beside its targets, and beside the programs that it replaces.
#[derive(Debug, Parser)]
struct Args {
    /// Groups to run. Default: all groups
    groups: Vec<Group>,
    /// Path of the static release binary
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// Path of the static release binary for arm64, which may be missing
    #[arg(long, value_name = "FILE")]
    binary_arm64: PathBuf,
    /// Directory into which tests/real/install.sh installs servers and tools
    #[arg(long, value_name = "DIRECTORY")]
    real_parts: PathBuf,
    /// Directory for bench.json, traces and logs
    #[arg(long, value_name = "DIRECTORY")]
    output: PathBuf,
    /// Run each program at most three times, to check the benchmarks themselves
    #[arg(long)]
    quick: bool,
    /// Write the round trips of a typical first boot to this file. traces.json has those of all boots
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Draw the round trips of a typical first boot as SVG to this file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Compare the medians with those in the bench.json of an earlier call
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
}

/// A group of measurements that run together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Group {
    /// The sizes of the static binaries
    Sizes,
    /// max-pods beside /bin/true and the script that it replaces
    MaxPods,
    /// Boots with the latency of a network
    Boots,
    /// A boot beside nodeadm, a shell script and eksnode
    Peers,
    /// Many nodes at one kube-apiserver
    Fleet,
}

impl Group {
    fn name(self) -> String {
        self.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
    }

    /// Returns the scheduling policy. The many agents of a fleet would block all other work on the machine, so that
    /// the group sets the policy only for its measurement of one agent at a time.
    fn policy(self) -> Policy {
        if self == Self::Fleet { Policy::Normal } else { Policy::RealTime }
    }

    fn run(self, parts: &Parts) -> Result<Results, Box<dyn Error>> {
        match self {
            Self::Sizes => sizes::run(parts),
            Self::MaxPods => max_pods::run(parts),
            Self::Boots => boots::run(parts),
            Self::Peers => peers::run(parts),
            Self::Fleet => fleet::run(parts),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    // Read before the file is replaced.
    let old = args.compare.as_deref().map(Report::read).transpose()?;
    fs::create_dir_all(&args.output)?;
    let parts = Parts {
        binary: args.binary.canonicalize()?,
        binary_arm64: args.binary_arm64,
        real_parts: args.real_parts.canonicalize()?,
        output: args.output.canonicalize()?,
        quick: args.quick,
    };
    parts.evict()?;
    let groups =
        if args.groups.is_empty() { Group::value_variants().to_vec() } else { args.groups };
    let mut report = Report { machine: report::machine(), ..Report::default() };
    let mut traces: BTreeMap<String, Trace> = BTreeMap::new();
    for group in groups {
        let (started, name) = (Instant::now(), group.name());
        writeln!(io::stderr(), "bench: {name}: measuring")?;
        let is_set = group.policy().set()?;
        let policy = if is_set { format!("{:?}", group.policy()) } else { "unchanged".to_owned() };
        report.machine.insert(format!("scheduling of {name}"), policy);
        let results = group.run(&parts)?;
        report.rows.extend(results.rows);
        report.measurements.insert(name.clone(), results.measurements);
        traces.extend(results.traces);
        writeln!(io::stderr(), "bench: {name}: {:.0} s", started.elapsed().as_secs_f64())?;
        report.groups.push(name);
    }
    report.machine.insert("load average at the end".to_owned(), report::load());
    report.write(&parts.output.join("bench.json"))?;
    if !traces.is_empty() {
        serde_json::to_writer_pretty(File::create(parts.output.join("traces.json"))?, &traces)?;
    }
    let first = || traces.get("run, first boot").ok_or("no boot was traced; run the group boots");
    if let Some(path) = args.trace {
        serde_json::to_writer_pretty(File::create(path)?, first()?)?;
    }
    if let Some(path) = args.picture {
        let picture = picture::picture("run, first boot", first()?)?;
        File::create(path)?.write_all(picture.as_bytes())?;
    }
    let mut out = io::stdout();
    out.write_all(table::of_rows(&report.rows).as_bytes())?;
    if let Some(old) = old {
        out.write_all(b"\n")?;
        out.write_all(report.comparison(&old).as_bytes())?;
    }
    Ok(())
}
