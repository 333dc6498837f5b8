//! Runs each target on its corpus and on the inputs that once violated a property.

use eni_bootstrap_fuzz::{TARGETS, run};
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// The maximum size of an input in bytes.
const MAX_BYTES: u64 = 16 << 10;
/// The maximum number of files in a corpus.
const MAX_FILES: usize = 30;

/// Returns the files of a target in `corpus` or `regressions`, by name.
fn inputs(directory: &str, target: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory).join(target);
    let entries = fs::read_dir(path).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs each target on its inputs. Returns the violations.
fn replay(directory: &str) -> Vec<String> {
    let mut violations = Vec::new();
    for target in TARGETS {
        for path in inputs(directory, target.name) {
            let data = fs::read(&path).unwrap();
            assert!(data.len() as u64 <= MAX_BYTES, "{} is too large", path.display());
            if let Err(panic) = catch_unwind(|| run(target, &data)) {
                let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                violations.push(format!("{}: {message}", path.display()));
            }
        }
    }
    violations
}

#[test]
fn no_corpus_violates_a_property() {
    assert_eq!(replay("corpus"), Vec::<String>::new());
    for target in TARGETS {
        let count = inputs("corpus", target.name).len();
        assert!((1..=MAX_FILES).contains(&count), "{} has {count} inputs", target.name);
    }
}

#[test]
fn inputs_that_once_violated_a_property_do_not() {
    let violations = replay("regressions");
    assert!(violations.is_empty(), "{}", violations.join("\n\n"));
}
