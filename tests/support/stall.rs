//! The time for which the machine does not run this process, although it is ready to run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long one measurement sleeps.
const TICK: Duration = Duration::from_millis(10);

/// Sleeps for [`TICK`], and returns how much longer the sleep took.
pub fn tick() -> Duration {
    let started = Instant::now();
    thread::sleep(TICK);
    started.elapsed().saturating_sub(TICK)
}

/// Measures in a thread until it is dropped.
#[derive(Debug)]
pub struct StallMeter {
    microseconds: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl StallMeter {
    pub fn start() -> Self {
        let meter = Self { microseconds: Arc::default(), is_over: Arc::default() };
        let (microseconds, is_over) = (meter.microseconds.clone(), meter.is_over.clone());
        thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let late = u64::try_from(tick().as_micros()).unwrap();
                microseconds.fetch_add(late, Ordering::Relaxed);
            }
        });
        meter
    }

    /// Returns the sum of all delays since the start.
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.microseconds.load(Ordering::Relaxed))
    }
}

impl Drop for StallMeter {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}
