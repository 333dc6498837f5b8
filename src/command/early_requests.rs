//! The requests to the API server that are sent before their responses are needed: connections while IMDS responds, and
//! the ENIConfig beside the aws-node DaemonSet.

use crate::adapter::Context;
use crate::adapter::kubernetes::EarlyConnections;
use crate::command::node_session::NodeSession;
use crate::observe::{self, BottlerocketSettings, EarlyHints, LastRun};
use eni_core::domain::eni_config::EniConfigName;
use eni_core::plan::{expected_eni_config, expects_custom_networking};
use eni_core::settings::{CniSource, Settings};

impl NodeSession {
    /// Returns the ENIConfig that this command probably reads.
    pub(super) fn expected_eni_config(&self) -> Option<EniConfigName> {
        let recorded = self.last_run.as_ref().and_then(|it| it.record.aws_node());
        let name = expected_eni_config(&self.facts, &self.settings, recorded.as_ref());
        name.filter(|_| self.reads_eni_config)
    }
}

/// Starts to connect to the API server while IMDS responds, if its endpoint is known. Also returns what the disk contains
/// about the cluster.
pub(super) fn connect_early(
    context: &Context,
    settings: &Settings,
    bottlerocket: &BottlerocketSettings,
    last_run: Option<&LastRun>,
    reads_eni_config: bool,
) -> (Option<EarlyConnections>, EarlyHints) {
    let recorded = last_run.and_then(|it| it.record.aws_node());
    let is_expected = reads_eni_config && expects_custom_networking(settings, recorded.as_ref());
    let connections = connections(settings, is_expected);
    observe::connect_early(context, settings, bottlerocket.cluster_hint.clone(), connections)
}

/// Returns the number of requests that are sent to the API server at the same time: for the aws-node DaemonSet and for
/// the ENIConfig. HTTP/1.1 needs a connection for each of them.
pub(super) fn connections(settings: &Settings, expects_eni_config: bool) -> usize {
    let reads_daemon_set = settings.cni.source() != CniSource::Settings;
    usize::from(reads_daemon_set) + usize::from(expects_eni_config)
}
