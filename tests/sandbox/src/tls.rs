//! A certificate authority and a server certificate, generated at every start.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
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
        let (certificate, key, authority) = signed(names);
        Self { certificate: certificate.pem(), key: key.serialize_pem(), authority }
    }
}

/// Generates a certificate for loopback and `names`. Returns the TLS configuration and the PEM of the
/// authority.
pub(crate) fn server_config(names: &[&str]) -> (Arc<ServerConfig>, String) {
    let (certificate, key, authority) = signed(names);
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
fn signed(names: &[&str]) -> (Certificate, KeyPair, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    authority.distinguished_name.push(DnType::CommonName, "kubernetes");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("an authority");
    let mut subject: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    subject.extend(names.iter().map(|&name| name.to_owned()));
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(subject)
        .expect("valid names")
        .signed_by(&key, &authority)
        .expect("a certificate");
    (certificate, key, authority.pem())
}
