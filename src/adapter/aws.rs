//! What every call to AWS shares: the HTTP client, its trust, and who we are.

pub mod call;

use crate::adapter::Context;
use crate::adapter::dns::DnsResolver;
use crate::adapter::https_proxy::Proxy;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, SdkConfig, imds};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_core::domain::zone::Region;
use eni_core::error::{Advice, ExitCode};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where distributions keep the certificate authorities that the host trusts: Bottlerocket as its
/// bootstrap containers see it, Amazon Linux and Fedora, Debian and Ubuntu, SUSE, Alpine.
const HOST_BUNDLES: [&str; 5] = [
    "/.bottlerocket/rootfs/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// AWS cannot be talked to from here.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The trusted certificate authorities cannot be used.
    #[error("the trusted certificate authorities cannot be used")]
    Trust(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The proxy cannot be used.
    #[error("the proxy cannot be used")]
    Proxy(#[from] ProxyError),
    /// The metadata endpoint cannot serve the credentials chain.
    #[error("{endpoint:?} cannot be asked for credentials")]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What the SDK said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Advice for AwsError {
    fn help(&self) -> Cow<'static, str> {
        "check the host's CA bundle and AWS_EC2_METADATA_SERVICE_ENDPOINT".into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Endpoint { .. } | Self::Proxy(_) => ExitCode::Settings,
            Self::Trust(_) => ExitCode::InvalidData,
        }
    }
}

/// The SDK's settings: our resolver, ring, the host's trust or the compiled-in one, and the chain of
/// credentials (environment, profile, web identity, instance role) over our metadata endpoint.
pub async fn sdk_config(context: &Context, region: &Region) -> Result<SdkConfig, AwsError> {
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
    let credentials = Box::pin(credentials.build()).await; // on the heap: both are large
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(http)
        .credentials_provider(credentials);
    Ok(Box::pin(config.load()).await)
}

/// The same, as another role: STS is asked for its credentials when they are needed.
pub async fn as_role(config: &SdkConfig, role: &str) -> SdkConfig {
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
    let trust = TrustStore::empty().with_native_roots(false).with_pem_certificate(trusted());
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| AwsError::Trust(error.into()))?;
    let mut builder = Connector::builder();
    builder.set_proxy_config(proxy.map(Proxy::for_aws).transpose()?);
    let builder =
        builder.tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).tls_context(context);
    let resolver = resolver.clone();
    // The SDK asks at every request: kept, so that connections are.
    let made: Mutex<Vec<(Timeouts, SharedHttpConnector)>> = Mutex::default();
    Ok(http_client_fn(move |settings, _| {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = made.iter().find(|(known, _)| *known == timeouts) {
            return connector.clone();
        }
        let connector = builder.clone().connector_settings(settings.clone());
        let connector = SharedHttpConnector::new(connector.build_with_resolver(resolver.clone()));
        made.push((timeouts, connector.clone()));
        connector
    }))
}

/// To connect, and to read.
type Timeouts = (Option<Duration>, Option<Duration>);

/// The host's bundle, which knows the certificate of a proxy that a company may have; else the
/// roots that Mozilla trusts, compiled in.
fn trusted() -> Vec<u8> {
    let mut there = HOST_BUNDLES.iter().filter_map(|path| std::fs::read(path).ok());
    there.find(|pem| !pem.is_empty()).unwrap_or_else(|| compiled_in().into_bytes())
}

fn compiled_in() -> String {
    let pem = |certificate: &[u8]| {
        let text = STANDARD.encode(certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|certificate| pem(certificate)).collect()
}
