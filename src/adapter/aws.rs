//! The SDK configuration of every AWS client: HTTP client, trusted CA certificates and credentials.

mod cached_credentials;
pub mod call;
pub(crate) mod credentials_problem;
pub mod error_response;
mod record_requests;
mod response_limit;
pub(crate) mod role_credentials;
mod role_response;

use crate::adapter::Context;
use crate::adapter::https_proxy::Proxy;
use crate::adapter::imds::ENDPOINT_HELP;
use crate::adapter::proxy_failure::NameProxy;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, SdkConfig, imds};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cached_credentials::CachedCredentials;
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use record_requests::RecordRequests;
use response_limit::LimitResponses;
use role_credentials::ChainCredentials;
use role_response::CheckRoleResponses;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The CA bundles of Bottlerocket (inside a bootstrap container), Amazon Linux and Fedora, Debian and
/// Ubuntu, SUSE, and Alpine. The first one that exists is used.
const CA_BUNDLES: [&str; 5] = [
    "/.bottlerocket/rootfs/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A failure to configure an AWS client.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The HTTP client rejected the proxy.
    #[error("invalid HTTPS proxy")]
    Proxy(#[from] ProxyError),
    /// The SDK rejected the instance metadata endpoint, which serves the credentials of the instance.
    #[error("invalid instance metadata endpoint {endpoint:?}")]
    Endpoint {
        /// The configured URL.
        endpoint: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Advice for AwsError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Proxy(_) => {
                "correct HTTPS_PROXY, such as `HTTPS_PROXY=http://proxy.example.com:3128`"
            }
            Self::Endpoint { .. } => ENDPOINT_HELP,
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Settings
    }
}

/// The SDK configuration of each region that a command uses. Clones share them, so that all AWS clients of a command
/// use the same credentials and connections.
#[derive(Clone, Default)]
pub struct SdkConfigs(Arc<tokio::sync::Mutex<Vec<(Region, SdkConfig)>>>);

/// Omits the configurations, which contain the provider of the credentials.
impl fmt::Debug for SdkConfigs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SdkConfigs").finish_non_exhaustive()
    }
}

/// Returns the SDK configuration for the region of `context`, or else for `instance_region`.
///
/// AWS clients resolve names with the resolver of `context` and trust the CA certificates of the host, or
/// else the embedded ones. Credentials come from the default chain: environment, profile, web identity, instance
/// profile.
pub async fn sdk_config(
    context: &Context,
    instance_region: &Region,
) -> Result<SdkConfig, AwsError> {
    let region = context.region(instance_region);
    let mut configs = context.sdk_configs.0.lock().await;
    if let Some((_, config)) = configs.iter().find(|(known, _)| known == region) {
        return Ok(config.clone());
    }
    let config = new_sdk_config(context, region).await?;
    configs.push((region.clone(), config.clone()));
    Ok(config)
}

async fn new_sdk_config(context: &Context, region: &Region) -> Result<SdkConfig, AwsError> {
    let http = http_client(context, context.proxy.as_ref(), host_trust, false)?;
    // Instance metadata is read over HTTP. The certificates of the host are only parsed for HTTPS.
    let metadata_http = http_client(context, None, TrustStore::empty, true)?;
    let region = aws_config::Region::new(region.to_string());
    let provider = ProviderConfig::without_region().with_region(Some(region.clone()));
    let imds = imds::Client::builder()
        .configure(&provider.clone().with_http_client(metadata_http))
        .endpoint(&context.imds_endpoint)
        .map_err(|source| AwsError::Endpoint { endpoint: context.imds_endpoint.clone(), source })?
        .build();
    let credentials = DefaultCredentialsChain::builder()
        .configure(provider.with_http_client(http.clone()))
        .region(region.clone())
        .imds_client(imds);
    let chain = Box::pin(credentials.build()).await; // boxed: the futures are large
    let credentials = ChainCredentials { chain, is_instance: context.is_instance };
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(http)
        .credentials_provider(CachedCredentials::new(credentials));
    Ok(Box::pin(config.load()).await)
}

/// Returns the endpoint URL of a service, or else the one for all services (`AWS_ENDPOINT_URL`). `None`
/// selects the default of the region.
#[must_use]
pub fn endpoint_url(of_service: Option<&str>, config: &SdkConfig) -> Option<String> {
    let url = of_service.or_else(|| config.endpoint_url().filter(|url| !url.is_empty()));
    url.map(str::to_owned)
}

