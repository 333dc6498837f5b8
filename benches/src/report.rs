//! The file with all results, and the comparison of two such files.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::measure::Measurement;
use crate::row::Row;
use crate::stats::digits;
use crate::table;

/// The least noise of a peak memory in MiB: the kernel counts up to 64 pages of a process late.
///
/// Source: `percpu_counter_batch` in `lib/percpu_counter.c`, Linux 6.2 and later, with 2 CPUs; `TASK_RSS_EVENTS_THRESH` in
/// `mm/memory.c` before.
const LEAST_MEMORY_NOISE: f64 = 0.25;

/// All results of one call.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Report {
    /// The facts about the machine by name.
    pub machine: BTreeMap<String, String>,
    /// The groups that ran.
    pub groups: Vec<String>,
    /// The rows of the table.
    pub rows: Vec<Row>,
    /// The samples of each group.
    pub measurements: BTreeMap<String, Vec<Measurement>>,
}

impl Report {
    /// Reads the file of an earlier call.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or parsed.
    pub fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        Ok(serde_json::to_writer_pretty(File::create(path)?, self)?)
    }

    /// Returns a table with each median of both calls, the noise of their difference, and whether they agree.
    #[must_use]
    pub fn comparison(&self, old: &Self) -> String {
        let mut cells = vec![["what", "before", "now", "noise", "agree"].map(str::to_owned)];
        for (group, measurements) in &self.measurements {
            for new in measurements {
                let earlier = old.measurements.get(group).into_iter().flatten();
                let Some(earlier) = earlier.into_iter().find(|it| it.name == new.name) else {
                    continue;
                };
                for (name, series) in &new.series {
                    let Some(before) = earlier.series.get(name) else { continue };
                    let least = if name.ends_with("_mib") { LEAST_MEMORY_NOISE } else { 0.0 };
                    let noise = series.noise_of_difference(before).max(least);
                    let agrees = (series.median - before.median).abs() <= noise;
                    cells.push([
                        format!("{group}: {}: {name}", new.name),
                        digits(before.median),
                        digits(series.median),
                        digits(noise),
                        if agrees { "yes" } else { "NO" }.to_owned(),
                    ]);
                }
            }
        }
        table::render(&cells)
    }
}

/// Returns the facts about this machine on which the results depend.
#[must_use]
pub fn machine() -> BTreeMap<String, String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu_info = read("/proc/cpuinfo");
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim()).to_owned()
    };
    let cpus = cpu_info.lines().filter(|line| line.starts_with("processor")).count();
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    [
        ("cpu", field(&cpu_info, "model name")),
        ("cpus", cpus.to_string()),
        ("memory", field(&read("/proc/meminfo"), "MemTotal")),
        ("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("load average at the start", load()),
        ("seconds since 1970", seconds.map_or(0, |it| it.as_secs()).to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Returns the load averages of the last 1, 5 and 15 minutes.
#[must_use]
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Series;

    fn report(wall: Vec<f64>) -> Report {
        report_of("wall_ms", wall)
    }

    fn report_of(name: &str, samples: Vec<f64>) -> Report {
        let series = [(name.to_owned(), Series::new(samples))].into();
        let measurement = Measurement { name: "run".to_owned(), series };
        let measurements = [("boots".to_owned(), vec![measurement])].into();
        Report { measurements, ..Report::default() }
    }

    #[test]
    fn comparison_has_both_medians_and_the_noise() {
        let (old, new) = (report(vec![10.0, 11.0, 12.0]), report(vec![13.0, 14.0, 15.0]));
        let expected = "\
| what                | before | now  | noise | agree |
| ------------------- | ------ | ---- | ----- | ----- |
| boots: run: wall_ms | 11.0   | 14.0 | 1.41  | NO    |
";
        assert_eq!(new.comparison(&old), expected);
        assert_eq!(
            old.comparison(&old).lines().last(),
            Some("| boots: run: wall_ms | 11.0   | 11.0 | 1.41  | yes   |")
        );
    }

    #[test]
    fn memory_has_a_least_noise() {
        let report = |peak| report_of("peak_mib", vec![peak]);
        let last =
            |now, before| report(now).comparison(&report(before)).lines().last().map(str::to_owned);
        assert_eq!(
            last(1.25, 1.0).as_deref(),
            Some("| boots: run: peak_mib | 1.00   | 1.25 | 0.25  | yes   |")
        );
        assert_eq!(
            last(1.26, 1.0).as_deref(),
            Some("| boots: run: peak_mib | 1.00   | 1.26 | 0.25  | NO    |")
        );
    }
}
