//! The quoting rules of systemd: words of a setting, and the lines of an environment file.

use crate::host::file_text;

/// Returns the words of a command, of a variable that a command expands, or of a property in the
/// output of `systemctl show`, without their quotes and escapes.
///
/// A backslash begins an escape also in single quotes. A quote may be open at the end of the text, and an
/// unknown escape is the character after the backslash.
///
/// Source: `extract_first_word` in `src/basic/extract-word.c`, systemd. `systemctl show` escapes a
/// space as `\x20` before version 240, and quotes the word as a shell does since then.
pub(crate) fn words(text: &str) -> Vec<String> {
    split(text, Errors::Accept)
}

/// Returns the words of a setting of a unit as [`words`] does, up to the first one with an open quote or
/// an unknown escape: systemd ignores the rest of the line.
///
/// Source: `config_parse_environ` in `src/core/load-fragment.c`, systemd.
pub(crate) fn words_of_setting(text: &str) -> Vec<String> {
    split(text, Errors::EndTheText)
}

/// What an open quote or an unknown escape means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Errors {
    Accept,
    EndTheText,
}

fn split(text: &str, errors: Errors) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (_, '\\') => {
                let escape = unescape(&mut rest);
                if errors == Errors::EndTheText && !matches!(escape, Escape::Known(_)) {
                    return words;
                }
                word.get_or_insert_default().extend(escape.character());
            }
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            // In the output of `systemctl show`: the shell's quotes for text with control characters.
            (None, '$')
                if errors == Errors::Accept && word.is_none() && rest.peek() == Some(&'\'') =>
            {
                word.get_or_insert_default().push_str(&ansi_quoted(&mut rest));
            }
            (None, _) if is_blank(character) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word.filter(|_| quote.is_none() || errors == Errors::Accept));
    words
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Returns the text in `'…'`, in which a backslash begins an escape.
fn ansi_quoted(rest: &mut Characters<'_>) -> String {
    let mut text = String::new();
    rest.next();
    while let Some(character) = rest.next() {
        match character {
            '\'' => break,
            '\\' => text.extend(unescape(rest).character()),
            _ => text.push(character),
        }
    }
    text
}

/// The text after a backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Known(char),
    /// systemd has no escape of this letter.
    Unknown(char),
    /// A number that is too short, zero or not a character, or the end of the text.
    NoCharacter,
}

impl Escape {
    fn character(self) -> Option<char> {
        match self {
            Self::Known(character) | Self::Unknown(character) => Some(character),
            Self::NoCharacter => None,
        }
    }
}

/// Returns the escape that follows a backslash.
///
/// Source: `cunescape_one` in `src/basic/escape.c`, systemd.
fn unescape(rest: &mut Characters<'_>) -> Escape {
    let Some(first) = rest.next() else { return Escape::NoCharacter };
    let (radix, length) = match first {
        'x' => (16, 2),
        'u' => (16, 4),
        'U' => (16, 8),
        '0'..='7' => (8, 2),
        other => return control(other),
    };
    let digits: String = rest.by_ref().take(length).collect();
    let is_whole = digits.len() == length && digits.chars().all(|it| it.is_digit(radix));
    let number = u32::from_str_radix(&digits, radix).ok().filter(|_| is_whole);
    // The first octal digit follows the backslash immediately.
    let number = number.map(|it| it + first.to_digit(8).unwrap_or_default() * 64);
    let character = number.filter(|&it| it != 0).and_then(char::from_u32);
    character.map_or(Escape::NoCharacter, Escape::Known)
}

/// Returns the escape of a letter.
fn control(letter: char) -> Escape {
    Escape::Known(match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        's' => ' ',
        't' => '\t',
        'v' => '\u{b}',
        '\\' | '"' | '\'' => letter,
        other => return Escape::Unknown(other),
    })
}

