//! Searches everything that a run has written for secrets.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A secret that a run has received or sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Such as `IMDS token`.
    pub name: &'static str,
    pub value: String,
}

impl Secret {
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }

    /// Returns the value as text, percent-encoded, in hexadecimal digits, in JSON and in base64 at each
    /// offset in a longer text.
    fn forms(&self) -> Vec<String> {
        let bytes = self.value.as_bytes();
        let mut forms = vec![self.value.clone(), self.value.replace('/', "\\/")];
        forms.extend([percent(bytes, true), percent(bytes, false)]);
        forms.push(bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }));
        for offset in 0..3 {
            let padded = [&b"___"[..offset], bytes].concat();
            // Omit the first and last characters, which depend on the neighbours.
            let bits = |text: String| {
                let first = (offset * 8).div_ceil(6);
                let last = padded.len() * 8 / 6;
                text[first..last].to_owned()
            };
            forms.push(bits(STANDARD_NO_PAD.encode(&padded)));
            forms.push(bits(URL_SAFE_NO_PAD.encode(&padded)));
        }
        forms
    }
}

fn percent(bytes: &[u8], upper: bool) -> String {
    let encode = |mut text: String, &byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else if upper {
            let _ = write!(text, "%{byte:02X}");
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
        text
    };
    bytes.iter().fold(String::new(), encode)
}

/// Returns a line for each of `texts` (a name and its contents) that contains a secret in any form.
pub fn search(secrets: &[Secret], texts: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        assert!(secret.value.len() >= 8, "the {} is too short to search for", secret.name);
        let forms = secret.forms();
        for (place, contents) in texts {
            let contains = |form: &String| {
                contents.windows(form.len()).any(|window| window == form.as_bytes())
            };
            if forms.iter().any(contains) {
                found.push(format!("{place} contains the {}", secret.name));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
