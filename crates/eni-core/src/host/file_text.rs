//! Converts the bytes of a file to text and back without a loss. Other programs may write bytes to a
//! shared file that are not UTF-8, and eni-bootstrap must keep them.
//!
//! Each such byte becomes a character of the Unicode private use area, as with Python's
//! `surrogateescape` (PEP 383). The bytes of such a character in the file are converted in the same way.

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// The characters for the bytes 0x80 to 0xFF.
const ESCAPES: RangeInclusive<char> = '\u{f780}'..='\u{f7ff}';
/// The character for the byte 0. A byte below 0x80 is UTF-8, so only the upper half is used.
const FIRST: u32 = 0xf700;

/// Returns the text of a file.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if ESCAPES.contains(&character) {
                let mut buffer = [0; 4];
                text.extend(character.encode_utf8(&mut buffer).bytes().filter_map(escape));
            } else {
                text.push(character);
            }
        }
        text.extend(chunk.invalid().iter().copied().filter_map(escape));
    }
    text
}

/// Returns the bytes of a file with this text: the inverse of [`decode`].
#[must_use]
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(u32::from(character).wrapping_sub(FIRST)) {
            Ok(byte) if ESCAPES.contains(&character) => bytes.push(byte),
            _ => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    bytes
}

/// Returns whether a text contains bytes that are not UTF-8.
pub(crate) fn has_escapes(text: &str) -> bool {
    text.contains(|character| ESCAPES.contains(&character))
}

/// Returns the text for the output of a command: with U+FFFD for each byte that is not UTF-8.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if has_escapes(text) {
        text.replace(|character| ESCAPES.contains(&character), "\u{fffd}").into()
    } else {
        text.into()
    }
}

fn escape(byte: u8) -> Option<char> {
    char::from_u32(FIRST + u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_file_is_kept() {
        let all: Vec<u8> = (0..=255).collect();
        let escapes: String = ESCAPES.collect();
        for bytes in [
            &all[..],
            b"",
            "KUBELET_EXTRA_ARGS=--x=\u{fc}\u{1f600}\n".as_bytes(),
            b"Gr\xfc\xdfe\n",
            b"\xe2\x82",
            b"\xef\xbf\xbd",
            escapes.as_bytes(),
            b"\xef\x9e",
            b"\xef\x9e\xef\x9e\x80\x80",
        ] {
            assert_eq!(encode(&decode(bytes)), bytes, "{bytes:x?}");
        }
        for first in 0..=255 {
            for second in 0..=255 {
                let bytes = [b'a', first, second, 0x80, b'\n'];
                assert_eq!(encode(&decode(&bytes)), bytes, "{bytes:x?}");
            }
        }
    }

    #[test]
    fn utf_8_is_unchanged_and_other_bytes_are_printed_as_replacement_characters() {
        let text = "# Gr\u{fc}\u{df}e \u{1f600}\n";
        assert_eq!(decode(text.as_bytes()), text);
        assert_eq!(printable(text), text);
        assert_eq!(printable(&decode(b"a\xfcb\n")), "a\u{fffd}b\n");
    }
}
