//! `run` on a node whose ENIConfig exists, with the latency of a network.

use std::error::Error;
use std::path::Path;

use super::Results;
use crate::boot::Boot;
use crate::cloud::Cloud;
use crate::measure::{Measurement, Subject, interleaved};
use crate::node::Root;
use crate::parts::Parts;
use crate::program::Program;
use crate::row::Row;
use crate::stats::digits;
use crate::trace::Trace;

/// The number of runs, and of runs to measure memory.
const RUNS: usize = 60;
const MEMORY_RUNS: usize = 5;

/// The targets: wall time above the critical path in ms, CPU time in ms, peak memory in MiB, and requests to
/// the API server.
const OVER_MS: f64 = 5.0;
const CPU_MS: f64 = 6.0;
const PEAK_MIB: f64 = 11.0;
const API_REQUESTS: f64 = 2.0;

/// Returns the first boot of a new node with its own services, in the directory `work`.
///
/// # Errors
///
/// Returns an error if nodeadm fails.
pub fn first_boot<'a>(
    name: &'static str,
    parts: &'a Parts,
    work: &Path,
) -> Result<Boot<'a>, Box<dyn Error>> {
    first_boot_in(Cloud::start()?, name, parts, work)
}

fn first_boot_in<'a>(
    cloud: Cloud,
    name: &'static str,
    parts: &'a Parts,
    work: &Path,
) -> Result<Boot<'a>, Box<dyn Error>> {
    let directory: String = name.replace(|it: char| !it.is_alphanumeric(), "-");
    let before = work.join(format!("{directory}-before"));
    let nodeadm = parts.real_parts.join("bin/nodeadm");
    let before = Root::configured_by_nodeadm(before, &nodeadm, &parts.logs()?, &cloud)?;
    let root = work.join(directory);
    Ok(Boot { name, parts, cloud, before, root, verify: false, traces: Vec::new() })
}

/// Measures a first boot, which writes the drop-in, a later boot, which changes nothing, a first boot that verifies the
/// ENIConfig with EC2, and the CPU time of a first boot on loopback. There, the process seldom waits, so that it keeps the
/// caches of its CPU.
///
/// # Errors
///
/// Returns an error if a program fails.
pub fn run(parts: &Parts) -> Result<Results, Box<dyn Error>> {
    let work = tempfile::tempdir()?;
    let boot = |name| first_boot(name, parts, work.path());
    let mut empty = Program::new("/bin/true", &parts.logs()?, ["/bin/true"]);
    let mut first = boot("run, first boot")?;
    let mut later = boot("run, before the later boot")?.later("run, later boot")?;
    let mut verified = boot("run, first boot with EC2 checks")?;
    verified.verify = true;
    let cloud = Cloud::on_loopback()?;
    let mut loopback = first_boot_in(cloud, "run, first boot on loopback", parts, work.path())?;
    let mut subjects: [&mut dyn Subject; 5] =
        [&mut empty, &mut first, &mut later, &mut verified, &mut loopback];
    let measurements = interleaved(parts, &mut subjects, RUNS, MEMORY_RUNS)?;

    let mut results = Results::default();
    let cpu_of_true = measurements[0].median("cpu_ms");
    for (measurement, boot) in measurements[1..4].iter().zip([&first, &later, &verified]) {
        let trace = boot.typical_trace().ok_or("no run was traced")?;
        results.rows.extend(rows(measurement, trace, cpu_of_true, !boot.verify));
        results.traces.push((measurement.name.clone(), trace.clone()));
    }
    results.rows.push(cpu_row(&measurements[4], cpu_of_true, true));
    results.measurements = measurements;
    Ok(results)
}

/// Returns the row with the CPU time of a boot.
fn cpu_row(boot: &Measurement, cpu_of_true: f64, has_target: bool) -> Row {
    let cpu = boot.series("cpu_ms");
    let own = cpu.median - cpu_of_true;
    let text = format!("{}; {} ms more than /bin/true", cpu.text("ms"), digits(own));
    let row = Row::new(format!("{}: CPU", boot.name), text)
        .value("cpu_ms", cpu.median)
        .value("own_cpu_ms", own);
    if has_target { row.target(format!("≤ {CPU_MS} ms"), cpu.median <= CPU_MS) } else { row }
}

/// Returns the rows of a boot. A boot that verifies the ENIConfig has no target.
fn rows(boot: &Measurement, trace: &Trace, cpu_of_true: f64, has_target: bool) -> Vec<Row> {
    let name = &boot.name;
    let (wall, over) = (boot.series("wall_ms"), boot.series("over_critical_path_ms"));
    let peak = boot.series("peak_mib").max();
    let path = boot.median("critical_path_ms");
    let [imds, api, aws] =
        ["imds_requests", "api_requests", "aws_requests"].map(|it| boot.series(it).max());
    let [servers, program] = ["servers_ms", "own_ms"].map(|it| digits(boot.median(it)));
    let time = format!(
        "{} = {} ms + {}: servers and proxy {servers}, program {program}",
        wall.text("ms"),
        digits(path),
        over.text("ms")
    );
    let requests = format!("{api} to the API server, {aws} to AWS APIs, {imds} to IMDS");
    let target = |row: Row, text: String, met| if has_target { row.target(text, met) } else { row };
    let row = |what: &str, text: String| Row::new(format!("{name}: {what}"), text);
    vec![
        target(
            row("wall = critical path + rest", time)
                .value("wall_ms", wall.median)
                .value("critical_path_ms", path)
                .value("over_critical_path_ms", over.median),
            format!("≤ critical path + {OVER_MS} ms"),
            over.median <= OVER_MS,
        ),
        row("critical path", trace.critical_text()).value("critical_path_ms", path),
        cpu_row(boot, cpu_of_true, has_target),
        target(
            row("peak memory", format!("{peak:.2} MiB")).value("peak_mib", peak),
            format!("≤ {PEAK_MIB} MiB"),
            peak <= PEAK_MIB,
        ),
        target(
            row("requests", requests)
                .value("imds_requests", imds)
                .value("api_requests", api)
                .value("aws_requests", aws),
            format!("≤ {API_REQUESTS} to the API server, 0 to AWS APIs"),
            api <= API_REQUESTS && aws < 1.0,
        ),
    ]
}