/// Returns whether systemd separates words at this character.
pub(crate) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// Returns the variables of an environment file in its order, without those that systemd ignores; none if
/// systemd rejects the file, because a variable is not UTF-8, or the file contains a zero byte.
///
/// Source: `parse_env_file_internal` and `load_env_file_push` in `src/basic/env-file.c`, systemd.
pub(crate) fn environment_file(text: &str) -> Vec<(String, String)> {
    let mut variables = assignments(text);
    if !is_valid(text, &variables) {
        return Vec::new();
    }
    variables.retain(|(name, value)| is_variable(name, value));
    variables
}

/// Returns whether systemd accepts an environment variable: it ignores invalid names, and values with
/// control characters.
///
/// Source: `env_name_is_valid` and `env_value_is_valid` in `src/basic/env-util.c`, systemd.
pub(crate) fn is_variable(name: &str, value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_control = |it: char| it.is_ascii_control() && !matches!(it, '\t' | '\n');
    !name.is_empty()
        && !name.starts_with(|it: char| it.is_ascii_digit())
        && name.bytes().all(is_plain)
        && !value.contains(is_control)
}

/// Returns whether systemd accepts an environment file with these variables.
fn is_valid(text: &str, variables: &[(String, String)]) -> bool {
    let is_text = |text: &str| !file_text::has_escapes(text);
    !text.contains('\0') && variables.iter().all(|(name, value)| is_text(name) && is_text(value))
}

/// Returns whether systemd reads assignments at the end of an environment file on their own: it accepts
/// the file, and no quote, continued line or comment extends over them.
pub(crate) fn accepts_assignments(text: &str) -> bool {
    let variables = assignments(text);
    // Before version 254, a comment that ends in a backslash continues on the next line.
    let mut lines = text.lines().map(|line| line.trim_start_matches(is_blank));
    let continues = lines.any(|line| line.starts_with(['#', ';']) && line.ends_with('\\'));
    let mut expected = variables.clone();
    expected.push(("A".to_owned(), "1".to_owned()));
    is_valid(text, &variables) && !continues && assignments(&format!("{text}A=1\n")) == expected
}

fn assignments(text: &str) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        while rest.next_if(|it| is_blank(*it)).is_some() {}
        // The first character belongs to the name even if it is `=`.
        let mut name = String::from_iter(rest.next());
        while let Some(character) = rest.next_if(|it| !matches!(it, '=' | '\n' | '\r')) {
            name.push(character);
        }
        let name = name.trim_matches(is_blank);
        let is_comment = name.starts_with(['#', ';']);
        if is_comment {
            while rest.next_if(|it| !matches!(it, '\n' | '\r')).is_some() {}
        }
        if rest.next() == Some('=') && !is_comment {
            variables.push((name.to_owned(), value(&mut rest)));
        }
    }
    variables
}

