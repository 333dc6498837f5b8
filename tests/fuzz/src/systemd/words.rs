//! `extract_first_word` of systemd.

/// How quotes and backslashes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// In a unit: escapes as in C. An open quote or an unknown escape is an error.
    Unit,
    /// In a command that has an error with [`Quoting::Unit`]: unknown escapes are text.
    ///
    /// Source: `extract_first_word_and_warn`.
    Command,
    /// In the value of a variable: a backslash keeps the next character, and a quote may be open.
    Variable,
}

/// Returns the words of a text; `None` if systemd rejects it.
#[must_use]
pub fn words(text: &str, quoting: Quoting) -> Option<Vec<String>> {
    let mut rest = text;
    let mut words = Vec::new();
    while let Some((word, after)) = first_word(rest, quoting)? {
        words.push(word);
        rest = after;
    }
    Some(words)
}

/// Returns the first word of a command and the rest of the text, as [`first_word`] does.
#[must_use]
#[expect(clippy::option_option, reason = "no word is not an error")]
pub(super) fn first_word_of_command(text: &str) -> Option<Option<(String, &str)>> {
    first_word(text, Quoting::Unit).or_else(|| first_word(text, Quoting::Command))
}

/// Returns the words of a setting before the first one that systemd rejects.
pub(super) fn accepted_words(text: &str) -> Vec<String> {
    let mut rest = text;
    let mut words = Vec::new();
    while let Some(Some((word, after))) = first_word(rest, Quoting::Unit) {
        words.push(word);
        rest = after;
    }
    words
}

/// Returns the first word and the rest of the text, which begins with the next word. The inner value is
/// `None` without a word, the outer one if systemd rejects the text.
#[must_use]
#[expect(clippy::option_option, reason = "no word is not an error")]
pub fn first_word(text: &str, quoting: Quoting) -> Option<Option<(String, &str)>> {
    let text = text.trim_start_matches(is_separator);
    if text.is_empty() {
        return Some(None);
    }
    let mut word = Vec::new();
    let mut quote = None;
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let next = at + character.len_utf8();
        match (quote, character) {
            (_, '\\') => {
                let Some(escaped) = text[next..].chars().next() else {
                    // With a relaxed reader, the backslash ends the word.
                    at = next;
                    match quoting {
                        Quoting::Variable => {}
                        Quoting::Command if quote.is_none() => push(&mut word, '\\'),
                        Quoting::Unit | Quoting::Command => return None,
                    }
                    break;
                };
                if quoting == Quoting::Variable {
                    push(&mut word, escaped);
                    at = next + escaped.len_utf8();
                } else if let Some((bytes, length)) = unescape(&text[next..]) {
                    word.extend(bytes);
                    at = next + length;
                } else if quoting == Quoting::Command {
                    push(&mut word, '\\');
                    push(&mut word, escaped);
                    at = next + escaped.len_utf8();
                } else {
                    return None;
                }
                continue;
            }
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, _) if is_separator(character) => {
                at = next;
                let word = String::from_utf8_lossy(&word).into_owned();
                return Some(Some((word, text[at..].trim_start_matches(is_separator))));
            }
            _ => push(&mut word, character),
        }
        at = next;
    }
    if quote.is_some() && quoting != Quoting::Variable {
        return None;
    }
    Some(Some((String::from_utf8_lossy(&word).into_owned(), &text[at..])))
}

fn push(word: &mut Vec<u8>, character: char) {
    word.extend(character.encode_utf8(&mut [0; 4]).bytes());
}

/// Returns whether systemd separates words at this character.
pub fn is_separator(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// Returns the bytes of the escape after a backslash, and the length of the escape; `None` if it is invalid.
///
/// Source: `cunescape_one` in `src/basic/escape.c`.
fn unescape(text: &str) -> Option<(Vec<u8>, usize)> {
    let character = text.chars().next()?;
    let number = |begin: usize, length: usize, radix: u32| {
        let digits = text.get(begin..begin + length)?;
        let all = digits.chars().all(|it| it.is_digit(radix));
        u32::from_str_radix(digits, radix).ok().filter(|it| all && *it != 0)
    };
    let unicode = |length: usize| {
        let character = char::from_u32(number(1, length, 16)?)?;
        Some((character.to_string().into_bytes(), 1 + length))
    };
    let byte = match character {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        's' => b' ',
        '\\' | '"' | '\'' => u8::try_from(character).ok()?,
        'x' => return Some((vec![u8::try_from(number(1, 2, 16)?).ok()?], 3)),
        'u' => return unicode(4),
        'U' => return unicode(8),
        '0'..='7' => return Some((vec![u8::try_from(number(0, 3, 8)?).ok()?], 3)),
        _ => return None,
    };
    Some((vec![byte], 1))
}
