//! Kills `run` and `undo` at each system call that changes the node, and injects errors at each of them.

use super::case::{Case, cases};
use super::outcome::{Outcome, after_error, after_kill};
use crate::support::faults::crash_node::Cluster;
use crate::support::faults::strace::{Injection, strace};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// The errors that a file system returns.
const ERRORS: [&str; 4] = ["EIO", "ENOSPC", "EROFS", "EACCES"];
/// The hosts at which every error is injected at every point even without `FULL=1`: together they write
/// every kind of file.
const COMPLETE: [&str; 2] = ["kubeadm with --config-dir and a link", "Bottlerocket"];

/// One injection into one case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    case: usize,
    point: usize,
    injection: Injection,
}

#[test]
fn killed_at_each_write_every_file_is_old_or_new_and_the_next_run_is_right() {
    let Some((cluster, strace)) = Cluster::start().zip(strace()) else { return };
    let started = Instant::now();
    let cases = cases(&cluster, &strace);
    let kills = |(case, of): (usize, &Case)| {
        (0..of.trace.points.len()).map(move |point| Job { case, point, injection: Injection::Kill })
    };
    let jobs: Vec<Job> = cases.iter().enumerate().flat_map(kills).collect();
    let outcomes = run_all(&cluster, &strace, &cases, &jobs);
    print_kills(&cases, &outcomes);
    println!("{} points, all whole, in {:.0?}", jobs.len(), started.elapsed());
}

#[test]
fn an_error_at_each_write_is_reported_or_has_no_effect_and_the_next_run_is_right() {
    let Some((cluster, strace)) = Cluster::start().zip(strace()) else { return };
    let started = Instant::now();
    let cases = cases(&cluster, &strace);
    let is_full = is_full();
    let mut jobs = Vec::new();
    for (case, of) in cases.iter().enumerate() {
        let all = is_full || COMPLETE.contains(&of.host.name.as_str());
        for point in 0..of.trace.points.len() {
            // The same point of the next host gets the next error.
            let selected = |index: usize| all || (case + point) % ERRORS.len() == index;
            let errors = ERRORS.into_iter().enumerate().filter(|(index, _)| selected(*index));
            let errors = errors.map(|(_, error)| Injection::Error(error));
            let injections = errors.chain(
                of.trace.points[point].can_be_interrupted().then_some(Injection::Error("EINTR")),
            );
            jobs.extend(injections.map(|injection| Job { case, point, injection }));
        }
    }
    let outcomes = run_all(&cluster, &strace, &cases, &jobs);
    print_errors(&cases, &outcomes);
    let scope = if is_full {
        "all errors"
    } else {
        "one error for each point of most hosts; FULL=1 injects all"
    };
    println!(
        "{} injections ({scope}), none without a message, in {:.0?}",
        jobs.len(),
        started.elapsed()
    );
}

/// Returns whether `FULL=1` selects all injections.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
fn is_full() -> bool {
    std::env::var_os("FULL").is_some_and(|value| value == "1")
}

/// Runs all jobs in parallel. Panics with the texts of all jobs that failed.
fn run_all(
    cluster: &Cluster,
    strace: &Path,
    cases: &[Case],
    jobs: &[Job],
) -> BTreeMap<Job, Outcome> {
    let next = AtomicUsize::new(0);
    let (outcomes, failures) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Job { case, point, injection } = *job;
            let (case, point) = (&cases[case], &cases[case].trace.points[point]);
            let run = case.interrupt(cluster, strace, point, injection);
            let outcome = match injection {
                Injection::Kill => after_kill(case, &run),
                Injection::Error(error) => after_error(case, &run, error),
            };
            match outcome {
                Ok(outcome) => drop(outcomes.lock().unwrap().insert(*job, outcome)),
                Err(text) => failures.lock().unwrap().push(format!(
                    "{}, {}: {injection} at {point}\n{text}\n",
                    case.host.name, case.command
                )),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, NonZero::get) * 2 {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{}\n{} of {} failed",
        failures.join("\n"),
        failures.len(),
        jobs.len()
    );
    outcomes.into_inner().unwrap()
}

fn print_kills(cases: &[Case], outcomes: &BTreeMap<Job, Outcome>) {
    println!(
        "{:<38} {:<12} {:>6} {:>10} {:>14}",
        "host", "command", "points", "whole", "next run right"
    );
    for (index, case) in cases.iter().enumerate() {
        let whole = outcomes.keys().filter(|job| job.case == index).count();
        let points = case.trace.points.len();
        println!("{:<38} {:<12} {points:>6} {whole:>10} {whole:>14}", case.host.name, case.command);
    }
}

fn print_errors(cases: &[Case], outcomes: &BTreeMap<Job, Outcome>) {
    println!("no effect + warning + exit 73, each followed by a run that ends right:");
    print!("{:<38} {:<12} {:>6}", "host", "command", "points");
    let errors = || ERRORS.into_iter().chain(["EINTR"]);
    errors().for_each(|error| print!(" {error:>12}"));
    println!();
    for (index, case) in cases.iter().enumerate() {
        print!("{:<38} {:<12} {:>6}", case.host.name, case.command, case.trace.points.len());
        for error in errors() {
            let of_error =
                |job: &Job| job.case == index && job.injection == Injection::Error(error);
            let count = |outcome: Outcome| {
                outcomes.iter().filter(|(job, it)| of_error(job) && **it == outcome).count()
            };
            let [none, warning, failed] =
                [Outcome::Right, Outcome::Warning, Outcome::Failed].map(count);
            print!(" {:>12}", format!("{none}+{warning}+{failed}"));
        }
        println!();
    }
}
