//! Breaks long lines between words.

/// Breaks `text` into lines of at most `width` characters. The second and further lines start with `indent`
/// spaces. A command in backticks stays on one line, so that it can be pasted.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut result = String::new();
    let mut used = 0;
    for word in words(text) {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            result.push('\n');
            result.extend(std::iter::repeat_n(' ', indent));
            used = 0;
        } else if used > 0 {
            result.push(' ');
            used += 1;
        }
        result.push_str(word);
        used += length;
    }
    result
}

/// Returns the words of `text`. A text in backticks is a part of one word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |character| {
        is_quoted ^= character == '`';
        character == ' ' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_but_not_inside_of_a_command() {
        for (text, expected) in [
            ("", ""),
            ("short", "short"),
            ("one two three", "one two\n  three"),
            ("a much-longer-word b", "a\n  much-longer-word\n  b"),
            ("run `a b c d`, or not", "run\n  `a b c d`,\n  or not"),
            ("äöü äöü äöü", "äöü äöü\n  äöü"),
        ] {
            assert_eq!(wrap(text, 8, 2), expected);
        }
    }
}
