//! `eks:DescribeCluster`: the endpoint, certificate authority and subnets of a cluster.

use crate::adapter::aws::call::{CallError, call};
use crate::adapter::aws::{self, AwsError};
use crate::adapter::{Context, Deadline, Transient, retry};
use aws_config::SdkConfig;
use aws_sdk_eks::Client;
use eni_core::domain::cluster::{Cluster, ClusterSource};
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

const ACTION: &str = "eks:DescribeCluster";

/// A failure to get a cluster from EKS.
#[derive(Debug, thiserror::Error)]
pub enum EksError {
    /// The region has no cluster of this name.
    #[error("EKS cluster {name:?} not found in {region}")]
    UnknownCluster {
        name: String,
        /// The region of the request.
        region: Region,
    },
    /// The cluster has no endpoint, because EKS is still creating it.
    #[error("EKS cluster {name:?} has no endpoint yet (status {status})")]
    NotReady {
        name: String,
        /// Such as `CREATING`.
        status: String,
    },
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The AWS client cannot be created.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Advice for EksError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::UnknownCluster { .. } => {
                "correct `cluster.name`, or set `cluster.endpoint` and `cluster.certificate-authority` to skip this call"
            }
            Self::Call(CallError::AccessDenied { .. }) => {
                "attach the policy AmazonEKSWorkerNodePolicy to the node role, or set `cluster.endpoint` and `cluster.certificate-authority` to skip this call"
            }
            Self::Call(
                error @ (CallError::NoCredentials { .. }
                | CallError::Clock { .. }
                | CallError::InvalidResponse { .. }),
            ) => return error.help(),
            Self::Call(error)
                if error.is_of_service() || error.rejected_certificate().is_some() =>
            {
                return error.help();
            }
            Self::NotReady { name, .. } => {
                return format!(
                    "start nodes after `aws eks wait cluster-active --name {name}` succeeds"
                )
                .into();
            }
            Self::Call(_) | Self::Aws(_) => {
                "check the network path to the EKS API (a private subnet needs a NAT gateway or an EKS VPC endpoint), or set `cluster.endpoint` and `cluster.certificate-authority` to skip this call"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Call(error) => error.exit_code(),
            Self::NotReady { .. } => ExitCode::Unavailable,
            Self::UnknownCluster { .. } | Self::Aws(_) => ExitCode::Settings,
        }
    }
}

impl Transient for EksError {
    fn is_transient(&self) -> bool {
        match self {
            Self::NotReady { .. } => true,
            Self::Call(error) => error.is_transient(),
            Self::UnknownCluster { .. } | Self::Aws(_) => false,
        }
    }
}

impl EksError {
    /// Returns whether the error is a fact about the cluster. Otherwise, recorded values may replace it.
    #[must_use]
    pub(crate) fn is_answer(&self) -> bool {
        match self {
            Self::UnknownCluster { .. } | Self::NotReady { .. } => true,
            Self::Call(_) | Self::Aws(_) => false,
        }
    }
}

/// A cluster as `eks:DescribeCluster` returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedCluster {
    /// The cluster. Its ID is set for a local cluster on an Outpost.
    pub cluster: Cluster,
    /// The subnets of the control plane's network interfaces.
    pub subnets: Vec<String>,
    /// The security group that EKS created for the control plane and the nodes.
    pub security_group: Option<String>,
}

/// A client of the EKS API.
#[derive(Clone, Debug)]
pub struct Eks {
    client: Client,
    region: Region,
}

impl Eks {
    /// Creates a client for `region`, with the configured endpoint URL or the default of the region.
    pub async fn new(context: &Context, region: &Region) -> Result<Self, AwsError> {
        let shared = aws::sdk_config(context, region).await?;
        Ok(Self::from_config(context, &shared, region))
    }

    /// Creates a client with `shared` and the configured endpoint URL.
    pub(crate) fn from_config(context: &Context, shared: &SdkConfig, region: &Region) -> Self {
        let mut config = aws_sdk_eks::config::Builder::from(shared);
        config.set_endpoint_url(aws::endpoint_url(context.eks_endpoint.as_deref(), shared));
        Self { client: Client::from_conf(config.build()), region: region.clone() }
    }

    /// Returns the cluster `name`. Waits until `deadline` for the endpoint of a cluster in creation.
    pub async fn cluster(
        &self,
        name: &str,
        deadline: Deadline,
    ) -> Result<DescribedCluster, EksError> {
        retry("cluster", deadline, async || {
            let request = self.client.describe_cluster().name(name);
            match call(ACTION, deadline, request.send()).await {
                Ok(response) => described_cluster(name, response.cluster()),
                Err(CallError::Rejected { source, .. })
                    if source.has_code("ResourceNotFoundException") =>
                {
                    let (name, region) = (name.to_owned(), self.region.clone());
                    Err(EksError::UnknownCluster { name, region })
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}

/// Returns the cluster in a response, or [`EksError::NotReady`] if it has no endpoint yet.
fn described_cluster(
    name: &str,
    cluster: Option<&aws_sdk_eks::types::Cluster>,
) -> Result<DescribedCluster, EksError> {
    let not_ready = || {
        let status = cluster.and_then(|cluster| cluster.status());
        let status = status.map_or("unknown", |status| status.as_str());
        EksError::NotReady { name: name.to_owned(), status: status.to_owned() }
    };
    let described = |cluster: &aws_sdk_eks::types::Cluster| {
        let vpc = cluster.resources_vpc_config();
        Some(DescribedCluster {
            cluster: Cluster {
                name: name.to_owned(),
                endpoint: cluster.endpoint()?.to_owned(),
                certificate_authority: cluster.certificate_authority()?.data()?.to_owned(),
                id: cluster.outpost_config().and(cluster.id()).map(str::to_owned),
                source: ClusterSource::Eks,
            },
            subnets: vpc.map(|vpc| vpc.subnet_ids().to_vec()).unwrap_or_default(),
            security_group: vpc.and_then(|vpc| vpc.cluster_security_group_id()).map(str::to_owned),
        })
    };
    cluster.and_then(described).ok_or_else(not_ready)
}
