//! The attached network interfaces, for a plan that depends on them.

use super::node_session::NodeSession;
use crate::adapter::Deadline;
use crate::observe::{AttachedInterfaces, required_interfaces};
use eni_core::domain::aws_node::AwsNode;
use eni_core::failure::one_line;
use eni_core::plan::depends_on_attached_interfaces;
use std::time::Duration;
use tracing::warn;

/// The time for at least one attempt.
const ATTEMPT: Duration = Duration::from_secs(5);

impl NodeSession {
    /// Reads the attached network interfaces again if the plan for `aws_node` depends on them: then none
    /// may be missing. Retries until the facts must be complete (`imds.wait`), or for [`ATTEMPT`] if that
    /// is later. Without a result, the plan fails.
    pub(super) async fn read_attached_interfaces(&mut self, aws_node: Option<&AwsNode>) {
        let Self { context, settings, facts, imds_deadline, .. } = self;
        if !depends_on_attached_interfaces(settings, aws_node) {
            return;
        }
        let wait = settings.imds.wait().into();
        // The wait for the cluster may have used the complete time.
        let deadline = Deadline::after(imds_deadline.at_most(wait).max(ATTEMPT.min(wait)));
        // Boxed: the future of several concurrent requests is large, and the mode is rare.
        let read = Box::pin(required_interfaces(context, deadline)).await;
        let AttachedInterfaces { primary, others } = read.unwrap_or_else(|error| {
            let error = one_line(&error);
            warn!("instance: failed to read the attached network interfaces: {error}");
            AttachedInterfaces::default()
        });
        facts.instance.primary_interface = primary;
        facts.instance.interfaces = others;
    }
}
