//! The URL of an HTTP proxy. It can contain a password, so it is printed without user and password.

use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::str::FromStr;

/// The URL of a proxy, such as `http://proxy.example.com:3128`. Requests use its CONNECT method. With
/// `https://`, the connection to the proxy uses TLS.
#[derive(Clone)]
pub struct ProxyUrl(SecretString);

/// Text that is not a valid proxy URL, without the part before an `@`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid proxy URL (such as http://proxy.example.com:3128)")]
pub struct InvalidProxy(String);

impl ProxyUrl {
    /// Returns the URL with its user and password.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for ProxyUrl {
    fn eq(&self, other: &Self) -> bool {
        self.secret() == other.secret()
    }
}

impl Eq for ProxyUrl {}

/// Returns the host, port and path of a proxy URL.
fn without_credentials(text: &str) -> &str {
    let (_, address) = scheme(text);
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}

/// Splits a proxy URL into its scheme and the rest. Without a scheme, it is `http://`.
fn scheme(text: &str) -> (&str, &str) {
    for scheme in ["http://", "https://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return (scheme, rest);
        }
    }
    ("http://", text)
}

/// `http://` is the default scheme, as in Bottlerocket and curl.
impl FromStr for ProxyUrl {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        let text = text.trim();
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        match url.parse::<http::Uri>() {
            Ok(uri)
                if matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.host().is_some_and(|it| !it.is_empty()) =>
            {
                Ok(Self(url.into()))
            }
            _ => Err(InvalidProxy(without_credentials(text).to_owned())),
        }
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", scheme(self.secret()).0, without_credentials(self.secret()))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ProxyUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_prints_without_its_password() {
        let read = |text: &str| {
            let url = text.parse::<ProxyUrl>().map_err(|error| error.to_string())?;
            Ok::<_, String>((url.to_string(), format!("{url:?}"), url.secret().to_owned()))
        };
        for (text, printed, whole) in [
            ("http://proxy:3128", "http://proxy:3128", "http://proxy:3128"),
            ("10.0.0.1:3128 ", "http://10.0.0.1:3128", "http://10.0.0.1:3128"),
            ("https://me:pass@proxy", "https://proxy", "https://me:pass@proxy"),
            (
                "http://me:pass@[fd00::1]:3128/",
                "http://[fd00::1]:3128/",
                "http://me:pass@[fd00::1]:3128/",
            ),
        ] {
            let expected = (printed.to_owned(), format!("ProxyUrl({printed})"), whole.to_owned());
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        let invalid = |printed: &str| {
            Err(format!(
                "{printed:?} is not a valid proxy URL (such as http://proxy.example.com:3128)"
            ))
        };
        assert_eq!(read("https://me:pass@"), invalid(""));
        assert_eq!(read("socks5://proxy:1080"), invalid("socks5://proxy:1080"));
        assert_eq!(read("a b"), invalid("a b"));
        assert_eq!(read("http://:80"), invalid(":80"));
    }
}
