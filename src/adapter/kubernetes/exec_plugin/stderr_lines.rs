//! The last lines of a plugin's standard error, for an error message.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The number of lines in an error message.
const LINES: usize = 3;
/// The maximum length of a line in characters.
const LINE_LENGTH: usize = 200;
/// The number of bytes that are kept for the last lines.
const KEPT: usize = 8 << 10;
/// The replacement of a word that is or may be a credential.
const REDACTED: &str = "REDACTED";
/// Words with this many letters and digits in a row may be a token or a key.
const TOKEN_LENGTH: usize = 40;

/// Reads until the end, and returns the last bytes.
pub(super) async fn read_end(source: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut end = Vec::new();
    let Some(mut source) = source else { return Ok(end) };
    let mut buffer = vec![0; KEPT];
    loop {
        let length = source.read(&mut buffer).await?;
        if length == 0 {
            return Ok(end);
        }
        end.extend_from_slice(&buffer[..length]);
        let surplus = end.len().saturating_sub(KEPT);
        end.drain(..surplus);
    }
}

/// Returns the last lines, separated by semicolons. Replaces every word that contains one of
/// `secrets` or looks like a token.
pub(super) fn last(stderr: &[u8], secrets: &[&str]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<String> = lines.rev().take(LINES).map(|it| redacted(it, secrets)).collect();
    lines.reverse();
    lines.join("; ")
}

fn redacted(line: &str, secrets: &[&str]) -> String {
    let word = |word| if is_secret(word, secrets) { REDACTED } else { word };
    let line = line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    line.chars().take(LINE_LENGTH).collect()
}

fn is_secret(word: &str, secrets: &[&str]) -> bool {
    let is_separator = |character: char| !(character.is_ascii_alphanumeric() || character == '_');
    secrets.iter().any(|secret| word.contains(secret))
        || ["k8s-aws-v1.", "eyJ"].iter().any(|prefix| word.contains(prefix))
        || word.split(is_separator).any(|run| run.len() >= TOKEN_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_contain_no_credentials() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln";
        let key = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01";
        let text = format!(
            "one\r\ntwo\n\n  An error occurred (AccessDenied)  \nBearer {jwt} {key}\ntoken=hush request 0c5b1b6e-0000-4000-8000-000000000000\n"
        );
        assert_eq!(
            last(text.as_bytes(), &["hush"]),
            "An error occurred (AccessDenied); Bearer REDACTED REDACTED; REDACTED request 0c5b1b6e-0000-4000-8000-000000000000"
        );
        assert_eq!(last(b"", &[]), "");
        assert_eq!(last("é ".repeat(300).as_bytes(), &[]).chars().count(), LINE_LENGTH);
    }

    #[tokio::test]
    async fn only_the_end_is_kept() {
        let text = "a".repeat(3 * KEPT) + "b";
        let end = read_end(Some(text.as_bytes())).await.unwrap();
        assert_eq!((end.len(), end.last()), (KEPT, Some(&b'b')));
    }
}
