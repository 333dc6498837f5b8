//! Runs the examples in the documentation that need no cluster and no AWS credentials.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns every Markdown file in a directory and below.
fn pages(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|it| it == "md") {
            found.push(path);
        }
    }
    found
}

/// Returns the words of a command line, of which some are in single quotes.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().map(|word| word.trim_matches('\'')).collect()
}

#[test]
fn examples_of_max_pods_and_limits_print_the_documented_output() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut examples = 0;
    for path in pages(&docs) {
        let text = fs::read_to_string(&path).unwrap();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ kubectl eni ") else { continue };
            if !["max-pods ", "limits "].iter().any(|name| command.starts_with(name)) {
                continue;
            }
            let mut expected = String::new();
            while let Some(line) =
                lines.next_if(|line| !line.starts_with("$ ") && !line.starts_with("```"))
            {
                expected += line;
                expected += "\n";
            }
            let output = crate::support::run(words(command));
            assert_eq!(output.stdout, expected, "{}: {command}", path.display());
            assert_eq!(output.status, Some(0), "{}: {command}", path.display());
            examples += 1;
        }
    }
    assert!(examples >= 18, "only {examples} examples");
}
