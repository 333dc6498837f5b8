//! Compares the lines of a block with those of a program or a file. A line `...` in the block stands for any
//! number of lines.

const OMITTED: &str = "...";

/// Returns the difference between the lines of a block and those of a program.
pub fn difference(expected: &str, actual: &str) -> Option<String> {
    compare(expected, actual, Edges::Included)
}

/// Returns the first part of a block that `file` does not contain, after the part before it.
pub fn missing_part(expected: &str, file: &str) -> Option<String> {
    compare(expected, file, Edges::Omitted)
}

/// Whether the block contains the first and the last line of the other text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edges {
    Included,
    Omitted,
}

fn compare(expected: &str, actual: &str, edges: Edges) -> Option<String> {
    let (expected, actual) = (lines(expected), lines(actual));
    let mut parts: Vec<&[&str]> = expected.split(|line| line.trim() == OMITTED).collect();
    if edges == Edges::Omitted {
        parts.insert(0, &[]);
        parts.push(&[]);
    }
    let last = parts.len() - 1;
    let mut at = 0;
    for (index, part) in parts.iter().enumerate() {
        let rest = &actual[at..];
        let found = if index == 0 {
            rest.starts_with(part).then_some(0)
        } else if index == last {
            rest.ends_with(part).then(|| rest.len() - part.len())
        } else {
            (0..=rest.len()).find(|&start| rest[start..].starts_with(part))
        };
        match found {
            Some(start) => at += start + part.len(),
            None => return Some(message(part, rest)),
        }
    }
    (last == 0 && at < actual.len())
        .then(|| format!("the block does not contain:\n{}", actual[at..].join("\n")))
}

/// Returns the lines without trailing spaces, and without empty lines at the end.
fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// Returns a message that shows where the longest common beginning of `part` in `rest` ends.
fn message(part: &[&str], rest: &[&str]) -> String {
    let common = |start: usize| part.iter().zip(&rest[start..]).take_while(|(a, b)| a == b).count();
    let best = (0..rest.len()).max_by_key(|&start| (common(start), rest.len() - start));
    let equal = best.map_or(0, common);
    let actual = best.and_then(|start| rest.get(start + equal)).unwrap_or(&"(nothing)");
    let expected = part.get(equal).unwrap_or(&"(nothing)");
    format!("in the block: {expected}\n    expected: {actual}")
}

#[test]
fn omitted_lines_match_any_lines() {
    let actual = "a\nb\nc\nd\n";
    for expected in
        ["a\nb\nc\nd", "a\n...\nd\n\n", "...\nb  \n...", "a\nb\n...", "...", "...\nc\nd"]
    {
        assert_eq!(difference(expected, actual), None, "{expected}");
    }
    for expected in ["a\nb\nc", "a\n...\nc", "b\n...", "...\nd\nc\n...", "x"] {
        assert!(difference(expected, actual).is_some(), "{expected}");
    }
    assert_eq!(difference("a\nx", "a\nb").unwrap(), "in the block: x\n    expected: b");
    assert_eq!(missing_part("b\nc", actual), None);
    assert_eq!(missing_part("b\n...\nd", actual), None);
    assert_eq!(missing_part("c\n...\nb", actual).unwrap(), "in the block: b\n    expected: d");
}
