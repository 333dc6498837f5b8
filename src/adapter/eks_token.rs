//! The bearer token by which a node shows EKS who it is: a presigned STS `GetCallerIdentity`,
//! signed here, so that neither the AWS CLI nor Python is needed.
//!
//! Source: `awscli/customizations/eks/get_token.py`, aws/aws-cli.

use crate::adapter::aws::AwsError;
use crate::adapter::aws::call::CREDENTIALS;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eni_core::domain::zone::Region;
use eni_core::error::{Advice, ExitCode, one_line};
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

/// How long STS takes the signed request for good.
const SIGNATURE_SECONDS: u64 = 60;
/// How long EKS takes a token for good, with a minute to spare.
const TOKEN_LIFE: Duration = Duration::from_mins(14);
/// The header that binds a token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// The order in which the AWS CLI writes the query: whoever compares two tokens finds them equal.
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

/// No token could be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There are no AWS credentials: no instance role, or none yet.
    #[error("there are no AWS credentials to sign a token with: {0}")]
    Credentials(String),
    /// The region has no STS endpoint of the kind that is asked for.
    #[error("there is no STS endpoint to sign a token for in {region}: {why}")]
    Endpoint {
        /// The region.
        region: Region,
        /// What the SDK said.
        why: String,
    },
    /// The request could not be signed.
    #[error("the token could not be signed: {0}")]
    Signing(String),
    /// AWS cannot be talked to from here.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Advice for TokenError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Credentials(_) => CREDENTIALS,
            Self::Endpoint { .. } => {
                "check the region, and AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT: not every region has both"
            }
            Self::Signing(_) => "check the cluster's name and the credentials",
            Self::Aws(error) => return error.help(),
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::PermissionDenied
    }
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

    /// Until when it is good.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.expires
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
    sts: String,
    cluster: String,
}

impl TokenSource {
    /// With the credentials that `config` finds, for the STS endpoint that its region, FIPS and
    /// dual-stack settings name.
    pub async fn new(
        config: &SdkConfig,
        region: Region,
        cluster: String,
    ) -> Result<Self, TokenError> {
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| TokenError::Credentials("no provider is configured".to_owned()))?;
        let sts = sts_endpoint(
            &region,
            config.use_fips().unwrap_or(false),
            config.use_dual_stack().unwrap_or(false),
        )
        .await?;
        Ok(Self { credentials, region, sts, cluster })
    }

    /// A token made at `now`.
    pub async fn token(&self, now: SystemTime) -> Result<Token, TokenError> {
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| TokenError::Credentials(one_line(&error)))?;
        sign_token(credentials, &self.region, &self.sts, &self.cluster, now)
    }
}

/// STS's own address for a region, of every partition: the rules are the SDK's.
pub async fn sts_endpoint(
    region: &Region,
    fips: bool,
    dual_stack: bool,
) -> Result<String, TokenError> {
    let failed = |why| TokenError::Endpoint { region: region.clone(), why };
    let wanted = Params::builder()
        .region(region.as_str())
        .use_fips(fips)
        .use_dual_stack(dual_stack)
        .build()
        .map_err(|error| failed(one_line(&error)))?;
    let found = DefaultResolver::new().resolve_endpoint(&wanted).await;
    found.map(|found| found.url().to_owned()).map_err(|error| failed(one_line(error.as_ref())))
}

/// `k8s-aws-v1.` and the URL, presigned for `sts`, in base64.
pub fn sign_token(
    credentials: Credentials,
    region: &Region,
    sts: &str,
    cluster: &str,
    now: SystemTime,
) -> Result<Token, TokenError> {
    let signing = |error: &dyn std::error::Error| TokenError::Signing(one_line(error));
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
    let url = format!("{sts}/?Action=GetCallerIdentity&Version=2011-06-15");
    let headers = [(CLUSTER_HEADER, cluster)].into_iter();
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))
        .map_err(|error| signing(&error))?;
    let (instructions, _) = sign(request, &params).map_err(|error| signing(&error))?.into_parts();
    let mut request = http::Request::get(url).body(()).map_err(|error| signing(&error))?;
    instructions.apply_to_request_http1x(&mut request);
    let mut query: Vec<&str> = request.uri().query().unwrap_or_default().split('&').collect();
    query.sort_by_key(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        ORDER.iter().position(|known| *known == name)
    });
    let url = format!("{sts}/?{}", query.join("&"));
    let text = format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url));
    Ok(Token { text, expires: now + TOKEN_LIFE })
}
