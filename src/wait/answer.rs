//! Whether the API server has responded with a fact about the target of a wait.

use super::{WaitReason, WaitTimeout};
use crate::adapter::kubernetes::{AwsNodeError, KubernetesError};

impl WaitReason {
    /// Returns whether the reason is a fact about the target. Otherwise, recorded values may replace it.
    ///
    /// 401 and 403 are responses, but not about the target: a node whose role lost a permission has the same
    /// CNI configuration as before.
    pub(super) fn is_answer(&self) -> bool {
        match self {
            Self::NotFound | Self::NoSubnet | Self::DoesNotFit(_) | Self::SubnetFull(_) => true,
            Self::Api(error) => matches!(error, KubernetesError::NoResourceType),
            Self::AwsNode(error) => match error {
                AwsNodeError::Api(error) => matches!(error, KubernetesError::NoResourceType),
                AwsNodeError::ConfigMapForbidden { .. } => false,
                AwsNodeError::NotFound
                | AwsNodeError::NotFoundBeside(_)
                | AwsNodeError::OtherCni(_)
                | AwsNodeError::NoContainer
                | AwsNodeError::MissingConfigMapData { .. }
                | AwsNodeError::UnreadableSource { .. } => true,
            },
        }
    }
}

impl WaitTimeout {
    /// Returns the last state as one line for the log.
    pub(crate) fn state(&self) -> String {
        self.reason.state(&self.target)
    }

    /// Returns whether the API server never responded with a fact about the target.
    pub(crate) fn is_unanswered(&self) -> bool {
        !self.answered
    }
}
