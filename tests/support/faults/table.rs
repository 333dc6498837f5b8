//! Compares each outcome with its case, and prints the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::case::Case;
use super::outcome::{Files, MARGIN, Outcome};

/// One row of the table, and what differs from the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub id: String,
    pub expected: String,
    pub got: String,
    /// With one digit after the point.
    pub seconds: String,
    /// The differences in a first run. Empty unless this is the result of a second run.
    pub first_run: Vec<String>,
    /// Each difference, on several lines. Empty if the outcome is as expected.
    pub surprises: Vec<String>,
}

/// Returns the row of `case`.
pub fn report(case: &Case, outcome: &Outcome) -> Report {
    let mut surprises = outcome.problems.clone();
    let status = |status: Option<i32>| status.map_or("killed".to_owned(), |it| it.to_string());
    if outcome.status != Some(case.status) {
        surprises.push(format!(
            "exit status {} instead of {}",
            status(outcome.status),
            case.status
        ));
    }
    if outcome.message != case.message {
        surprises.push(differences("message", &case.message, &outcome.message));
    }
    let seconds = outcome.elapsed.as_secs_f32();
    let within = case.within.unwrap_or_default();
    if outcome.elapsed > within + MARGIN + outcome.stalled {
        let [most, stalled] = [within, outcome.stalled].map(|time| time.as_secs_f32());
        let margin = MARGIN.as_secs();
        surprises.push(format!(
            "took {seconds:.1} s; the deadline is {most:.1} s + {margin} s, and the machine was stalled for {stalled:.1} s"
        ));
    }
    let of = |name: &str| files_named(case, name);
    if outcome.files != of(&case.files) {
        surprises.push(differences("files", &text(&of(&case.files)), &text(&outcome.files)));
    }
    if outcome.retry_status != Some(case.retry.status) {
        surprises.push(format!(
            "the next boot exits with {} instead of {}:\n{}",
            status(outcome.retry_status),
            case.retry.status,
            outcome.retry_message
        ));
    }
    if outcome.retry_files != of(&case.retry.files) {
        let expected = text(&of(&case.retry.files));
        let name = "files after the next boot";
        surprises.push(differences(name, &expected, &text(&outcome.retry_files)));
    }
    surprises.extend(outcome.leaks.iter().map(|leak| format!("SECRET: {leak}")));
    let named = |files: &Files, expected: &str| {
        if *files == of(expected) { expected.to_owned() } else { "other files".to_owned() }
    };
    Report {
        id: case.id(),
        expected: format!(
            "{} {}, then {} {}",
            case.status, case.files, case.retry.status, case.retry.files
        ),
        got: format!(
            "{} {}, then {} {}",
            status(outcome.status),
            named(&outcome.files, &case.files),
            status(outcome.retry_status),
            named(&outcome.retry_files, &case.retry.files)
        ),
        seconds: format!("{seconds:.1}"),
        first_run: Vec::new(),
        surprises,
    }
}

/// Returns the path of the expected files `name` of `case`.
pub fn files_path(case: &Case, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/files");
    folder.join(format!("{}-{name}.txt", format!("{:?}", case.host).to_lowercase()))
}

/// Returns the expected files `name`: none for `none`, otherwise those in `tests/faults/files`.
fn files_named(case: &Case, name: &str) -> Files {
    if name == "none" {
        return Files::new();
    }
    let text = fs::read_to_string(files_path(case, name)).unwrap_or_default();
    let mut files = BTreeMap::new();
    for part in text.split("== ").skip(1) {
        let (path, contents) = part.split_once('\n').unwrap();
        files.insert(path.to_owned(), contents.to_owned());
    }
    files
}

/// Returns files as text: `== PATH`, then the contents.
pub fn text(files: &Files) -> String {
    files.iter().fold(String::new(), |mut text, (path, contents)| {
        let end = if contents.is_empty() || contents.ends_with('\n') { "" } else { "\n" };
        let _ = write!(text, "== {path}\n{contents}{end}");
        text
    })
}

fn differences(what: &str, expected: &str, got: &str) -> String {
    let indent =
        |text: &str| text.lines().fold(String::new(), |text, line| text + "      " + line + "\n");
    format!("{what}\n    expected:\n{}    got:\n{}", indent(expected), indent(got))
}

/// Prints the table: one row for each case, then each surprise, then the counts.
pub fn print(reports: &[Report]) {
    let mut out = String::new();
    let width = |of: &dyn Fn(&Report) -> usize| reports.iter().map(of).max().unwrap_or(0);
    let first = width(&|it| it.id.len()).max(4);
    let second = width(&|it| it.expected.len()).max(8);
    let third = width(&|it| it.got.len()).max(3);
    let _ = writeln!(out, "{:first$}  {:second$}  {:third$}  seconds", "case", "expected", "got");
    for it in reports {
        let mark = match (it.surprises.is_empty(), it.first_run.is_empty()) {
            (true, true) => "",
            (true, false) => "  (second run)",
            (false, _) => "  SURPRISE",
        };
        let Report { id, expected, got, seconds, .. } = it;
        let _ = writeln!(out, "{id:first$}  {expected:second$}  {got:third$}  {seconds:>7}{mark}");
    }
    for it in reports.iter().filter(|it| !it.surprises.is_empty()) {
        for surprise in &it.surprises {
            let _ = writeln!(out, "\n{}: {surprise}", it.id);
        }
    }
    for it in reports {
        for surprise in &it.first_run {
            let _ = writeln!(out, "\n{}, first run: {surprise}", it.id);
        }
    }
    let surprises = reports.iter().filter(|it| !it.surprises.is_empty()).count();
    let _ = writeln!(out, "{} cases, {surprises} surprises", reports.len());
    // Not print!, which the test harness captures.
    io::stdout().write_all(out.as_bytes()).unwrap();
}
