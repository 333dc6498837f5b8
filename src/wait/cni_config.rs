//! Waits for the CNI configuration. A missing DaemonSet is rare, so this polls instead of watching.

use super::{LONGEST_PAUSE, WaitTarget, WaitTimeout, WaitTimer, until};
use crate::adapter::kubernetes::{ApiServer, AwsNodeError, LocalNode};
use crate::adapter::pauses;
use eni_core::domain::aws_node::AwsNode;
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// Waits until the aws-node DaemonSet exists and is readable, and returns its configuration on `node`.
///
/// Without the DaemonSet, looks once for that of another CNI, and continues to wait: a cluster may get
/// the VPC CNI after its first node.
pub(crate) async fn until_cni_config(
    api: &ApiServer,
    node: &LocalNode,
    timer: WaitTimer,
) -> Result<AwsNode, WaitTimeout> {
    let not_found = OnceCell::new();
    let aws_node = async || match api.aws_node(node).await {
        Err(AwsNodeError::NotFound) => {
            let error = not_found.get_or_init(|| api.beside_other_cni(AwsNodeError::NotFound));
            Err(error.await.clone())
        }
        aws_node => aws_node,
    };
    // Boxed: the future of the requests is large.
    let read =
        async || timer.request(Box::pin(aws_node())).await.map_err(|error| (error.into(), ()));
    until(WaitTarget::AwsNode, (timer, api.recorder()), read(), async |progress, ()| {
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
