//! The quoting rules of systemd: words of a setting, and the lines of an environment file.

/// Returns the words of a setting, of a variable that a command expands, or of a property in the
/// output of `systemctl show`, without their quotes and escapes.
///
/// Source: `extract_first_word` in `src/basic/extract-word.c`, systemd. `systemctl show` escapes a
/// space as `\x20` before version 240, and quotes the word as a shell does since then.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(character),
            (_, '\\') => word.get_or_insert_default().extend(unescape(&mut rest)),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            // The shell's quotes for text with control characters.
            (None, '$') if word.is_none() && rest.peek() == Some(&'\'') => {
                word.get_or_insert_default().push_str(&ansi_quoted(&mut rest));
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
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
            '\\' => text.extend(unescape(rest)),
            _ => text.push(character),
        }
    }
    text
}

/// Returns the character of the escape that follows a backslash.
fn unescape(rest: &mut Characters<'_>) -> Option<char> {
    Some(match rest.next()? {
        'n' => '\n',
        't' => '\t',
        's' => ' ',
        'x' => {
            let digits: String = rest.by_ref().take(2).collect();
            char::from(u8::from_str_radix(&digits, 16).ok()?)
        }
        other => other,
    })
}

/// Returns the variables of an environment file in its order.
///
/// Source: `parse_env_file_internal` in `src/basic/env-file.c`, systemd.
pub(crate) fn environment_file(text: &str) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let name: String =
            std::iter::from_fn(|| rest.next_if(|it| !matches!(it, '=' | '\n'))).collect();
        let is_comment = name.trim_start().starts_with(['#', ';']);
        if is_comment {
            while rest.next_if(|it| *it != '\n').is_some() {}
        }
        if rest.next() == Some('=') && !is_comment {
            variables.push((name.trim().to_owned(), value(&mut rest)));
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
            (None, '\n') => break,
            (Some(open), _) if open == character => {
                (quote, begins, kept) = (None, true, value.len());
            }
            (None, '"' | '\'') if begins => quote = Some(character),
            (None, _) if begins && character.is_whitespace() => {}
            (None | Some('"'), '\\') => {
                begins = false;
                // A backslash at the end of a line joins it with the next one.
                if let Some(escaped) = rest.next().filter(|it| *it != '\n') {
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
                if quote.is_some() || !character.is_whitespace() {
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
            ("'a\\b' $X \"$'\"", &["a\\b", "$X", "$'"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
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
}
