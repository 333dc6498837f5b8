//! `parse_env_file_internal` of systemd, a state machine over the characters of a file.

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    PreKey,
    Key,
    PreValue,
    Value,
    ValueEscape,
    SingleQuoted,
    DoubleQuoted,
    DoubleQuotedEscape,
    Comment,
    CommentEscape,
}

/// Returns the variables of an environment file in its order.
#[must_use]
pub fn environment_file(text: &str) -> Vec<(String, String)> {
    read(text, true)
}

/// Returns whether systemd 254 and later read other variables: a backslash does not continue a comment.
pub(super) fn depends_on_version(text: &str) -> bool {
    read(text, true) != read(text, false)
}

fn read(text: &str, comments_continue: bool) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let (mut key, mut value) = (String::new(), String::new());
    // The length of the text before trailing white space.
    let (mut key_end, mut value_end) = (0, None);
    let mut state = State::PreKey;
    for character in text.chars() {
        let is_newline = matches!(character, '\n' | '\r');
        let is_blank = matches!(character, ' ' | '\t') || is_newline;
        state = match state {
            State::PreKey if matches!(character, '#' | ';') => State::Comment,
            State::PreKey if is_blank => State::PreKey,
            State::PreKey => {
                key = character.to_string();
                key_end = key.len();
                State::Key
            }
            State::Key if is_newline => State::PreKey,
            State::Key if character == '=' => {
                key.truncate(key_end);
                (value, value_end) = (String::new(), None);
                State::PreValue
            }
            State::Key => {
                key.push(character);
                if !is_blank {
                    key_end = key.len();
                }
                State::Key
            }
            State::PreValue | State::Value if is_newline => {
                if state == State::Value
                    && let Some(end) = value_end
                {
                    value.truncate(end);
                }
                variables.push((std::mem::take(&mut key), std::mem::take(&mut value)));
                State::PreKey
            }
            State::PreValue if character == '\'' => State::SingleQuoted,
            State::PreValue if character == '"' => State::DoubleQuoted,
            State::PreValue | State::Value if character == '\\' => {
                value_end = None;
                State::ValueEscape
            }
            State::PreValue if is_blank => State::PreValue,
            State::PreValue | State::Value => {
                if is_blank {
                    value_end = value_end.or(Some(value.len()));
                } else {
                    value_end = None;
                }
                value.push(character);
                State::Value
            }
            State::ValueEscape => {
                if !is_newline {
                    value.push(character);
                }
                State::Value
            }
            State::SingleQuoted if character == '\'' => State::PreValue,
            State::SingleQuoted => {
                value.push(character);
                State::SingleQuoted
            }
            State::DoubleQuoted if character == '"' => State::PreValue,
            State::DoubleQuoted if character == '\\' => State::DoubleQuotedEscape,
            State::DoubleQuoted => {
                value.push(character);
                State::DoubleQuoted
            }
            State::DoubleQuotedEscape => {
                if matches!(character, '"' | '\\' | '`' | '$') {
                    value.push(character);
                } else if character != '\n' {
                    value.extend(['\\', character]);
                }
                State::DoubleQuoted
            }
            State::Comment if character == '\\' && comments_continue => State::CommentEscape,
            State::Comment if is_newline => State::PreKey,
            State::Comment | State::CommentEscape => State::Comment,
        };
    }
    if matches!(state, State::PreValue | State::Value | State::ValueEscape)
        || matches!(state, State::SingleQuoted | State::DoubleQuoted | State::DoubleQuotedEscape)
    {
        if let Some(end) = value_end.filter(|_| state == State::Value) {
            value.truncate(end);
        }
        variables.push((key, value));
    }
    variables
}
