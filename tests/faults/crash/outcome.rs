//! What an interrupted command must leave on the node.

use super::case::{Case, Interrupted};
use crate::support::faults::crash_node::State;
use crate::support::faults::strace::{Point, Target};
use std::path::{Path, PathBuf};

/// The result of a command into which an error was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The command ended as without the error.
    Right,
    /// The command logged a warning that names every file that is not as without the error.
    Warning,
    /// The command failed, and its message states what failed and why, and what to do.
    Failed,
}

/// The claim in the help of a failed write.
const INTACT: &str = "the previous file is intact";
/// The part of the warning that a link is replaced, because its target cannot be written.
const REPLACED: &str = "; replacing the link with a file;";

/// Returns the text of the first wrong result after a kill.
pub fn after_kill(case: &Case, run: &Interrupted) -> Result<Outcome, String> {
    if run.first.status.is_some() {
        return Err(format!("not killed: {:?}", run.first));
    }
    if run.between.files.drafts().len() > 1 {
        return Err(format!("temporary files: {:?}", run.between.files.drafts()));
    }
    whole(case, &run.between)?;
    next_run(case, run)?;
    Ok(Outcome::Right)
}

/// Returns the text of the first wrong result after SIGTERM. `run` may have ended before it handles the signal,
/// and `undo` ends at once.
pub fn after_sigterm(case: &Case, run: &Interrupted) -> Result<Outcome, String> {
    const STOPPED: &str = "error: stopped by SIGTERM\n  help: run `eni-bootstrap run` again; the kubelet must not start before it succeeds\n";
    whole(case, &run.between)?;
    let outcome = match run.first.status {
        Some(0) => success(case, run)?,
        Some(143) if run.first.stderr.ends_with(STOPPED) => Outcome::Failed,
        None if case.command == "undo" => Outcome::Failed,
        _ => return Err(format!("unexpected exit status: {:#?}", run.first)),
    };
    let drafts = run.between.files.drafts();
    if case.command != "undo" && !drafts.is_empty() {
        return Err(format!("temporary files are left: {drafts:?}"));
    }
    if !run.between.transactions.is_empty() {
        return Err(format!("transactions are left: {:?}", run.between.transactions));
    }
    next_run(case, run)?;
    Ok(outcome)
}

/// Returns the text of the first wrong result after an error.
pub fn after_error(
    case: &Case,
    run: &Interrupted,
    (point, error): (&Point, &str),
) -> Result<Outcome, String> {
    if run.first.stderr.contains(REPLACED) && ["EROFS", "EACCES"].contains(&error) {
        return replaced_link(case, run);
    }
    whole(case, &run.between)?;
    let documented: &[i32] = match point.target {
        Target::File => &[73],
        // 69: the settings API is unreachable.
        Target::Socket => &[69, 73],
        // 65: the options of the snap cannot be read.
        Target::Process => &[65, 73],
    };
    let outcome = match run.first.status {
        Some(0) => success(case, run)?,
        Some(status) if documented.contains(&status) => failure(case, run, error)?,
        _ => return Err(format!("unexpected exit status: {:#?}", run.first)),
    };
    next_run(case, run)?;
    Ok(outcome)
}

/// The link is now a file with the new contents. `undo` edits this file and also the earlier target of the link.
fn replaced_link(case: &Case, run: &Interrupted) -> Result<Outcome, String> {
    let is_undo = case.command == "undo";
    let expected =
        case.host.links.iter().fold(case.after.files.clone(), |files, (link, target)| {
            let files = files.with_file_of(link, target);
            if is_undo { files } else { files.with(target, &case.before.files) }
        });
    is_empty("with a replaced link", &run.between.files.differences(&expected))?;
    if (run.first.status, run.second.status) != (Some(0), Some(0)) {
        return Err(format!("a run failed:\n{}\n{}", run.first.stderr, run.second.stderr));
    }
    is_empty("after the next run", &run.last.files.differences(&expected))?;
    Ok(Outcome::Warning)
}

/// Every file is the old one or the new one.
fn whole(case: &Case, state: &State) -> Result<(), String> {
    let mut lines = state.neither(&case.before, &case.after);
    if let Some(during) = &case.during {
        lines.retain(|line| {
            let path = Path::new(line.split_once(": ").map_or("", |(path, _)| path));
            !state.files.is_same(during, path)
        });
    }
    is_empty("neither old nor new", &lines)
}

/// The same command ends right, and removes what the first one left.
fn next_run(case: &Case, run: &Interrupted) -> Result<(), String> {
    if run.second.status != Some(0) {
        return Err(format!("the next run failed:\n{}", run.second.stderr));
    }
    is_empty("after the next run", &run.last.differences(&case.after))
}

fn success(case: &Case, run: &Interrupted) -> Result<Outcome, String> {
    let warnings = run.first.stderr.lines().filter(|line| line.starts_with("warning: "));
    let warnings: Vec<&str> = warnings.collect();
    let differing = run.between.files.differing(&case.after.files);
    let is_named =
        |path: &Path| warnings.iter().any(|line| line.contains(&*path.to_string_lossy()));
    let silent: Vec<String> = differing
        .iter()
        .filter(|path| !is_named(path) && !path.ends_with("var") && !path.ends_with("var/lib"))
        .map(|path| path.display().to_string())
        .collect();
    is_empty("success without the final state and without a warning", &silent)?;
    if run.between.settings != case.after.settings {
        return Err("success without the settings".to_owned());
    }
    Ok(if differing.is_empty() { Outcome::Right } else { Outcome::Warning })
}

fn failure(case: &Case, run: &Interrupted, error: &str) -> Result<Outcome, String> {
    let stderr = &run.first.stderr;
    let reason = match error {
        "EIO" => "Input/output error (os error 5)",
        "ENOSPC" => "No space left on device (os error 28)",
        "EROFS" => "Read-only file system (os error 30)",
        "EACCES" => "Permission denied (os error 13)",
        other => return Err(format!("{other} is an error:\n{stderr}")),
    };
    let message = stderr.lines().skip_while(|line| !line.starts_with("error: "));
    let message: Vec<&str> = message.collect();
    let has = |start: &str| message.iter().any(|line| line.starts_with(start));
    if !has("error: failed to ") || !has("  help: ") || !stderr.contains(reason) {
        return Err(format!("the message is incomplete:\n{stderr}"));
    }
    let written = message.iter().find_map(|line| {
        let path = Path::new(line.split_once("failed to write ")?.1);
        path.components()
            .position(|it| it.as_os_str() == "root")
            .map(|root| path.components().skip(root + 1).collect::<PathBuf>())
    });
    if let Some(path) = written
        && stderr.contains(INTACT)
        && !run.between.files.is_same(&case.before.files, &path)
        && !case.during.as_ref().is_some_and(|during| run.between.files.is_same(during, &path))
    {
        return Err(format!(
            "{} is not the previous file, but the help is:\n{stderr}",
            path.display()
        ));
    }
    if !run.between.files.drafts().is_empty() {
        return Err(format!("temporary files are left: {:?}", run.between.files.drafts()));
    }
    Ok(Outcome::Failed)
}

fn is_empty(what: &str, lines: &[String]) -> Result<(), String> {
    if lines.is_empty() { Ok(()) } else { Err(format!("{what}: {}", lines.join("\n"))) }
}
