//! What the CNI is set to: asked again and again until the DaemonSet is there and may be read. It
//! changes once in a cluster's life, so there is nothing to watch.

use super::{Awaited, NotReady, Patience, Progress, until};
use crate::adapter::kubernetes::ApiServer;
use crate::adapter::pauses;
use eni_core::domain::aws_node::AwsNode;
use std::time::Duration;
use tokio::time::sleep;

/// The longest pause between two questions, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Reads what the CNI is set to.
pub async fn until_known(api: &ApiServer, patience: Patience) -> Result<AwsNode, NotReady> {
    let progress = Progress::of(Awaited::AwsNode);
    let ask = async || match api.aws_node().await {
        Ok(environment) => Some(AwsNode::read(&environment)),
        Err(error) => {
            progress.because(error.into());
            None
        }
    };
    let attempts = async {
        let mut delays = pauses(LONGEST_PAUSE);
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            sleep(delays.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    };
    until(&progress, patience, ask(), attempts).await
}
