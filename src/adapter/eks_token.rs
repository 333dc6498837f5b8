//! The bearer token with which a node authenticates to EKS: a presigned STS `GetCallerIdentity`
//! request. It is signed here, so neither the AWS CLI nor Python is needed.
//!
//! Source: `awscli/customizations/eks/get_token.py`, aws/aws-cli.

use crate::adapter::aws::AwsError;
use crate::adapter::aws::call::CREDENTIALS;
use crate::adapter::aws::credentials_problem::CredentialsProblem;
use crate::adapter::aws::role_credentials;
use crate::adapter::{SharedError, Transient};
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use secrecy::{ExposeSecret as _, SecretString};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The time for which the signed request is valid, in seconds.
const SIGNATURE_SECONDS: u64 = 60;
/// The lifetime of a token: the 15 minutes for which EKS accepts it, minus one minute.
const TOKEN_LIFETIME: Duration = Duration::from_mins(14);
/// The header that binds a token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// The order of the query parameters in the AWS CLI, whose tokens are identical.
const ORDER: [&str; 9] = [
    "Action",
    "Version",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// A failure to create a token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// No AWS credentials: the instance has no role, or its credentials are not available yet.
    #[error("failed to load AWS credentials")]
    Credentials(#[source] Arc<CredentialsError>),
    /// The services that have the credentials did not respond in time.
    #[error("no AWS credentials within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The region has no STS endpoint of the requested kind (FIPS, dual-stack).
    #[error("failed to resolve the STS endpoint in {region}")]
    Endpoint { region: Region, source: SharedError },
    /// The request cannot be signed.
    #[error("failed to sign the request")]
    Signing(#[source] SharedError),
    /// The AWS SDK cannot be configured.
    #[error(transparent)]
    Aws(Arc<AwsError>),
}

impl TokenError {
    fn signing(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Signing(Arc::new(error))
    }
}

impl From<AwsError> for TokenError {
    fn from(error: AwsError) -> Self {
        Self::Aws(Arc::new(error))
    }
}

impl Advice for TokenError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Credentials(error) => CredentialsProblem::of(error).help(CREDENTIALS),
            Self::Timeout(_) => {
                "check the network path to the services that provide the credentials: 169.254.169.254, and AWS STS for a web identity or an assumed role"
            }
            Self::Endpoint { .. } => {
                "check the region, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT: some regions have no FIPS or dual-stack endpoint"
            }
            Self::Signing(_) => "check the cluster's name and the AWS credentials",
            Self::Aws(error) => return error.help(),
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Credentials(error) => CredentialsProblem::of(error).exit_code(),
            Self::Timeout(_) => ExitCode::Unavailable,
            Self::Endpoint { .. } | Self::Signing(_) | Self::Aws(_) => ExitCode::PermissionDenied,
        }
    }
}

impl Transient for TokenError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Credentials(error) => role_credentials::is_transient(error),
            Self::Timeout(_) => true,
            Self::Endpoint { .. } | Self::Signing(_) | Self::Aws(_) => false,
        }
    }
}

/// A token and its expiry.
#[derive(Clone)]
pub struct Token {
    text: SecretString,
    expires: SystemTime,
}

impl Token {
    /// Returns the token for the `Authorization` header.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.text.expose_secret()
    }

    /// Returns the time until which the token may be used.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.expires
    }

    /// Returns whether the token may be used at `now`.
    #[must_use]
    pub(crate) fn is_valid(&self, now: SystemTime) -> bool {
        now < self.expires
    }
}

/// Omits the token.
impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Creates tokens for one cluster.
#[derive(Clone)]
pub struct TokenSource {
    credentials: SharedCredentialsProvider,
    region: Region,
    sts: String,
    cluster: String,
}

/// Omits the credentials provider.
impl fmt::Debug for TokenSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, sts, cluster, .. } = self;
        let mut source = formatter.debug_struct("TokenSource");
        source.field("region", region).field("sts", sts).field("cluster", cluster);
        source.finish_non_exhaustive()
    }
}

impl TokenSource {
    /// Returns a source of tokens with the credentials of `config`. The STS endpoint follows from
    /// `region` and from the FIPS and dual-stack settings of `config`. `cluster` is the cluster's
    /// name, or the ID of a local cluster on an Outpost.
    pub(crate) async fn new(
        config: &SdkConfig,
        region: Region,
        cluster: String,
    ) -> Result<Self, TokenError> {
        let credentials = config.credentials_provider().ok_or_else(|| {
            let error = CredentialsError::not_loaded("no credentials provider is configured");
            TokenError::Credentials(Arc::new(error))
        })?;
        let sts = sts_endpoint(
            &region,
            config.use_fips().unwrap_or(false),
            config.use_dual_stack().unwrap_or(false),
        )
        .await?;
        Ok(Self { credentials, region, sts, cluster })
    }

    /// Returns a token that is signed at `now`.
    pub(crate) async fn token(&self, now: SystemTime) -> Result<Token, TokenError> {
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| TokenError::Credentials(Arc::new(error)))?;
        sign_token(credentials, &self.region, &self.sts, &self.cluster, now)
    }
}

/// Returns the STS endpoint of a region in any partition, by the rules of the AWS SDK.
pub async fn sts_endpoint(
    region: &Region,
    fips: bool,
    dual_stack: bool,
) -> Result<String, TokenError> {
    let failed = |source| TokenError::Endpoint { region: region.clone(), source };
    let parameters = Params::builder()
        .region(region.as_str())
        .use_fips(fips)
        .use_dual_stack(dual_stack)
        .build()
        .map_err(|error| failed(Arc::new(error)))?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&parameters).await;
    endpoint.map(|endpoint| endpoint.url().to_owned()).map_err(|error| failed(error.into()))
}

/// Returns a token: `k8s-aws-v1.` and the base64-encoded presigned URL of the STS endpoint `sts`.
pub fn sign_token(
    credentials: Credentials,
    region: &Region,
    sts: &str,
    cluster: &str,
    now: SystemTime,
) -> Result<Token, TokenError> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(SIGNATURE_SECONDS));
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_str())
        .name("sts")
        .time(now)
        .settings(settings)
        .build()
        .map_err(TokenError::signing)?
        .into();
    let url = format!("{sts}/?Action=GetCallerIdentity&Version=2011-06-15");
    let headers = [(CLUSTER_HEADER, cluster)].into_iter();
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))
        .map_err(TokenError::signing)?;
    let (instructions, _) = sign(request, &params).map_err(TokenError::signing)?.into_parts();
    let mut request = http::Request::get(url).body(()).map_err(TokenError::signing)?;
    instructions.apply_to_request_http1x(&mut request);
    let mut query: Vec<&str> = request.uri().query().unwrap_or_default().split('&').collect();
    query.sort_by_key(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        ORDER.iter().position(|known| *known == name)
    });
    let url = format!("{sts}/?{}", query.join("&"));
    let text = format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url));
    Ok(Token { text: text.into(), expires: now + TOKEN_LIFETIME })
}
