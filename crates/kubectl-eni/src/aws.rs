//! The clients of the AWS APIs.

mod iam;
mod instance_profiles;
mod pod_identity;

pub(crate) use iam::{Decision, Evaluation, Iam};
pub(crate) use instance_profiles::instance_profiles;
pub(crate) use pod_identity::{Association, association};

use clap::Args;
use eni_bootstrap::adapter::Context;
use eni_bootstrap::adapter::https_proxy::Proxy;
use eni_core::domain::proxy::{InvalidProxy, ProxyUrl};
use eni_core::failure::{Advice, ExitCode};
use secrecy::{ExposeSecret as _, SecretString};
use std::borrow::Cow;
use std::convert::Infallible;

/// The endpoints of the AWS APIs. The default credential chain provides the credentials, as for the AWS CLI.
#[derive(Clone, Debug, Default, Args)]
pub struct AwsOptions {
    /// URL of the EC2 API [default: the endpoint of the region]
    #[arg(long, global = true, hide = true, env = "AWS_ENDPOINT_URL_EC2", value_name = "URL")]
    pub ec2_endpoint: Option<String>,
    /// URL of the EKS API [default: the endpoint of the region]
    #[arg(long, global = true, hide = true, env = "AWS_ENDPOINT_URL_EKS", value_name = "URL")]
    pub eks_endpoint: Option<String>,
    /// URL of the IAM API [default: the endpoint of the region]
    #[arg(long, global = true, hide = true, env = "AWS_ENDPOINT_URL_IAM", value_name = "URL")]
    pub iam_endpoint: Option<String>,
    /// URL of the HTTP proxy for requests to AWS APIs
    #[arg(
        long,
        global = true,
        hide = true,
        env = "HTTPS_PROXY",
        hide_env_values = true,
        value_name = "URL",
        // The URL is parsed later, because the errors of clap contain the value.
        value_parser = |url: &str| Ok::<_, Infallible>(SecretString::from(url))
    )]
    pub https_proxy: Option<SecretString>,
    /// Hosts, domains and networks that bypass the proxy
    #[arg(long, global = true, hide = true, env = "NO_PROXY", value_name = "LIST")]
    pub no_proxy: Option<String>,
}

/// The URL of the proxy is invalid. The message omits its user and password.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the HTTP proxy is invalid")]
pub struct ProxyError(#[source] InvalidProxy);

impl Advice for ProxyError {
    fn help(&self) -> Cow<'static, str> {
        "correct HTTPS_PROXY: the AWS clients support only http:// and https:// proxies".into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }
}

impl AwsOptions {
    /// Returns the context from which the clients of EC2 and EKS are created.
    ///
    /// # Errors
    /// Returns an error if the URL of the proxy is invalid.
    pub fn context(&self) -> Result<Context, ProxyError> {
        Ok(Context {
            ec2_endpoint: self.ec2_endpoint.clone(),
            eks_endpoint: self.eks_endpoint.clone(),
            proxy: self.proxy()?,
            ..Context::default()
        })
    }

    fn proxy(&self) -> Result<Option<Proxy>, ProxyError> {
        let url = self.https_proxy.as_ref().map(SecretString::expose_secret);
        let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(None) };
        let url: ProxyUrl = url.parse().map_err(ProxyError)?;
        let list = self.no_proxy.as_deref().unwrap_or_default();
        let no_proxy = list.split(',').map(|it| it.trim().to_owned()).collect();
        Ok(Some(Proxy { url, no_proxy }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::report;

    #[test]
    fn an_empty_proxy_url_means_a_direct_connection() {
        let options = |url: &str| AwsOptions {
            https_proxy: Some(url.into()),
            no_proxy: Some("a, .b".to_owned()),
            ..AwsOptions::default()
        };
        assert_eq!(options("").context().unwrap().proxy, None);
        let no_proxy = vec!["a".to_owned(), ".b".to_owned()];
        let proxy = Proxy { url: "http://proxy:3128".parse().unwrap(), no_proxy };
        assert_eq!(options("http://proxy:3128").context().unwrap().proxy, Some(proxy));
    }

    #[test]
    fn the_password_of_the_proxy_is_not_printed() {
        let https_proxy = Some("socks5://me:secret@proxy:1080".into());
        let options = AwsOptions { https_proxy, ..AwsOptions::default() };
        assert!(!format!("{options:?}").contains("secret"));
        assert_eq!(
            report(&options.context().unwrap_err()),
            "error: the URL of the HTTP proxy is invalid
  caused by: \"proxy:1080\" is not a valid proxy URL (such as http://proxy.example.com:3128)
  help: correct HTTPS_PROXY: the AWS clients support only http:// and https:// proxies"
        );
    }
}
