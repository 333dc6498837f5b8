//! `max-pods` beside `/bin/true` and beside the way of `max-pods-calculator.sh`.

use std::error::Error;
use std::process::Command;

use super::Results;
use crate::cloud::INSTANCE_TYPE;
use crate::measure::{Measurement, Subject, interleaved};
use crate::parts::{Parts, peer};
use crate::program::Program;
use crate::row::Row;
use crate::stats::digits;
use eni_bootstrap_real_parts::Server;

/// The number of runs, and of runs to measure memory.
const RUNS: usize = 300;
const MEMORY_RUNS: usize = 10;
/// The number of runs of the script, which takes most of a second.
const SCRIPT_RUNS: usize = 15;
const SCRIPT_MEMORY_RUNS: usize = 3;

/// The targets: wall time in multiples of that of `/bin/true`, peak memory in MiB, and how many times faster
/// than the script.
const TIMES_TRUE: f64 = 3.0;
const PEAK_MIB: f64 = 6.0;
const TIMES_SCRIPT: f64 = 200.0;

/// Measures the command and the script, with moto as EC2.
///
/// # Errors
///
/// Returns an error if a program fails.
pub fn run(parts: &Parts) -> Result<Results, Box<dyn Error>> {
    let logs = parts.logs()?;
    let mut empty = Program::new("/bin/true", &logs, ["/bin/true"]);
    let words = ["max-pods", "--instance-type", INSTANCE_TYPE].map(Into::into);
    let command = [parts.binary.clone().into_os_string()].into_iter().chain(words);
    let mut own = Program::new("max-pods", &logs, command);
    let mut measurements = interleaved(parts, &mut [&mut empty, &mut own], RUNS, MEMORY_RUNS)?;

    let moto = Server::start(|at| {
        let mut command = Command::new(parts.real_parts.join("moto/bin/moto_server"));
        command.args(["-H", &at.ip().to_string(), "-p", &at.port().to_string()]);
        command
    });
    let path = peer("max-pods-calculator.sh").into_os_string();
    let script = Program::new(
        "max-pods-calculator.sh",
        &logs,
        ["/bin/bash".into(), path, INSTANCE_TYPE.into()],
    );
    let mut script = parts.with_aws_cli(script).with("AWS_ENDPOINT_URL", moto.endpoint());
    script = script.with("AWS_ACCESS_KEY_ID", "A").with("AWS_SECRET_ACCESS_KEY", "S");
    let mut own = Program { name: "max-pods, beside the script".to_owned(), ..own };
    let mut subjects: [&mut dyn Subject; 2] = [&mut script, &mut own];
    measurements.extend(interleaved(parts, &mut subjects, SCRIPT_RUNS, SCRIPT_MEMORY_RUNS)?);
    let rows = rows(&measurements);
    Ok(Results { rows, measurements, traces: Vec::new() })
}

/// Returns the rows for `/bin/true`, `max-pods`, the script, and `max-pods` beside the script.
fn rows(measurements: &[Measurement]) -> Vec<Row> {
    let [empty, own, script, beside] = measurements else { return Vec::new() };
    let to_true = own.median("wall_ms") / empty.median("wall_ms");
    let to_script = script.median("wall_ms") / beside.median("wall_ms");
    let text = |it: &Measurement, name: &str| it.series(name).text("ms");
    let peaks = [own, empty, script].map(|it| it.series("peak_mib").max());
    let wall = format!(
        "{} = {} × /bin/true, {}",
        text(own, "wall_ms"),
        digits(to_true),
        text(empty, "wall_ms")
    );
    let cpu = format!("{}, /bin/true {}", text(own, "cpu_ms"), text(empty, "cpu_ms"));
    let peak = format!("{:.2} MiB, /bin/true {:.2} MiB", peaks[0], peaks[1]);
    let of_script = format!(
        "{}, CPU {}, {:.0} MiB; {to_script:.0} × the wall time of max-pods",
        text(script, "wall_ms"),
        text(script, "cpu_ms"),
        peaks[2]
    );
    vec![
        Row::new("max-pods: wall", wall)
            .target(format!("≤ {TIMES_TRUE} × /bin/true"), to_true <= TIMES_TRUE)
            .value("wall_ms", own.median("wall_ms"))
            .value("ratio", to_true),
        Row::new("max-pods: CPU", cpu).value("cpu_ms", own.median("cpu_ms")),
        Row::new("max-pods: peak memory", peak)
            .target(format!("≤ {PEAK_MIB} MiB"), peaks[0] <= PEAK_MIB)
            .value("peak_mib", peaks[0]),
        Row::new("max-pods-calculator.sh (AWS CLI, jq, moto)", of_script)
            .target(format!("≥ {TIMES_SCRIPT} ×"), to_script >= TIMES_SCRIPT)
            .value("wall_ms", script.median("wall_ms"))
            .value("cpu_ms", script.median("cpu_ms"))
            .value("peak_mib", peaks[2])
            .value("ratio", to_script),
    ]
}
