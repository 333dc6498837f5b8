//! The bearer token by which a node shows EKS who it is: a presigned STS `GetCallerIdentity`,
//! signed here, so that neither the AWS CLI nor Python is needed.
//!
//! Source: `awscli/customizations/eks/get_token.py`, aws/aws-cli.

use crate::adapter::aws::AwsError;
use crate::adapter::chain;
use crate::domain::zone::Region;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::time::{Duration, SystemTime};

/// How long STS takes the signed request for good.
const SIGNATURE_SECONDS: u64 = 60;
/// How long EKS takes a token for good, with a minute to spare.
const TOKEN_LIFE: Duration = Duration::from_mins(14);
/// The header that binds a token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// No token could be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There are no AWS credentials: no instance role, or none yet.
    #[error("there are no AWS credentials to sign a token with: {0}")]
    Credentials(String),
    /// The request could not be signed.
    #[error("the token could not be signed: {0}")]
    Signing(String),
    /// AWS cannot be talked to from here.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// A token, and until when it is good.
#[derive(Clone)]
pub struct Token {
    text: String,
    expires: SystemTime,
}

impl Token {
    /// For the `Authorization` header.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.text
    }

    /// Whether it may still be used at `now`.
    #[must_use]
    pub fn is_good(&self, now: SystemTime) -> bool {
        now < self.expires
    }
}

/// By hand, so that the token is never printed.
impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Makes tokens for one cluster.
#[derive(Clone, Debug)]
pub struct TokenSource {
    credentials: SharedCredentialsProvider,
    region: Region,
    cluster: String,
}

impl TokenSource {
    /// With the credentials that `config` finds.
    pub fn new(config: &SdkConfig, region: Region, cluster: String) -> Result<Self, TokenError> {
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| TokenError::Credentials("no provider is configured".to_owned()))?;
        Ok(Self { credentials, region, cluster })
    }

    /// A token made at `now`.
    pub async fn token(&self, now: SystemTime) -> Result<Token, TokenError> {
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| TokenError::Credentials(chain(&error)))?;
        sign_token(credentials, &self.region, &self.cluster, now)
    }
}

/// `k8s-aws-v1.` and the presigned URL in base64.
pub fn sign_token(
    credentials: Credentials,
    region: &Region,
    cluster: &str,
    now: SystemTime,
) -> Result<Token, TokenError> {
    let signing = |error: &dyn std::error::Error| TokenError::Signing(chain(error));
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
        .map_err(|error| signing(&error))?
        .into();
    let url = format!(
        "https://sts.{region}.{}/?Action=GetCallerIdentity&Version=2011-06-15",
        region.dns_suffix()
    );
    let headers = [(CLUSTER_HEADER, cluster)].into_iter();
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))
        .map_err(|error| signing(&error))?;
    let (instructions, _) = sign(request, &params).map_err(|error| signing(&error))?.into_parts();
    let mut request = http::Request::get(url).body(()).map_err(|error| signing(&error))?;
    instructions.apply_to_request_http1x(&mut request);
    let text = format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(request.uri().to_string()));
    Ok(Token { text, expires: now + TOKEN_LIFE })
}
