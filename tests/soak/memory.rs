//! The memory of each agent over time.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How often the wait of the sampler checks whether it must stop.
const STEP: Duration = Duration::from_millis(100);

/// The memory of one process in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The resident pages.
    pub rss: u64,
    /// The resident pages, those shared by several processes divided by their number.
    pub pss: u64,
    /// The anonymous pages: heap and stacks. A leak grows here.
    pub anonymous: u64,
}

/// The memory of all agents at one time after the start of the sampler.
#[derive(Clone, Debug)]
pub struct Sample {
    pub seconds: f64,
    pub agents: BTreeMap<u32, Memory>,
}

/// Reads the memory of a process; `None` if it has ended.
fn memory(pid: u32) -> Option<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(Memory { rss: field("Rss:")?, pss: field("Pss:")?, anonymous: field("Anonymous:")? })
}

/// Samples the memory of processes at intervals.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Sample>>,
    started: Instant,
}

impl Sampler {
    pub fn start(pids: Vec<u32>, interval: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, started) = (stop.clone(), Instant::now());
        let thread = thread::spawn(move || {
            let mut samples = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let next = Instant::now() + interval;
                let seconds = started.elapsed().as_secs_f64();
                let agents = pids.iter().filter_map(|pid| Some((*pid, memory(*pid)?))).collect();
                samples.push(Sample { seconds, agents });
                while Instant::now() < next && !stopped.load(Ordering::Relaxed) {
                    thread::sleep(STEP);
                }
            }
            samples
        });
        Self { stop, thread, started }
    }

    /// Returns the time since the start in seconds.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Stops the sampler and returns its samples.
    pub fn stop(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// How the memory of the agents changed. Sizes are in KiB, means over all agents unless stated.
#[derive(Clone, Debug)]
pub struct Trend {
    /// The number of samples.
    pub samples: usize,
    /// The time between the first sample and the last in seconds.
    pub seconds: f64,
    /// The length of the first and of the last window in seconds.
    pub window: f64,
    pub first: Memory,
    pub last: Memory,
    /// The slope of the anonymous memory in KiB per minute, by least squares.
    pub slope: f64,
    /// The largest growth of the anonymous memory of one agent from the first window to the last.
    pub largest_growth: i64,
}

/// Returns the trend of the samples from `start`. The first window and the last have length `window`.
pub fn trend(samples: &[Sample], start: f64, window: f64) -> Trend {
    let samples: Vec<&Sample> = samples.iter().filter(|it| it.seconds >= start).collect();
    let (from, to) = (samples[0].seconds, samples[samples.len() - 1].seconds);
    let first: Vec<_> = samples.iter().filter(|it| it.seconds <= from + window).copied().collect();
    let last: Vec<_> = samples.iter().filter(|it| it.seconds >= to - window).copied().collect();
    let points =
        samples.iter().map(|it| (it.seconds / 60.0, float(mean_of(&[it], None).anonymous)));
    let growth = |pid: &u32| {
        let [before, after] = [&first, &last].map(|it| mean_of(it, Some(*pid)).anonymous);
        i64::try_from(after).unwrap() - i64::try_from(before).unwrap()
    };
    Trend {
        samples: samples.len(),
        seconds: to - from,
        window,
        first: mean_of(&first, None),
        last: mean_of(&last, None),
        slope: slope(&points.collect::<Vec<_>>()),
        largest_growth: last[0].agents.keys().map(growth).max().unwrap_or_default(),
    }
}

/// Returns the mean over the samples of one agent, or of all.
fn mean_of(samples: &[&Sample], pid: Option<u32>) -> Memory {
    let all = samples.iter().flat_map(|it| &it.agents);
    let selected: Vec<_> = all.filter(|it| pid.is_none_or(|pid| pid == *it.0)).collect();
    let count = u64::try_from(selected.len()).unwrap().max(1);
    let mean =
        |field: fn(&Memory) -> u64| selected.iter().map(|it| field(it.1)).sum::<u64>() / count;
    Memory { rss: mean(|it| it.rss), pss: mean(|it| it.pss), anonymous: mean(|it| it.anonymous) }
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let count = float(u64::try_from(points.len()).unwrap());
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1));
    let (products, squares) = points
        .iter()
        .map(|it| ((it.0 - x) * (it.1 - y), (it.0 - x).powi(2)))
        .fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    if squares == 0.0 { 0.0 } else { products / squares }
}

#[expect(clippy::cast_precision_loss, reason = "sizes and counts of a test are small")]
fn float(number: u64) -> f64 {
    number as f64
}

impl Trend {
    pub fn json(&self) -> Value {
        let memory = |it: &Memory| json!({ "rss_kib": it.rss, "pss_kib": it.pss, "anonymous_kib": it.anonymous });
        json!({
            "samples": self.samples,
            "seconds": self.seconds,
            "window_seconds": self.window,
            "first": memory(&self.first),
            "last": memory(&self.last),
            "slope_kib_per_minute": self.slope,
            "largest_growth_kib": self.largest_growth,
        })
    }
}

#[test]
fn the_trend_compares_the_first_window_with_the_last() {
    let sample = |seconds: f64, sizes: [u64; 2]| {
        let memory = |anonymous| Memory { rss: 10, pss: 5, anonymous };
        let agents = [1, 2].into_iter().zip(sizes.map(memory)).collect();
        Sample { seconds, agents }
    };
    let samples = [
        sample(0.0, [1, 1]),
        sample(60.0, [100, 200]),
        sample(120.0, [110, 200]),
        sample(180.0, [120, 200]),
    ];
    let trend = trend(&samples, 30.0, 30.0);
    assert_eq!((trend.samples, trend.first.anonymous, trend.last.anonymous), (3, 150, 160));
    assert_eq!(trend.largest_growth, 20);
    assert!((trend.slope - 5.0).abs() < 1e-9, "{trend:?}");
}
