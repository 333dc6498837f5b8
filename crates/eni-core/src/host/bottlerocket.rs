//! Bottlerocket, from a bootstrap container: no file of the host's may be written there. Its settings
//! API is told, and it renders the kubelet's files from its settings.
//!
//! Source: `sources/api/apiserver` and `packages/kubernetes-*`, bottlerocket-os/bottlerocket-core-kit.

mod kubelet_settings;
mod live;
mod rendered;

pub use kubelet_settings::KubeletSettings;
pub use live::{Live, NotSettings, OTHER_KEYS};
pub use rendered::{KUBELET_CONFIG, KUBELET_ENV, not_rendered};

use super::other_figures::{self, OtherFigure, Place};
use super::{Change, NOTICE};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;
use crate::domain::reserved::Reserved;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The host's own files, as a bootstrap container sees them.
pub const ROOTFS: &str = "/.bottlerocket/rootfs";
/// The settings for the agent: `settings.bootstrap-containers.NAME.user-data`.
pub const USER_DATA: &str = "/.bottlerocket/bootstrap-containers/current/user-data";
/// What the agent set last, kept over reboots beside its user data.
pub const RECORD: &str = "/.bottlerocket/bootstrap-containers/current/eni-bootstrap.toml";
/// The tables from which pluto takes max-pods where nobody sets it, the stronger first.
pub const ENI_MAX_PODS: [&str; 2] =
    ["/usr/share/eks/eni-max-pods-override", "/usr/share/eks/eni-max-pods"];

/// What the image and the runs before have told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bottlerocket {
    /// The settings as they are.
    pub live: Live,
    /// What the agent set last: a second boot must not take it for somebody else's.
    pub record: KubeletSettings,
    /// The texts of [`ENI_MAX_PODS`], as far as they are there.
    pub eni_max_pods: Vec<String>,
}

/// Reads the record of an earlier run.
pub fn record(text: &str) -> Result<KubeletSettings, toml::de::Error> {
    toml::from_str(text)
}

impl Bottlerocket {
    /// The max-pods that somebody else has set: not pluto's, which counts the primary interface's
    /// slots, and not ours of an earlier boot.
    pub(super) fn other_figure(&self, instance_type: &InstanceType) -> Option<OtherFigure> {
        let max_pods = self.live.kubelet.max_pods?;
        let of_pluto = self.eni_max_pods.iter().find_map(|table| figure(table, instance_type));
        if Some(max_pods) == of_pluto || Some(max_pods) == self.record.max_pods {
            return None;
        }
        let labels: Vec<String> =
            self.live.kubelet.node_labels.keys().map(|key| format!("{key}=")).collect();
        let owner = other_figures::owner(&labels);
        Some(OtherFigure { max_pods, place: Place::Bottlerocket, owner })
    }

    /// What somebody else has set of the kubelet's reserve.
    pub(super) fn other_reserve(&self) -> BTreeMap<String, String> {
        let ours = &self.record.kube_reserved;
        let theirs = self.live.kubelet.kube_reserved.iter();
        let theirs = theirs.filter(|(key, value)| ours.get(*key) != Some(*value));
        theirs.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The row of a type in one of [`ENI_MAX_PODS`]: `m5.large 29`.
fn figure(table: &str, instance_type: &InstanceType) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(instance_type.as_str())).then(|| words.next()?.parse().ok())?
    })
}

/// The record first: a run that is cut off after the settings are committed must know them for its own.
#[must_use]
pub fn render(kubelet: &Kubelet, live: &Live) -> Vec<Change> {
    let Kubelet { max_pods, kube_reserved, node_labels, beats_flags: _ } = kubelet;
    let Reserved { cpu, ephemeral_storage, memory } = kube_reserved;
    let reserved = [("cpu", cpu), ("ephemeral-storage", ephemeral_storage), ("memory", memory)];
    let wanted = KubeletSettings {
        max_pods: Some(*max_pods),
        kube_reserved: reserved
            .map(|(resource, quantity)| (resource.to_owned(), quantity.to_string()))
            .into(),
        node_labels: node_labels
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect(),
    };
    let notice = NOTICE.lines().next().unwrap_or_default();
    let mut contents = format!(
        "{notice}\n# What it set last, to be told from what somebody else has set.\nmax-pods = {max_pods}\n\n[kube-reserved]\n"
    );
    for (resource, quantity) in reserved {
        // Writing to a String cannot fail.
        let _ = writeln!(contents, "{resource} = \"{quantity}\"");
    }
    let current = live.kubelet.only(&wanted);
    vec![
        Change::File { path: RECORD.into(), contents },
        Change::BottlerocketSettings { current, wanted },
    ]
}

#[cfg(test)]
mod tests;
