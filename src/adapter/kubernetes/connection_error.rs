//! The causes of a failed connection to the API server, and their help.

use crate::adapter::proxy_failure::ProxyFailure;
use crate::adapter::rejected_certificate::{RejectedCertificate, VALIDITY_HELP, inner};
use std::error::Error as StdError;

/// The help for an API server that does not respond.
pub(super) const UNREACHABLE_HELP: &str = "check the cluster endpoint, DNS, and that the cluster's security group allows port 443 from this node";

/// The help for a proxy that does not connect to the API server.
const PROXY_HELP: &str = "check the proxy in HTTPS_PROXY, its user name and password, and that it allows the cluster endpoint; to connect directly, add the endpoint to NO_PROXY";
/// The help for a certificate that the client rejects.
const CERTIFICATE_HELP: &str = "compare the certificate authority of the cluster on this node with `aws eks describe-cluster --name NAME --query cluster.certificateAuthority.data`; also check the instance's clock, and whether a proxy replaces the certificate";

/// Returns the help for a failed connection.
pub(super) fn unreachable_help(error: &(dyn StdError + 'static)) -> &'static str {
    let mut causes = std::iter::successors(Some(error), |error| inner(*error));
    if causes.any(<dyn StdError>::is::<ProxyFailure>) {
        return PROXY_HELP;
    }
    match RejectedCertificate::of(error) {
        Some(RejectedCertificate::Validity) => VALIDITY_HELP,
        Some(RejectedCertificate::Untrusted) => CERTIFICATE_HELP,
        None => UNREACHABLE_HELP,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;
    use std::io;
    use tower::BoxError;

    #[test]
    fn the_help_names_the_cause_of_a_failed_connection() {
        let help = |error: BoxError| unreachable_help(error.as_ref());
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(help(refused().into()), UNREACHABLE_HELP);
        let uri = http::Uri::from_static("http://me:pass@proxy:3128");
        let failed = ProxyFailure::at(&uri)(refused());
        assert_eq!(help(io::Error::other(failed).into()), PROXY_HELP);
        let certificate =
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert_eq!(help(io::Error::other(certificate).into()), CERTIFICATE_HELP);
        let expired = rustls::Error::InvalidCertificate(CertificateError::NotValidYet);
        assert_eq!(help(io::Error::other(expired).into()), VALIDITY_HELP);
    }
}
