//! Waits for the CNI configuration. A missing DaemonSet is rare, so this polls instead of watching.

use super::{LONGEST_PAUSE, WaitTarget, WaitTimeout, WaitTimer, until};
use crate::adapter::kubernetes::ApiServer;
use crate::adapter::pauses;
use eni_core::domain::aws_node::AwsNode;
use tokio::time::sleep;

/// Waits until the aws-node DaemonSet exists and is readable, and returns its configuration.
pub(crate) async fn until_cni_config(
    api: &ApiServer,
    timer: WaitTimer,
) -> Result<AwsNode, WaitTimeout> {
    let read = async || api.aws_node().await.map_err(|error| (error.into(), ()));
    until(WaitTarget::AwsNode, timer, read(), async |progress, ()| {
        let mut delays = pauses(LONGEST_PAUSE);
        loop {
            sleep(delays.next().unwrap_or(LONGEST_PAUSE)).await;
            match read().await {
                Ok(aws_node) => return Some(aws_node),
                Err((reason, ())) => {
                    let retries = timer.retries(&reason);
                    progress.set(reason);
                    if !retries {
                        return None;
                    }
                }
            }
        }
    })
    .await
}
