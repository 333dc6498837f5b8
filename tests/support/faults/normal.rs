//! Replaces the parts of an output that differ between runs by placeholders.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use regex_lite::Regex;

/// Placeholders and the texts that they replace. Longer texts are replaced first.
#[derive(Clone, Debug, Default)]
pub struct Placeholders(Vec<(String, &'static str)>);

impl Placeholders {
    /// Replaces `text` by `placeholder`.
    pub fn add(&mut self, text: impl Into<String>, placeholder: &'static str) {
        self.0.push((text.into(), placeholder));
        self.0.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// Returns `text` with placeholders for known texts, times and other ports.
    pub fn apply(&self, text: &str) -> String {
        static TIMES: OnceLock<[(Regex, &str); 11]> = OnceLock::new();
        let times = TIMES.get_or_init(|| {
            [
                (r"\d+\.\d+ s\b", "TIME"),
                (r"\((\d+(h|m|s|ms) ?)+ left\)", "(TIME left)"),
                (r"\b(\d+(h|m|s) ?)+ ago\b", "TIME ago"),
                (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "DATE"),
                (r"verification time \d+", "verification time DATE"),
                (r"\(\d+ seconds ago\)", "(TIME ago)"),
                (r"\(\d+ seconds in future\)", "(TIME in future)"),
                // The requests for the items are concurrent.
                (r"401 for latest/(meta-data|user-data)[^)]*", "401 for latest/ITEM"),
                (r"127\.\d+\.\d+\.\d+:\d+", "ADDRESS"),
                (r"\beni-bootstrap-[0-9a-f]{16}\b", "eni-bootstrap-TRANSACTION"),
                (r#""eni-bootstrap-version": "[^"]*""#, r#""eni-bootstrap-version": "0.0.0""#),
            ]
            .map(|(pattern, placeholder)| (Regex::new(pattern).unwrap(), placeholder))
        });
        let known =
            self.0.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from.as_str(), to));
        times.iter().fold(known, |text, (pattern, to)| pattern.replace_all(&text, *to).into_owned())
    }
}

/// Replaces groups of lines that many logs contain by the names of `tests/faults/blocks.txt`.
pub fn with_blocks(text: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/blocks.txt");
    let blocks = fs::read_to_string(path).unwrap();
    let blocks = blocks.split("== ").skip(1).filter_map(|block| block.split_once('\n'));
    blocks.fold(text.to_owned(), |text, (name, lines)| text.replace(lines, &format!("{name}\n")))
}

/// Returns what the agent logs at its normal level, from a log in the format of the journal at the highest
/// level: debug lines start with `<7>`.
pub fn normal_level(log: &str) -> String {
    let normal = log.lines().filter(|line| !line.starts_with("<7>"));
    let text = |line: &str| {
        let text = line.split_once('>').filter(|(start, _)| start.starts_with('<'));
        text.map_or(line, |(_, text)| text).to_owned()
    };
    normal.flat_map(|line| [text(line), "\n".to_owned()]).collect()
}

/// Removes the lines about failed attempts and about checks, which a fault may prevent.
pub fn without_failed_attempts(text: &str) -> String {
    let is_failure = |line: &&str| {
        line.starts_with("warning: ")
            || line.starts_with("verify: ")
            || line.contains("retrying")
            || line.contains(" found ")
    };
    text.lines().filter(|line| !is_failure(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Replaces repetitions of one line or of a group of up to four lines by one. The number of attempts
/// depends on the jitter of the pauses.
pub fn without_repetitions(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines() {
        kept.push(line);
        for size in 1..=4 {
            let Some(start) = kept.len().checked_sub(2 * size) else { break };
            // Only log lines repeat. The lines of an error report are indented.
            let (before, after) = kept[start..].split_at(size);
            if before == after && !line.starts_with(' ') {
                kept.truncate(start + size);
                break;
            }
        }
    }
    kept.into_iter().flat_map(|line| [line, "\n"]).collect()
}
