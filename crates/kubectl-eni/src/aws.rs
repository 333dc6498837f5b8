//! The clients of the AWS APIs.

use clap::Args;
use eni_bootstrap::adapter::Context;
use eni_bootstrap::adapter::https_proxy::Proxy;

/// The endpoints of the AWS APIs. The default credential chain provides the credentials, as for the AWS CLI.
#[derive(Clone, Debug, Default, Args)]
pub struct AwsOptions {
    /// URL of the EC2 API [default: the endpoint of the region]
    #[arg(long, global = true, hide = true, env = "AWS_ENDPOINT_URL_EC2", value_name = "URL")]
    pub ec2_endpoint: Option<String>,
    /// URL of the EKS API [default: the endpoint of the region]
    #[arg(long, global = true, hide = true, env = "AWS_ENDPOINT_URL_EKS", value_name = "URL")]
    pub eks_endpoint: Option<String>,
}

impl AwsOptions {
    /// Returns the context from which the clients of EC2 and EKS are created.
    #[must_use]
    pub fn context(&self, proxy: Option<Proxy>) -> Context {
        Context {
            ec2_endpoint: self.ec2_endpoint.clone(),
            eks_endpoint: self.eks_endpoint.clone(),
            proxy,
            ..Context::default()
        }
    }
}
