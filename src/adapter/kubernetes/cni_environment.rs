//! The configuration of the CNI for programs that do not run on a node.

use super::{ApiServer, AwsNodeError, Environment};
use eni_core::domain::aws_node::AwsNode;

impl ApiServer {
    /// Returns the configuration of the CNI, and the environment that it comes from. The environment also
    /// contains the variables `also`.
    pub async fn cni_environment(
        &self,
        also: &[&str],
    ) -> Result<(AwsNode, Environment), AwsNodeError> {
        self.configuration(&self.daemon_set().await?, also).await
    }
}
