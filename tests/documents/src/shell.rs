//! Splits shell scripts into commands.

mod lexer;
mod tests;

use lexer::Lexer;

/// Words before a command that are not part of it.
const PREFIXES: [&str; 12] =
    ["sudo", "exec", "time", "env", "!", "{", "if", "then", "else", "do", "while", "until"];

/// Returns the words of each command in a script, also of those in `$(…)`, without variable assignments and
/// redirections. Variables stay as they are written.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let commands = Lexer::new(script).commands().into_iter().map(|words| {
        let is_before = |word: &String| PREFIXES.contains(&word.as_str()) || is_assignment(word);
        words.into_iter().skip_while(is_before).collect::<Vec<_>>()
    });
    commands.filter(|words| !words.is_empty()).collect()
}

/// Returns whether a word is `NAME=value`.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
    })
}
