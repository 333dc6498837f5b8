//! Waits for the CNI configuration. A missing DaemonSet is rare, so this polls instead of watching.

use super::{LONGEST_PAUSE, Progress, WaitTarget, WaitTimeout, WaitTimer, until};
use crate::adapter::kubernetes::ApiServer;
use crate::adapter::pauses;
use eni_core::domain::aws_node::AwsNode;
use tokio::time::sleep;

/// Waits until the aws-node DaemonSet exists and is readable, and returns its configuration.
pub(crate) async fn until_cni_config(
    api: &ApiServer,
    timer: WaitTimer,
) -> Result<AwsNode, WaitTimeout> {
    let progress = Progress::new(WaitTarget::AwsNode, timer.retries());
    let read = async || match api.aws_node().await {
        Ok(environment) => Some(AwsNode::read(&environment)),
        Err(error) => {
            progress.set(error.into());
            None
        }
    };
    let attempts = async {
        let mut delays = pauses(LONGEST_PAUSE);
        loop {
            if let Some(aws_node) = read().await {
                return aws_node;
            }
            sleep(delays.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    };
    until(&progress, timer, read(), attempts).await
}
