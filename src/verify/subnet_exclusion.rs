//! Which tags exclude a subnet from pods, for the CNI of the cluster.

use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni_version::CniVersion;
use eni_core::domain::subnet_tags::excluding_tag;
use eni_core::facts::Subnet;

/// What decides whether the tags of a subnet exclude it from pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetExclusion {
    /// `ENABLE_SUBNET_DISCOVERY` of aws-node: without it, no tag excludes a subnet.
    subnet_discovery: bool,
    /// `CLUSTER_NAME` of aws-node. The CNI compares the tags with this name, and not with the name of
    /// the cluster in EKS.
    cluster_name: Option<String>,
    /// The version of the CNI; `None` if it is unknown.
    pub version: Option<CniVersion>,
}

impl SubnetExclusion {
    /// Returns the rules of the CNI with the configuration `aws_node`, which is `None` if it was not read.
    #[must_use]
    pub fn new(aws_node: Option<&AwsNode>, version: Option<CniVersion>) -> Self {
        Self {
            subnet_discovery: aws_node.is_none_or(|it| it.subnet_discovery),
            cluster_name: aws_node.and_then(|it| it.cluster_name.clone()),
            version,
        }
    }

    /// Returns the tag that excludes `subnet`, or that would if the unknown version supports it; `None`
    /// if there is none.
    pub(super) fn tag(&self, subnet: &Subnet) -> Option<String> {
        let may_exclude =
            self.version.is_none_or(|version| version >= CniVersion::SUBNET_EXCLUSION);
        let tag = || excluding_tag(&subnet.tags, self.cluster_name.as_deref());
        (self.subnet_discovery && may_exclude).then(tag).flatten()
    }
}
