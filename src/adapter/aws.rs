//! The SDK configuration of every AWS client: HTTP client, trusted CA certificates and credentials.

pub(crate) mod call;
pub(crate) mod credentials_problem;
pub(crate) mod error_response;
mod response_limit;
pub(crate) mod role_credentials;
mod role_response;

use crate::adapter::Context;
use crate::adapter::dns::DnsResolver;
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
    HttpConnector, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use response_limit::LimitResponses;
use role_credentials::ChainCredentials;
use role_response::CheckRoleResponses;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
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
    /// The CA bundle of the host is invalid.
    #[error("failed to load the trusted CA certificates")]
    Trust(#[source] Box<dyn std::error::Error + Send + Sync>),
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
            Self::Trust(_) => "reinstall the CA certificates of the host (package ca-certificates)",
            Self::Proxy(_) => {
                "correct HTTPS_PROXY, such as `HTTPS_PROXY=http://proxy.example.com:3128`"
            }
            Self::Endpoint { .. } => ENDPOINT_HELP,
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Endpoint { .. } | Self::Proxy(_) => ExitCode::Settings,
            Self::Trust(_) => ExitCode::InvalidData,
        }
    }
}

/// Returns the SDK configuration for `region`.
///
/// AWS clients resolve names with the resolver of `context` and trust the CA certificates of the host, or
/// else the embedded ones. Credentials come from the default chain: environment, profile, web identity, instance
/// profile.
pub(crate) async fn sdk_config(context: &Context, region: &Region) -> Result<SdkConfig, AwsError> {
    let http = http_client(&context.resolver, context.proxy.as_ref())?;
    let region = aws_config::Region::new(context.region(region).to_string());
    let provider = ProviderConfig::without_region()
        .with_region(Some(region.clone()))
        .with_http_client(http.clone());
    let imds = imds::Client::builder()
        .configure(&provider)
        .endpoint(&context.imds_endpoint)
        .map_err(|source| AwsError::Endpoint { endpoint: context.imds_endpoint.clone(), source })?
        .build();
    let credentials = DefaultCredentialsChain::builder()
        .configure(provider)
        .region(region.clone())
        .imds_client(imds);
    let chain = Box::pin(credentials.build()).await; // boxed: the futures are large
    let credentials = ChainCredentials { chain, is_instance: context.is_instance };
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(http)
        .credentials_provider(credentials);
    Ok(Box::pin(config.load()).await)
}

/// Returns the endpoint URL of a service, or else the one for all services (`AWS_ENDPOINT_URL`). `None`
/// selects the default of the region.
pub(crate) fn endpoint_url(of_service: Option<&str>, config: &SdkConfig) -> Option<String> {
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

fn http_client(
    resolver: &DnsResolver,
    proxy: Option<&Proxy>,
) -> Result<SharedHttpClient, AwsError> {
    let trust =
        TrustStore::empty().with_native_roots(false).with_pem_certificate(trusted_certificates());
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| AwsError::Trust(error.into()))?;
    let mut builder = Connector::builder();
    builder.set_proxy_config(proxy.map(Proxy::for_aws).transpose()?);
    let builder =
        builder.tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).tls_context(context);
    let (resolver, proxy) = (resolver.clone(), proxy.cloned());
    // The SDK requests a connector for every call. A cached connector reuses its connections.
    let connectors: Mutex<Vec<(Timeouts, SharedHttpConnector)>> = Mutex::default();
    Ok(http_client_fn(move |settings, _| {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = connectors.iter().find(|(known, _)| *known == timeouts) {
            return connector.clone();
        }
        let connector = builder.clone().connector_settings(settings.clone());
        let connector = connector.build_with_resolver(resolver.clone());
        let connector = limited(NameProxy { connector, proxy: proxy.clone() });
        let connector = SharedHttpConnector::new(connector);
        connectors.push((timeouts, connector.clone()));
        connector
    }))
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
    bundles.find(|pem| !pem.is_empty()).unwrap_or_else(|| embedded_roots().into_bytes())
}

fn embedded_roots() -> String {
    let pem = |certificate: &[u8]| {
        let text = STANDARD.encode(certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|certificate| pem(certificate)).collect()
}