/// Returns `config` with the credentials of `role`, from `sts:AssumeRole` at the first use.
pub(crate) async fn as_role(config: &SdkConfig, role: &str) -> SdkConfig {
    let provider = AssumeRoleProvider::builder(role)
        .session_name("eni-bootstrap")
        .configure(config)
        .build()
        .await;
    config.to_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

/// Returns an HTTP client that trusts the certificates of `trust`, which is called at the first request.
fn http_client(
    context: &Context,
    proxy: Option<&Proxy>,
    trust: impl Fn() -> TrustStore + Send + Sync + 'static,
    is_metadata: bool,
) -> Result<SharedHttpClient, AwsError> {
    let mut builder = Connector::builder();
    builder.set_proxy_config(proxy.map(Proxy::for_aws).transpose()?);
    let builder = builder.tls_provider(tls::Provider::Rustls(CryptoMode::Ring));
    let (resolver, recorder) = (context.resolver.clone(), context.recorder.clone());
    let proxy = proxy.cloned();
    // The SDK requests a connector for every call. A cached connector reuses its connections.
    let connectors: Mutex<Vec<(Timeouts, SharedHttpConnector)>> = Mutex::default();
    Ok(http_client_fn(move |settings, _| {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = connectors.iter().find(|(known, _)| *known == timeouts) {
            return connector.clone();
        }
        let trust =
            TlsContext::builder().with_trust_store(trust().with_native_roots(false)).build();
        let mut builder = builder.clone().connector_settings(settings.clone());
        match trust {
            Ok(context) => builder.set_tls_context(context),
            Err(error) => return SharedHttpConnector::new(Rejecting(error.to_string())),
        };
        let connector = builder.build_with_resolver(resolver.clone());
        let connector = limited(NameProxy { connector, proxy: proxy.clone() });
        let recorder = recorder.clone();
        let connector =
            SharedHttpConnector::new(RecordRequests { connector, recorder, is_metadata });
        connectors.push((timeouts, connector.clone()));
        connector
    }))
}

/// Returns the certificates that the host trusts.
fn host_trust() -> TrustStore {
    TrustStore::empty().with_pem_certificate(trusted_certificates())
}

/// Rejects every request, because the client cannot be configured.
#[derive(Debug)]
struct Rejecting(String);

impl HttpConnector for Rejecting {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user(self.0.clone().into())))
    }
}

/// Returns `connector` with a size limit for responses and a check of those about the IAM role.
pub(super) fn limited(connector: impl HttpConnector) -> impl HttpConnector {
    CheckRoleResponses(LimitResponses(connector))
}

/// The connect timeout and the read timeout.
type Timeouts = (Option<Duration>, Option<Duration>);

/// Returns the CA bundle of the host, which may contain the CA of a company proxy, or else the embedded
/// Mozilla root certificates, as PEM.
pub(super) fn trusted_certificates() -> Vec<u8> {
    let mut bundles = CA_BUNDLES.iter().filter_map(|path| std::fs::read(path).ok());
    let bundle = bundles.find_map(|pem| Some(usable(&pem)).filter(|pem| !pem.is_empty()));
    bundle.unwrap_or_else(embedded_roots).into_bytes()
}

/// Returns the certificates in `pem` that rustls accepts, as PEM. The HTTP client of the SDK panics at others.
fn usable(pem: &[u8]) -> String {
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    let is_usable = |it: &CertificateDer<'_>| RootCertStore::empty().add(it.clone()).is_ok();
    certificates.filter(is_usable).map(|certificate| as_pem(&certificate)).collect()
}

fn embedded_roots() -> String {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|certificate| as_pem(certificate)).collect()
}

fn as_pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_rustls_does_not_accept_are_omitted() {
        let first = as_pem(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]);
        let last = as_pem(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[1]);
        let bundle = format!("# a comment\n{first}{}{last}", as_pem(b"not a certificate"));
        assert_eq!(usable(bundle.as_bytes()), first + &last);
        assert_eq!(usable(b"-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n"), "");
        assert_eq!(usable(embedded_roots().as_bytes()), embedded_roots());
    }
}
