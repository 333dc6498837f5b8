//! The logical lines of a unit file.

use super::BadUnit;

/// The maximum length of a line in bytes.
const LONGEST: usize = 1 << 20;

/// Returns the text without the white space of systemd at both ends.
pub fn strip(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// Returns the lines without comments and empty lines, and with continued lines joined.
///
/// # Errors
///
/// [`BadUnit`] if a line is too long.
pub fn logical(text: &str) -> Result<Vec<String>, BadUnit> {
    let mut lines = Vec::new();
    let mut pending: Option<String> = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in physical(text) {
        let begin = line.trim_start_matches([' ', '\t', '\n', '\r']);
        if begin.starts_with(['#', ';']) {
            continue;
        }
        let joined = pending.take().unwrap_or_default() + line;
        if joined.len() > LONGEST {
            return Err(BadUnit);
        }
        let mut escaped = false;
        for byte in joined.bytes() {
            escaped = !escaped && byte == b'\\';
        }
        if escaped {
            pending = Some(joined[..joined.len() - 1].to_owned() + " ");
            continue;
        }
        lines.push(joined);
    }
    lines.extend(pending);
    let lines = lines.iter().map(|line| strip(line)).filter(|line| !line.is_empty());
    // systemd ignores a line that is not UTF-8. These characters stand for other bytes.
    let is_utf_8 = |line: &&str| !line.contains(|it| ('\u{f780}'..='\u{f7ff}').contains(&it));
    Ok(lines.filter(is_utf_8).map(str::to_owned).collect())
}

/// Returns the lines as `read_line` does: `\r\n` and `\n\r` are one line end, and so is each other character.
fn physical(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r', '\0']) {
        lines.push(&rest[..at]);
        let is_pair = rest[at..].starts_with("\r\n") || rest[at..].starts_with("\n\r");
        rest = &rest[at + 1 + usize::from(is_pair)..];
    }
    lines.push(rest);
    lines
}
