//! Writes the actual messages and files to the case files, with `UPDATE_GOLDEN`.

use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;

use super::case::Case;
use super::outcome::Outcome;
use super::table::{files_path, text};

/// Case files are changed by one thread at a time.
static LOCK: Mutex<()> = Mutex::new(());

/// Replaces the expected message and files of `case`. The exit statuses stay.
#[expect(clippy::disallowed_methods, reason = "files of the tests")]
pub fn accept(case: &mut Case, outcome: &Outcome) {
    let _lock = LOCK.lock().unwrap();
    let file = fs::read_to_string(&case.file).unwrap();
    // Cases in their own namespaces read the file at the same time.
    let new = case.file.with_extension("new");
    fs::write(&new, with_message(&file, &case.name, &outcome.message)).unwrap();
    fs::rename(&new, &case.file).unwrap();
    case.message.clone_from(&outcome.message);
    let states = [(&case.files, &outcome.files), (&case.retry.files, &outcome.retry_files)];
    for (name, files) in states.into_iter().filter(|(name, _)| *name != "none") {
        // The first case decides. A case that differs stays a surprise.
        if !files_path(case, name).exists() {
            fs::create_dir_all(files_path(case, name).parent().unwrap()).unwrap();
            fs::write(files_path(case, name), text(files)).unwrap();
        }
    }
}

/// Returns the case file with this message of the case `name`, which is the last key of the case.
fn with_message(file: &str, name: &str, message: &str) -> String {
    let start = format!("name = {name:?}\n");
    let mut changed = String::new();
    for (number, part) in file.split("[[case]]\n").enumerate() {
        if number > 0 {
            changed.push_str("[[case]]\n");
        }
        if !part.contains(&start) {
            changed.push_str(part);
            continue;
        }
        let (before, rest) = part.split_once("message = '''\n").unwrap_or((part, "'''\n"));
        let (_, after) = rest.split_once("'''\n").unwrap();
        let _ = write!(changed, "{before}message = '''\n{message}'''\n{after}");
    }
    changed
}
