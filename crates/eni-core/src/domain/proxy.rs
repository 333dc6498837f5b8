//! The address of a proxy, which may hold a password: it is never printed whole.

use std::fmt;
use std::str::FromStr;

/// An `http://` proxy, such as `http://proxy.example.com:3128`; requests are tunnelled through it by
/// CONNECT.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(String);

/// Text that is no proxy's address. What stands before an `@` is left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an http:// address of a proxy (such as http://proxy.example.com:3128)")]
pub struct InvalidProxy(String);

impl ProxyUrl {
    /// With its user and password.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

/// Without user and password.
fn shown(text: &str) -> &str {
    let address = text.strip_prefix("http://").unwrap_or(text);
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}

/// An address without a scheme is taken for `http://`, as Bottlerocket and curl do.
impl FromStr for ProxyUrl {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        match whole.parse::<http::Uri>() {
            Ok(uri)
                if uri.scheme_str() == Some("http")
                    && uri.host().is_some_and(|it| !it.is_empty()) =>
            {
                Ok(Self(whole))
            }
            _ => Err(InvalidProxy(shown(text).to_owned())),
        }
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}", shown(&self.0))
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
    fn an_address_is_shown_without_its_password() {
        let read = |text: &str| {
            let url = text.parse::<ProxyUrl>().map_err(|error| error.to_string())?;
            Ok::<_, String>((url.to_string(), format!("{url:?}"), url.secret().to_owned()))
        };
        for (text, shown, whole) in [
            ("http://proxy:3128", "http://proxy:3128", "http://proxy:3128"),
            ("10.0.0.1:3128 ", "http://10.0.0.1:3128", "http://10.0.0.1:3128"),
            (
                "http://me:pass@[fd00::1]:3128/",
                "http://[fd00::1]:3128/",
                "http://me:pass@[fd00::1]:3128/",
            ),
        ] {
            let expected = (shown.to_owned(), format!("ProxyUrl({shown})"), whole.to_owned());
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        let refused = |shown| {
            Err(format!(
                "{shown:?} is not an http:// address of a proxy (such as http://proxy.example.com:3128)"
            ))
        };
        assert_eq!(read("https://me:pass@proxy"), refused("proxy"));
        assert_eq!(read("socks5://proxy:1080"), refused("socks5://proxy:1080"));
        assert_eq!(read("a b"), refused("a b"));
        assert_eq!(read("http://:80"), refused(":80"));
    }
}
