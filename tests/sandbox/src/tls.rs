//! A certificate authority and a server certificate, generated at every start.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use std::sync::Arc;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The certificate and the key of a TLS server, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The server certificate.
    pub certificate: String,
    /// The private key of the certificate.
    pub key: String,
    /// The certificate of the authority that signed it.
    pub authority: String,
}

impl Identity {
    /// Generates a certificate for loopback and `names`.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        let (certificate, key, authority) = signed(names, Certificate::Valid);
        Self { certificate: certificate.pem(), key: key.serialize_pem(), authority }
    }
}

/// The certificate of a server, which a client may have to reject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// Valid.
    #[default]
    Valid,
    /// Signed by an authority that the client does not trust.
    OtherAuthority,
    /// Its last day was in the year 2000.
    Expired,
    /// Its first day is in the year 2100.
    NotYetValid,
    /// For the name `other.example` only.
    OtherName,
}

/// Generates a certificate for loopback and `names`. Returns the TLS configuration and the PEM of the
/// authority.
pub(crate) fn server_config(names: &[&str], kind: Certificate) -> (Arc<ServerConfig>, String) {
    let (certificate, key, mut authority) = signed(names, kind);
    if kind == Certificate::OtherAuthority {
        authority = signed(names, Certificate::Valid).2;
    }
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("supported protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a key that matches the certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (Arc::new(config), authority)
}

/// Generates a certificate. Returns it with its key and the PEM of the authority.
fn signed(names: &[&str], kind: Certificate) -> (rcgen::Certificate, KeyPair, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let name = if kind == Certificate::OtherAuthority { "other" } else { "kubernetes" };
    authority.distinguished_name.push(DnType::CommonName, name);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("an authority");
    let mut subject: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    subject.extend(names.iter().map(|&name| name.to_owned()));
    let key = KeyPair::generate().expect("a key");
    if kind == Certificate::OtherName {
        subject = vec!["other.example".to_owned()];
    }
    let mut certificate = CertificateParams::new(subject).expect("valid names");
    if kind == Certificate::Expired {
        certificate.not_after = rcgen::date_time_ymd(2000, 1, 1);
    }
    if kind == Certificate::NotYetValid {
        certificate.not_before = rcgen::date_time_ymd(2100, 1, 1);
    }
    let certificate = certificate.signed_by(&key, &authority).expect("a certificate");
    (certificate, key, authority.pem())
}
