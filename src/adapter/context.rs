//! The context of a command: endpoints, proxy, DNS, region, root directory, instance types and recorder.

use crate::adapter::aws::SdkConfigs;
use crate::adapter::dns::DnsResolver;
use crate::adapter::https_proxy::Proxy;
use crate::adapter::imds;
use crate::adapter::recorder::Recorder;
use eni_core::domain::instance_limits::LimitsTable;
use eni_core::domain::zone::Region;
use std::path::PathBuf;

/// The endpoints, proxy, DNS resolver, region, root directory, instance types and recorder of a command. Built once
/// from the command line and passed to every adapter.
#[derive(Clone, Debug)]
pub struct Context {
    /// The root of the instance's file system: `/` on a node.
    pub root: PathBuf,
    /// The instance metadata service, such as `http://169.254.169.254`.
    pub imds_endpoint: String,
    /// The EC2 API; `None` selects the region's default endpoint.
    pub ec2_endpoint: Option<String>,
    /// The EKS API; `None` selects the region's default endpoint.
    pub eks_endpoint: Option<String>,
    /// The region for AWS API calls; `None` selects the region of the instance. `settings.aws.region`
    /// on Bottlerocket.
    pub region: Option<Region>,
    /// Whether this command has read instance metadata, so that role credentials can arrive later.
    pub is_instance: bool,
    /// The proxy for AWS APIs and the cluster; `None` connects directly.
    pub proxy: Option<Proxy>,
    /// The DNS resolver for all endpoints.
    pub resolver: DnsResolver,
    /// The limits of each instance type: the embedded table and the rows of the override file.
    pub table: LimitsTable,
    /// The configurations of the AWS clients so far. They depend on the other fields.
    pub sdk_configs: SdkConfigs,
    /// Records the requests of `run`. For other commands, it records nothing.
    pub recorder: Recorder,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            root: "/".into(),
            imds_endpoint: imds::DEFAULT_ENDPOINT.to_owned(),
            ec2_endpoint: None,
            eks_endpoint: None,
            region: None,
            is_instance: false,
            proxy: None,
            resolver: DnsResolver::default(),
            table: LimitsTable::default(),
            sdk_configs: SdkConfigs::default(),
            recorder: Recorder::default(),
        }
    }
}

impl Context {
    /// Returns the region for AWS API calls: the configured one, or else `instance_region`.
    #[must_use]
    pub(crate) fn region<'a>(&'a self, instance_region: &'a Region) -> &'a Region {
        self.region.as_ref().unwrap_or(instance_region)
    }
}
