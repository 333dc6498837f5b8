//! Kills `run` and `undo` at each system call that changes the node, and injects errors at each of them.

use super::case::{Case, cases};
use super::outcome::{Outcome, after_error, after_kill, after_sigterm};
use crate::support::faults::crash_node::{Cluster, CrashNode, State};
use crate::support::faults::print_line;
use crate::support::faults::strace::{Injection, Point, inject, strace};
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
    print_line(format!("{} points, all whole, in {:.0?}", jobs.len(), started.elapsed()));
}

#[test]
fn stopped_at_each_write_a_command_leaves_no_temporary_file_and_the_next_run_is_right() {
    let Some((cluster, strace)) = Cluster::start().zip(strace()) else { return };
    let started = Instant::now();
    let cases = cases(&cluster, &strace);
    let mut jobs = Vec::new();
    for (case, of) in cases.iter().enumerate() {
        let all = is_complete(of);
        for (point, at) in of.trace.points.iter().enumerate() {
            if all || at.is_rename() {
                jobs.push(Job { case, point, injection: Injection::Terminate });
            }
        }
    }
    let outcomes = run_all(&cluster, &strace, &cases, &jobs);
    let ended = outcomes.values().filter(|outcome| **outcome == Outcome::Right).count();
    print_line(format!(
        "{} points with SIGTERM: {ended} commands had ended, {} stopped, all next runs right, in {:.0?}",
        jobs.len(),
        jobs.len() - ended,
        started.elapsed()
    ));
}

#[test]
fn an_error_at_each_write_is_reported_or_has_no_effect_and_the_next_run_is_right() {
    let Some((cluster, strace)) = Cluster::start().zip(strace()) else { return };
    let started = Instant::now();
    let cases = cases(&cluster, &strace);
    let mut jobs = Vec::new();
    for (case, of) in cases.iter().enumerate() {
        let all = is_complete(of);
        for point in 0..of.trace.points.len() {
            // The same point of the next host gets the next error.
            let selected = |index: usize| all || (case + point) % ERRORS.len() == index;
            let errors = ERRORS.into_iter().enumerate().filter(|(index, _)| selected(*index));
            let errors = errors.map(|(_, error)| Injection::Error(error));
            let injections = errors.chain(
                (all && of.trace.points[point].can_be_interrupted())
                    .then_some(Injection::Error("EINTR")),
            );
            jobs.extend(injections.map(|injection| Job { case, point, injection }));
        }
    }
    let outcomes = run_all(&cluster, &strace, &cases, &jobs);
    print_errors(&cases, &outcomes);
    let scope = if is_full() {
        "all errors"
    } else {
        "one error for each point of most hosts; FULL=1 injects all"
    };
    print_line(format!(
        "{} injections ({scope}), none without a message, in {:.0?}",
        jobs.len(),
        started.elapsed()
    ));
}

/// A run that was killed may leave one temporary file. `undo` removes it, and so does a run that finds the
/// file itself unchanged.
#[test]
fn a_temporary_file_of_a_killed_run_is_removed_by_the_next_command() {
    let Some((cluster, strace)) = Cluster::start().zip(strace()) else { return };
    let cases = cases(&cluster, &strace);
    for [first, update, undo] in cases.as_chunks().0 {
        let mut drafts = 0;
        for case in [first, update] {
            for point in case.trace.points.iter().filter(|point| point.is_rename()) {
                let at = format!("{}: {point}", case.host.name);
                // The killed run has replaced some files; undo removes all of them.
                let (node, _) = killed(&cluster, &strace, case, point);
                let output = undo.run(&node);
                assert_eq!(output.status, Some(0), "{}", output.stderr);
                assert_eq!(node.state().files.drafts(), Vec::<&Path>::new(), "{at}");

                // The configuration changes back, so that the next run writes no file.
                let (_, state) = killed(&cluster, &strace, case, point);
                let node = cluster.node_in(&case.after.with_drafts_of(&state));
                let output = case.run(&node);
                assert_eq!(output.status, Some(0), "{}", output.stderr);
                assert_eq!(node.state().differences(&case.after), Vec::<String>::new(), "{at}");
                drafts += 1;
            }
        }
        print_line(format!(
            "{:<38} {drafts} temporary files, all removed by `undo` and by a run without changes",
            first.host.name
        ));
    }
}

/// Kills a run at `point`. Returns the node and its state, which has one temporary file.
fn killed<'a>(
    cluster: &'a Cluster,
    strace: &Path,
    case: &Case,
    point: &Point,
) -> (CrashNode<'a>, State) {
    let node = cluster.node_in(&case.before);
    let (root, log) = (node.root(), node.log());
    let command = node.command(&["run"]);
    inject(strace, (&command, &root), &log, &case.trace, (point, Injection::Kill));
    let state = node.state();
    assert_eq!(state.files.drafts().len(), 1, "{}: {point}", case.host.name);
    (node, state)
}

/// Returns whether every injection is selected for the host of `case`.
fn is_complete(case: &Case) -> bool {
    is_full() || COMPLETE.contains(&case.host.name.as_str())
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
                Injection::Terminate => after_sigterm(case, &run),
                Injection::Error(error) => after_error(case, &run, (point, error)),
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
    print_line(format!(
        "{:<38} {:<12} {:>6} {:>10} {:>14}",
        "host", "command", "points", "whole", "next run right"
    ));
    for (index, case) in cases.iter().enumerate() {
        let whole = outcomes.keys().filter(|job| job.case == index).count();
        let points = case.trace.points.len();
        print_line(format!(
            "{:<38} {:<12} {points:>6} {whole:>10} {whole:>14}",
            case.host.name, case.command
        ));
    }
}

fn print_errors(cases: &[Case], outcomes: &BTreeMap<Job, Outcome>) {
    print_line(
        "no effect + warning + failure with a message, each followed by a run that ends right:",
    );
    let errors = || ERRORS.into_iter().chain(["EINTR"]);
    let row = |host: &str, command: &str, points: &str, cells: Vec<String>| {
        let cells = cells.iter().map(|cell| format!("{cell:>12}")).collect::<Vec<_>>().join(" ");
        print_line(format!("{host:<38} {command:<12} {points:>6} {cells}"));
    };
    row("host", "command", "points", errors().map(str::to_owned).collect());
    for (index, case) in cases.iter().enumerate() {
        let cell = |error| {
            let count = |outcome: Outcome| {
                let is_counted = |(job, it): &(&Job, &Outcome)| {
                    job.case == index && job.injection == Injection::Error(error) && **it == outcome
                };
                outcomes.iter().filter(is_counted).count()
            };
            let [none, warning, failed] =
                [Outcome::Right, Outcome::Warning, Outcome::Failed].map(count);
            format!("{none}+{warning}+{failed}")
        };
        let points = case.trace.points.len().to_string();
        row(&case.host.name, case.command, &points, errors().map(cell).collect());
    }
}
