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
    let mut marks = 0;
    for line in physical(text) {
        let begin = line.trim_start_matches([' ', '\t', '\n', '\r']);
        if begin.starts_with(['#', ';']) {
            continue;
        }
        let mut line = line;
        if marks == 0 && line.starts_with('\u{feff}') {
            marks += 1;
            line = &line['\u{feff}'.len_utf8()..];
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

/// Returns the lines as `read_line` does: it reads on over `\n`, `\r` and `\0` at the end of a line until one of
/// them repeats or follows a `\0`.
fn physical(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut begin, mut end) = (0, None);
    // Bits as in `EndOfLineMarker`: 1 for `\0`, 2 for `\n`, 4 for `\r`.
    let mut previous = 0_u8;
    for (at, byte) in text.bytes().enumerate() {
        let marker = match byte {
            0 => 1,
            b'\n' => 2,
            b'\r' => 4,
            _ => 0,
        };
        if previous & 1 != 0 || (marker == 0 && previous != 0) || marker & previous != 0 {
            lines.push(&text[begin..end.unwrap_or(at)]);
            (begin, end, previous) = (at, None, 0);
        }
        if marker != 0 {
            end = end.or(Some(at));
            previous |= marker;
        }
    }
    lines.push(&text[begin..end.unwrap_or(text.len())]);
    lines
}