/// Returns the value up to the end of its line, without its quotes and escapes.
fn value(rest: &mut Characters<'_>) -> String {
    // Only blanks at the end of unquoted text are removed.
    let (mut value, mut kept) = (String::new(), 0);
    let mut quote = None;
    let mut begins = true;
    while let Some(character) = rest.next() {
        match (quote, character) {
            (None, '\n' | '\r') => break,
            (Some(open), _) if open == character => {
                (quote, begins, kept) = (None, true, value.len());
            }
            (None, '"' | '\'') if begins => quote = Some(character),
            (None, _) if begins && is_blank(character) => {}
            (None | Some('"'), '\\') => {
                begins = false;
                // A backslash at the end of a line joins it with the next one.
                let is_joined = |it: char| it == '\n' || (quote.is_none() && it == '\r');
                if let Some(escaped) = rest.next().filter(|it| !is_joined(*it)) {
                    // In quotes, a backslash only escapes the characters that a shell would replace.
                    if quote.is_some() && !matches!(escaped, '"' | '\\' | '`' | '$') {
                        value.push('\\');
                    }
                    value.push(escaped);
                    kept = value.len();
                }
            }
            _ => {
                value.push(character);
                begins = begins && quote.is_some();
                if quote.is_some() || !is_blank(character) {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_quotes_and_escapes() {
        for (text, expected) in [
            ("", &[][..]),
            ("  --a  'b c' \"d\\\"e\" f\"g h\"i ''", &["--a", "b c", "d\"e", "fg hi", ""]),
            ("A=1 B=x\\x20y\\x5cz", &["A=1", "B=x y\\z"]),
            ("A=1 \"B=x \\$y\" $'C=a\\nb'", &["A=1", "B=x $y", "C=a\nb"]),
            ("'a\\'b' $X \"$'\"", &["a'b", "$X", "$'"]),
            ("\\101\\x42\\u00e9\\U0001f600\\s\\a", &["AB\u{e9}\u{1f600} \u{7}"]),
            ("a\u{a0}b\u{2003}c", &["a\u{a0}b\u{2003}c"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn systemd_ignores_the_rest_of_a_setting_after_an_error() {
        for (text, expected) in [
            ("A=1 'B=x y'", &["A=1", "B=x y"][..]),
            ("A=1 'B=x C=2", &["A=1"]),
            ("A=1 \"B=x C=2", &["A=1"]),
            ("A=1 B=\\d C=2", &["A=1"]),
            ("A=1 B=\\x4 C=2", &["A=1"]),
            ("A=1 B=\\x00 C=2", &["A=1"]),
            ("A=1 B=\\", &["A=1"]),
            ("$'A=1' B=2", &["$A=1", "B=2"]),
        ] {
            assert_eq!(words_of_setting(text), expected, "{text}");
        }
    }

    #[test]
    fn an_environment_file_is_parsed_as_systemd_does() {
        let text = "# A=comment\n ; B=comment\nnot a variable\nA = --a=b  c \nB=\"x \\\"y\\\" \\d\"\nC='it''s' # not a comment\nD=one \\\n  two\n\nE=a\"b\"\nF=\nH=\"a \"  \nG=\"two\nlines\"\nA=later";
        let expected = [
            ("A", "--a=b  c"),
            ("B", "x \"y\" \\d"),
            ("C", "its# not a comment"),
            ("D", "one   two"),
            ("E", "a\"b\""),
            ("F", ""),
            ("H", "a "),
            ("G", "two\nlines"),
            ("A", "later"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(environment_file(text), expected);
    }

    #[test]
    fn systemd_rejects_an_environment_file_that_is_not_utf_8() {
        for bytes in [&b"A=1\nB=Gr\xfc\xdfe\n"[..], b"A=1\nB\xfc=1\n", b"A=1\n# \0\n"] {
            let text = file_text::decode(bytes);
            assert_eq!(environment_file(&text), [], "{bytes:?}");
            assert!(!accepts_assignments(&text), "{bytes:?}");
        }
        let text = file_text::decode(b"# Gr\xfc\xdfe\nA=1\n");
        assert_eq!(environment_file(&text), [("A".to_owned(), "1".to_owned())]);
        assert!(accepts_assignments(&text));
    }

    #[test]
    fn systemd_ignores_an_invalid_variable() {
        let variables = environment_file("A=a\u{1}b\nB=a\tb\n1C=1\nD-E=1\n=1\n");
        assert_eq!(variables, [("B".to_owned(), "a\tb".to_owned())]);
    }

    #[test]
    fn an_equals_sign_at_the_start_of_a_line_belongs_to_a_name() {
        for line in ["=", "=\"", " =\"a", "= 'a", "=\\"] {
            let text = format!("A=1\n{line}\nB=2\n");
            let expected = [("A", "1"), ("B", "2")];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(environment_file(&text), expected, "{line}");
        }
    }

    #[test]
    fn an_assignment_at_the_end_can_be_a_part_of_another_value() {
        for text in ["", "# note\n", "A='1'\n", "A=1 \\\n2\n", "text\n", "A=1\r\n"] {
            assert!(accepts_assignments(text), "{text:?}");
        }
        for text in ["A=1 \\\n", "A=\"1\n", "A='1\n", "# note \\\n", " ; note \\\nA=1\n"] {
            assert!(!accepts_assignments(text), "{text:?}");
        }
    }
}
