//! Measures several programs in one loop, so that noise of the machine affects all of them alike.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::parts::Parts;
use crate::program::{Program, Run};
use crate::stats::Series;

/// The measured properties of one program.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Measurement {
    /// The name of the program.
    pub name: String,
    /// The properties by name, with the unit at the end of the name: `wall_ms`, `cpu_ms`, `peak_mib`.
    pub series: BTreeMap<String, Series>,
}

impl Measurement {
    /// Returns a property.
    ///
    /// # Panics
    ///
    /// Panics if it was not measured.
    #[must_use]
    pub fn series(&self, name: &str) -> &Series {
        &self.series[name]
    }

    /// Returns the median of a property.
    ///
    /// # Panics
    ///
    /// Panics if it was not measured.
    #[must_use]
    pub fn median(&self, name: &str) -> f64 {
        self.series[name].median
    }
}

/// A program that is measured.
pub trait Subject {
    /// Prepares one run, such as the files of the node, and returns the program. This is not measured.
    ///
    /// # Errors
    ///
    /// Returns an error if the files cannot be written.
    fn prepare(&mut self) -> Result<Program, Box<dyn Error>>;

    /// Returns further properties of the run that has just ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the run did not do what is measured.
    fn finish(&mut self, _run: &Run) -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
        Ok(Vec::new())
    }
}

/// A program without preparation.
impl Subject for Program {
    fn prepare(&mut self) -> Result<Program, Box<dyn Error>> {
        Ok(self.clone())
    }
}

/// Runs each subject `runs` times: first all of them once, then all of them again, and so on. Then
/// measures the peak memory `memory_runs` times in the same way. One run of each before is not counted,
/// because it reads the files from disk.
///
/// # Errors
///
/// Returns the first error of a run.
pub fn interleaved(
    parts: &Parts,
    subjects: &mut [&mut dyn Subject],
    runs: usize,
    memory_runs: usize,
) -> Result<Vec<Measurement>, Box<dyn Error>> {
    let mut all: Vec<(String, BTreeMap<String, Vec<f64>>)> = Vec::new();
    for subject in subjects.iter_mut() {
        let program = subject.prepare()?;
        program.run()?;
        all.push((program.name, BTreeMap::new()));
    }
    for _ in 0..parts.runs(runs) {
        for (subject, (_, series)) in subjects.iter_mut().zip(&mut all) {
            let run = subject.prepare()?.run()?;
            let times = [("wall_ms", milliseconds(run.wall)), ("cpu_ms", milliseconds(run.cpu))];
            for (name, value) in times.into_iter().chain(subject.finish(&run)?) {
                series.entry(name.to_owned()).or_default().push(value);
            }
        }
    }
    for _ in 0..parts.runs(memory_runs) {
        for (subject, (_, series)) in subjects.iter_mut().zip(&mut all) {
            let peak = subject.prepare()?.peak_mib()?;
            series.entry("peak_mib".to_owned()).or_default().push(peak);
        }
    }
    let measurement = |(name, series): (String, BTreeMap<String, Vec<f64>>)| Measurement {
        name,
        series: series.into_iter().map(|(name, it)| (name, Series::new(it))).collect(),
    };
    Ok(all.into_iter().map(measurement).collect())
}

/// Returns the duration in milliseconds.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
