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
use std::str::FromStr;

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
        value_name = "URL"
    )]
    pub https_proxy: Option<OptionalProxy>,
    /// Hosts, domains and networks that bypass the proxy
    #[arg(long, global = true, hide = true, env = "NO_PROXY", value_name = "LIST")]
    pub no_proxy: Option<String>,
}

/// The URL of a proxy; none if the text is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionalProxy(Option<ProxyUrl>);

impl FromStr for OptionalProxy {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        Ok(Self(if text.is_empty() { None } else { Some(text.parse()?) }))
    }
}

impl AwsOptions {
    /// Returns the context from which the clients of EC2 and EKS are created.
    #[must_use]
    pub fn context(&self) -> Context {
        Context {
            ec2_endpoint: self.ec2_endpoint.clone(),
            eks_endpoint: self.eks_endpoint.clone(),
            proxy: self.proxy(),
            ..Context::default()
        }
    }

    fn proxy(&self) -> Option<Proxy> {
        let url = self.https_proxy.clone()?.0?;
        let list = self.no_proxy.as_deref().unwrap_or_default();
        Some(Proxy { url, no_proxy: list.split(',').map(|it| it.trim().to_owned()).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_proxy_url_means_a_direct_connection() {
        let options = |url: &str| AwsOptions {
            https_proxy: Some(url.parse().unwrap()),
            no_proxy: Some("a, .b".to_owned()),
            ..AwsOptions::default()
        };
        assert_eq!(options("").context().proxy, None);
        let no_proxy = vec!["a".to_owned(), ".b".to_owned()];
        let proxy = Proxy { url: "http://proxy:3128".parse().unwrap(), no_proxy };
        assert_eq!(options("http://proxy:3128").context().proxy, Some(proxy));
    }
}
