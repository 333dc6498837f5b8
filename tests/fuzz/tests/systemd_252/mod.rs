//! What the comparisons with systemd share.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Returns a word as `systemd --test` prints it.
///
/// Source: `quote_command_line` and `shell_maybe_quote` in `src/basic/escape.c`, systemd 252.
pub fn quoted(word: &str) -> String {
    let is_special = |it: char| it.is_ascii_control() || " \"\\`$*?['()<>|&;!".contains(it);
    if !word.is_empty() && !word.contains(is_special) {
        return word.to_owned();
    }
    let mut text = String::from("\"");
    for character in word.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            '"' | '\\' | '`' | '$' => text.extend(['\\', character]),
            it if it.is_ascii_control() => write!(text, "\\{:03o}", u32::from(it)).unwrap(),
            it => text.push(it),
        }
    }
    text + "\""
}

/// Adds the test to the list of tests that did not run. Panics with `REQUIRE_REAL=1`.
pub fn not_run(what: &str) {
    let line = format!("NOT RUN: {what}\n");
    assert!(std::env::var("REQUIRE_REAL").as_deref() != Ok("1"), "{line}");
    let target = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    fs::create_dir_all(target.join("real-parts")).unwrap();
    let log = target.join("real-parts/not-run.log");
    let mut log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    std::io::Write::write_all(&mut log, line.as_bytes()).unwrap();
}
