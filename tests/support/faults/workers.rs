//! Runs cases in parallel. A case mostly waits, so there are more threads than CPUs.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use super::case::Case;
use super::namespace;
use super::outcome::Outcome;
use super::table::{Report, report};
use super::update::accept;

/// The number of cases that run at the same time.
const THREADS: usize = 12;
/// The maximum number of surprises that run a second time, one after the other. If the machine stalls for longer
/// than a time limit, a simulated service responds too late in each of the cases that run at this time.
const MOST_SECOND_RUNS: usize = 2 * THREADS;

/// Runs all cases, and returns their rows in the same order. A case is left out if a part that it needs is
/// missing. If `updates` is set, accepts the actual messages first.
pub fn run_all(cases: Vec<Case>, updates: bool) -> Vec<Report> {
    let mut order: Vec<(usize, Case)> = cases.into_iter().enumerate().collect();
    // The longest cases first, so that the last thread does not wait for one of them.
    order.sort_by_key(|(_, case)| std::cmp::Reverse(case.within));
    let queue: Mutex<VecDeque<(usize, Case)>> = Mutex::new(order.into());
    let reports: Mutex<Vec<(usize, Case, Report)>> = Mutex::default();
    let next = || queue.lock().unwrap().pop_front();
    let work = || {
        while let Some((index, mut case)) = next() {
            if let Some(report) = run_one(&mut case, updates) {
                reports.lock().unwrap().push((index, case, report));
            }
        }
    };
    let name = thread::current().name().unwrap_or("faults").to_owned();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            // A skipped test is reported with the name of its thread.
            thread::Builder::new().name(name.clone()).spawn_scoped(scope, work).unwrap();
        }
    });
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by_key(|(index, ..)| *index);
    let surprises = reports.iter().filter(|(.., report)| !report.surprises.is_empty()).count();
    if surprises <= MOST_SECOND_RUNS {
        for (_, case, report) in reports.iter_mut().filter(|it| !it.2.surprises.is_empty()) {
            if let Some(second) = run_one(case, updates) {
                *report = Report { first_run: std::mem::take(&mut report.surprises), ..second };
            }
        }
    }
    reports.into_iter().map(|(.., report)| report).collect()
}

/// Runs `case`. Returns `None` if a part that it needs is missing.
fn run_one(case: &mut Case, updates: bool) -> Option<Report> {
    let outcome = catch_unwind(AssertUnwindSafe(|| namespace::run(case)));
    let failed = |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        let problems = vec![format!("the case itself failed: {}", text.unwrap_or_default())];
        Some(Outcome { problems, ..Outcome::default() })
    };
    let outcome = outcome.unwrap_or_else(failed)?;
    if updates {
        accept(case, &outcome);
    }
    Some(report(case, &outcome))
}
