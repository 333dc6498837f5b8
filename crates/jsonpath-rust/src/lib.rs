//! Rejects every `JSONPath` expression. This crate replaces the published crate `jsonpath-rust`, whose parser and
//! regular expressions are larger than the rest of the kubeconfig code.
//!
//! kube-client evaluates a `JSONPath` expression only to read the output of an `auth-provider` command in a kubeconfig.
//! eni-bootstrap rejects a kubeconfig with such a command before it creates a client.

use std::error::Error;
use std::fmt;

/// The error for every expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported;

impl fmt::Display for Unsupported {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSONPath expressions are not supported")
    }
}

impl Error for Unsupported {}

/// The trait of the published crate, with the method that kube-client calls.
pub trait JsonPath {
    /// Returns [`Unsupported`].
    ///
    /// # Errors
    ///
    /// Always.
    fn query(&self, _path: &str) -> Result<Vec<&Self>, Unsupported> {
        Err(Unsupported)
    }
}

impl<T: ?Sized> JsonPath for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expression_is_rejected() {
        assert_eq!("value".query("$.token"), Err(Unsupported));
        assert_eq!(Unsupported.to_string(), "JSONPath expressions are not supported");
    }
}
