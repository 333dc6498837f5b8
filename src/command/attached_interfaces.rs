//! The attached network interfaces, for a plan that depends on them.

use super::node_session::NodeSession;
use crate::adapter::Deadline;
use crate::observe::{AttachedInterfaces, required_interfaces};
use eni_core::domain::aws_node::AwsNode;
use eni_core::failure::one_line;
use eni_core::plan::depends_on_attached_interfaces;
use tracing::warn;

impl NodeSession {
    /// Reads the attached network interfaces again if the plan for `aws_node` depends on them: then none
    /// may be missing. Retries for up to `imds.wait`. Without a result, the plan fails.
    pub(super) async fn read_attached_interfaces(&mut self, aws_node: Option<&AwsNode>) {
        let Self { context, settings, facts, .. } = self;
        if !depends_on_attached_interfaces(settings, aws_node) {
            return;
        }
        let deadline = Deadline::after(settings.imds.wait().into());
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
