//! A certificate that a TLS client rejected.

use rustls::CertificateError;
use std::error::Error;
use std::io;

/// The help for a certificate outside of its validity period.
pub(crate) const VALIDITY_HELP: &str = "compare the instance's clock with the dates in the message: run `chronyc tracking`, and set the clock with `chronyc makestep`; if the clock is correct, check whether a proxy replaces the certificate";
/// The help for another invalid certificate of an AWS API.
const AWS_HELP: &str = "check which server responds at the endpoint of the API; if a proxy replaces the certificate, add the CA certificate of the proxy to the CA bundle of this node";

/// Why a client rejected the certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RejectedCertificate {
    /// It has expired, or is not valid yet.
    Validity,
    /// It is for another name, or its authority is not trusted.
    Untrusted,
}

impl RejectedCertificate {
    /// Returns the reason if a rejected certificate caused `error`.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut causes = std::iter::successors(Some(error), |error| inner(*error));
        causes.find_map(|cause| match cause.downcast_ref()? {
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
                | CertificateError::Expired
                | CertificateError::ExpiredContext { .. },
            ) => Some(Self::Validity),
            rustls::Error::InvalidCertificate(_) => Some(Self::Untrusted),
            _ => None,
        })
    }

    /// Returns the help for an AWS API.
    pub(crate) fn help_of_aws(self) -> &'static str {
        match self {
            Self::Validity => VALIDITY_HELP,
            Self::Untrusted => AWS_HELP,
        }
    }
}

/// Returns the source of an error. `source` of an `io::Error` omits the error that it wraps.
pub(crate) fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_error_is_found_inside_of_other_errors() {
        let rejected = |reason| {
            let error = io::Error::other(rustls::Error::InvalidCertificate(reason));
            RejectedCertificate::of(&io::Error::other(error))
        };
        let untrusted = Some(RejectedCertificate::Untrusted);
        assert_eq!(rejected(CertificateError::UnknownIssuer), untrusted);
        assert_eq!(rejected(CertificateError::NotValidForName), untrusted);
        let validity = Some(RejectedCertificate::Validity);
        assert_eq!(rejected(CertificateError::Expired), validity);
        assert_eq!(rejected(CertificateError::NotValidYet), validity);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(RejectedCertificate::of(&refused), None);
    }
}
