//! Runs one case to its end, and compares the result with the expected one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::agent::{self, AgentRun};
use super::case::{Boot, Case};
use super::inject::Site;
use super::normal::{
    Placeholders, normal_level, with_blocks, without_failed_attempts, without_repetitions,
};
use super::real::Real;
use super::schedule::Schedule;
use super::secrets::search;
use super::stack::Stack;
use crate::support::node::{BOTTLEROCKET_RESULT, RESULT};
use crate::support::real_parts::static_binary;

/// How much longer than its deadline a run may take, in addition to the time for which the machine was stalled.
pub const MARGIN: Duration = Duration::from_secs(6);
/// The size in bytes above which only the size of a file is compared. The agent writes no such file.
const LARGE: u64 = 1 << 20;
/// How long a run without faults may take.
const WITHOUT_FAULTS: Duration = Duration::from_mins(2);

/// The files of a node that differ from its image, with their normalised contents.
pub type Files = BTreeMap<String, String>;

/// The result of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub status: Option<i32>,
    /// The log at the normal level, with placeholders.
    pub message: String,
    pub files: Files,
    pub elapsed: Duration,
    /// The part of `elapsed` for which the machine was stalled.
    pub stalled: Duration,
    pub retry_status: Option<i32>,
    pub retry_message: String,
    pub retry_files: Files,
    /// Where a secret was found.
    pub leaks: Vec<String>,
    /// Problems of the case itself, such as a first boot that failed.
    pub problems: Vec<String>,
}

/// Runs `case` in this process. Returns `None` if a part is missing.
pub fn run_case(case: &Case) -> Option<Outcome> {
    let binary = static_binary()?;
    let real = if case.real { Some(Real::get()?) } else { None };
    let mut site = Site::new(case, Stack::start(case, real));
    let image = contents(site.stack.root());
    let mut outcome = Outcome::default();
    let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
    let root = site.stack.root().to_owned();
    let mut results_missing = Vec::new();
    let mut keep = |name: &str, run: &AgentRun| {
        outputs.push((format!("stdout of the {name}"), run.stdout.clone()));
        outputs.push((format!("stderr of the {name}"), run.stderr.clone()));
        let results = [RESULT, BOTTLEROCKET_RESULT];
        let texts = results.map(|file| Some((file, fs::read(root.join(file)).ok()?)));
        let texts: Vec<_> = texts.into_iter().flatten().collect();
        // Without this, the search for secrets would search nothing if a path were wrong.
        let leaves_result = case.command == "run" && case.dependency != "disk";
        if leaves_result && run.status == Some(0) && texts.is_empty() {
            results_missing.push(format!("the {name} left no result"));
        }
        let texts = texts.into_iter().map(|(file, text)| (format!("{file} of the {name}"), text));
        outputs.extend(texts);
    };
    if case.boot == Boot::Second {
        let run = agent::run(&binary, case, &mut site, Schedule::default(), WITHOUT_FAULTS);
        if run.status != Some(0) {
            let log = String::from_utf8_lossy(&run.stderr).into_owned();
            outcome.problems.push(format!("the first boot failed: {log}"));
        }
        keep("first boot", &run);
        reboot(site.stack.root());
    }
    let server = case.inject.first().map_or("api", |it| &*it.on);
    let before = case.most_requests.map(|_| site.requests(server).len());
    let most = case.within.unwrap_or_default() + MARGIN * 3;
    let run = agent::run(&binary, case, &mut site, Schedule::of(case), most);
    keep("run", &run);
    let placeholders = site.stack.placeholders(site.at);
    outcome.status = run.status;
    (outcome.elapsed, outcome.stalled) = (run.elapsed, run.stalled);
    outcome.message = message(&run, &placeholders);
    if case.flaps.is_some() || case.ends.is_some() {
        outcome.message = without_failed_attempts(&outcome.message);
    }
    outcome.message = with_blocks(&outcome.message);
    if let (Some(most), Some(before)) = (case.most_requests, before) {
        let count = site.requests(server).len() - before;
        if count > most {
            outcome.problems.push(format!("{count} requests to {server} instead of {most}"));
        }
    }
    outcome.files = files(&image, &contents(site.stack.root()), &placeholders);
    site.end(case);
    if case.eni_config_after.is_some() {
        site.stack.api.apply("us-west-2a", super::stack::eni_config());
    }
    reboot(site.stack.root());
    let placeholders = site.stack.placeholders(site.at);
    let run = agent::run(&binary, case, &mut site, Schedule::default(), WITHOUT_FAULTS);
    keep("next boot", &run);
    outcome.retry_status = run.status;
    outcome.retry_message = message(&run, &placeholders);
    let all = contents(site.stack.root());
    outcome.retry_files = files(&image, &all, &placeholders);
    outputs.extend(all.into_iter().filter(|(path, text)| image.get(path) != Some(text)));
    outcome.problems.extend(results_missing);
    outcome.leaks = search(&site.stack.secrets(), &outputs);
    Some(outcome)
}

fn message(run: &AgentRun, placeholders: &Placeholders) -> String {
    let log = String::from_utf8_lossy(&run.stderr);
    without_repetitions(&placeholders.apply(&normal_level(&log)))
}

/// Removes the files that a reboot removes.
fn reboot(root: &Path) {
    let _ = fs::remove_dir_all(root.join("run/eni-bootstrap"));
}

/// Returns the contents of every file and symbolic link below `root`.
fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let kind = metadata.file_type();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                files.insert(name, format!("-> {}\n", target.display()).into_bytes());
            } else if metadata.len() > LARGE {
                files.insert(name, format!("{} MiB\n", metadata.len() >> 20).into_bytes());
            } else if kind.is_file() {
                files.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}

/// Returns the files that differ from `image`, without the lock and the results of the runs, stand-ins, and files that
/// only fill a file system.
fn files(
    image: &BTreeMap<String, Vec<u8>>,
    now: &BTreeMap<String, Vec<u8>>,
    placeholders: &Placeholders,
) -> Files {
    let text = |bytes: &[u8]| placeholders.apply(&String::from_utf8_lossy(bytes));
    let changed = now.iter().filter(|(path, bytes)| image.get(*path) != Some(*bytes));
    let mut files: Files = changed.map(|(path, bytes)| (path.clone(), text(bytes))).collect();
    let removed = image.keys().filter(|path| !now.contains_key(*path));
    files.extend(removed.map(|path| (path.clone(), "REMOVED\n".to_owned())));
    for file in ["run/eni-bootstrap/lock", RESULT, BOTTLEROCKET_RESULT] {
        files.remove(file);
    }
    files.retain(|path, _| !path.starts_with("stand-ins/") && !path.contains(".filler"));
    files
}
