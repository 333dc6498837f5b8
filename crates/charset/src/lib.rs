//! The functions of the crate `charset` that mailparse calls, for UTF-8, US-ASCII and Latin-1.
//!
//! mailparse decodes the encoded words in the headers of a MIME document, such as `=?utf-8?q?name?=`. eni-bootstrap
//! reads only media types and boundaries, which are US-ASCII, and the bytes of a part. Therefore it needs no other
//! encodings, whose tables have more than 100 KiB. mailparse leaves an encoded word in an unknown encoding unchanged.

use std::borrow::Cow;

/// An encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, and US-ASCII as its subset. Invalid bytes are replaced.
    Utf8,
    /// ISO 8859-1: each byte is the code point with the same number.
    Latin1,
}

impl Charset {
    /// Returns the encoding with this label, in upper or lower case; `None` for all others.
    #[must_use]
    pub fn for_label(label: &[u8]) -> Option<Self> {
        let is = |name: &&str| name.as_bytes().eq_ignore_ascii_case(label.trim_ascii());
        let (utf_8, latin_1) = (["utf-8", "utf8", "us-ascii", "ascii"], ["iso-8859-1", "latin1"]);
        if utf_8.iter().any(is) {
            Some(Self::Utf8)
        } else {
            latin_1.iter().any(is).then_some(Self::Latin1)
        }
    }

    /// Returns the same as [`Self::for_label`].
    #[must_use]
    pub fn for_label_no_replacement(label: &[u8]) -> Option<Self> {
        Self::for_label(label)
    }

    /// Returns the text without a byte order mark, the encoding, and whether bytes were replaced.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, Self, bool) {
        let text = match self {
            Self::Utf8 => bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
            Self::Latin1 => bytes,
        };
        let (text, is_replaced) = self.decode_without_bom_handling(text);
        (text, self, is_replaced)
    }

    /// Returns the text, and whether bytes were replaced.
    #[must_use]
    pub fn decode_without_bom_handling(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        match self {
            Self::Utf8 => (String::from_utf8_lossy(bytes), std::str::from_utf8(bytes).is_err()),
            Self::Latin1 => (decode_latin1(bytes), false),
        }
    }
}

/// Decodes ISO 8859-1.
#[must_use]
pub fn decode_latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.into(),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
    }
}

/// Decodes US-ASCII. Replaces other bytes.
#[must_use]
pub fn decode_ascii(bytes: &[u8]) -> Cow<'_, str> {
    let decode = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' };
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.into(),
        _ => bytes.iter().map(decode).collect::<String>().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_in_each_case() {
        for (label, expected) in [
            ("utf-8", Some(Charset::Utf8)),
            (" UTF-8 ", Some(Charset::Utf8)),
            ("US-ASCII", Some(Charset::Utf8)),
            ("ISO-8859-1", Some(Charset::Latin1)),
            ("big5", None),
            ("", None),
        ] {
            assert_eq!(Charset::for_label(label.as_bytes()), expected, "{label:?}");
            assert_eq!(Charset::for_label_no_replacement(label.as_bytes()), expected, "{label:?}");
        }
    }

    #[test]
    fn bytes_are_decoded_or_replaced() {
        assert_eq!(
            Charset::Utf8.decode(b"\xef\xbb\xbfa\xc3\xa9"),
            ("aé".into(), Charset::Utf8, false)
        );
        assert_eq!(Charset::Utf8.decode_without_bom_handling(b"a\xe9"), ("a\u{fffd}".into(), true));
        assert_eq!(Charset::Latin1.decode(b"a\xe9"), ("aé".into(), Charset::Latin1, false));
        assert_eq!((decode_latin1(b"a"), decode_latin1(b"\xc3\xa9")), ("a".into(), "Ã©".into()));
        assert_eq!(
            (decode_ascii(b"a"), decode_ascii(b"a\xc3\xa9")),
            ("a".into(), "a\u{fffd}\u{fffd}".into())
        );
    }
}
