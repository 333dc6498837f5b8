//! Bottlerocket, from a bootstrap container. A container cannot change the host's files, so
//! eni-bootstrap changes the settings through Bottlerocket's API, and Bottlerocket renders the
//! kubelet's files from them.
//!
//! Source: `sources/api/apiserver` and `packages/kubernetes-*`,
//! bottlerocket-os/bottlerocket-core-kit.

mod kubelet_settings;
mod live_settings;
mod record;
mod rendered;

pub use kubelet_settings::{KubeletSettings, NotLive};
pub use live_settings::{InvalidSettings, LiveSettings, OTHER_KEYS, SecretUrl};
pub use record::Record;
pub use rendered::{KUBELET_CONFIG, KUBELET_ENV, NotRendered, check_rendered};

use super::existing_config::{
    self, ConfigLocation, ConfigOwner, ExistingConfig, ExistingLabel, ExistingMaxPods,
    ExistingRegistration,
};
use super::{Change, Detection, HostError, HostFamily, HostKind, Image, Read, Renderer};
use super::{kubelet_unit, removed};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;
use crate::domain::label;
use crate::domain::reserved::Reserved;
use std::collections::BTreeMap;

/// The socket of the settings API in a bootstrap container.
///
/// Source: `packages/os/apiserver.service`, bottlerocket-os/bottlerocket-core-kit.
pub const SOCKET: &str = "/run/api.sock";
/// The host's root file system in a bootstrap container.
pub const ROOTFS: &str = "/.bottlerocket/rootfs";
/// eni-bootstrap's settings: `settings.bootstrap-containers.NAME.user-data`.
pub const USER_DATA: &str = "/.bottlerocket/bootstrap-containers/current/user-data";
/// The [`Record`]. The file survives reboots.
pub const RECORD: &str = "/.bottlerocket/bootstrap-containers/current/eni-bootstrap.toml";
/// The tables with the default max-pods, which Bottlerocket's pluto sets, the highest precedence
/// first.
pub const ENI_MAX_PODS: [&str; 2] =
    ["/usr/share/eks/eni-max-pods-override", "/usr/share/eks/eni-max-pods"];

pub(super) struct Family;

impl HostFamily for Family {
    fn kind(&self) -> HostKind {
        HostKind::Bottlerocket
    }

    fn reads(&self) -> Vec<Read> {
        // The settings come from the API.
        Vec::new()
    }

    fn detect(&self, image: &Image) -> Detection {
        match &image.bottlerocket {
            Some(bottlerocket) => Detection::this(
                format!("{SOCKET} is the Bottlerocket settings API"),
                bottlerocket.clone(),
            ),
            None => Detection::NotThis(format!("no {SOCKET}")),
        }
    }

    fn mismatch(&self, _reason: String) -> HostError {
        HostError::NoSettingsApi
    }

    /// A bootstrap container cannot have files of another family.
    fn removes_other_files(&self) -> bool {
        false
    }

    /// The settings stay, because the API cannot remove any.
    fn remove(&self, _image: &Image) -> Vec<Change> {
        vec![removed(RECORD)]
    }

    fn existing(&self, image: &Image, instance_type: &InstanceType) -> ExistingConfig {
        let mut existing = ExistingConfig::from_command_lines(&kubelet_unit::command_lines(image));
        if let Some(bottlerocket) = &image.bottlerocket {
            existing.max_pods.extend(bottlerocket.existing_max_pods(instance_type));
            existing.kube_reserved = bottlerocket.existing_kube_reserved();
            let is_of_karpenter = bottlerocket.owner() == ConfigOwner::Karpenter;
            existing.karpenter_reserved = is_of_karpenter.then(|| existing.kube_reserved.clone());
            existing.node_labels.extend(bottlerocket.existing_labels());
            existing.registration.extend(bottlerocket.existing_registration());
            existing.own_labels = bottlerocket.own().node_labels;
            existing.has_unrecorded_labels = bottlerocket.has_unrecorded_labels();
        }
        existing
    }
}

/// Bottlerocket's settings, with what distinguishes values of eni-bootstrap and of pluto from
/// others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bottlerocket {
    pub live: LiveSettings,
    /// The record; `None` before the first commit, or if the file is lost.
    pub record: Option<Record>,
    /// The texts of the existing files of [`ENI_MAX_PODS`].
    pub eni_max_pods: Vec<String>,
}

impl Bottlerocket {
    /// Returns the live values that eni-bootstrap configured.
    fn own(&self) -> KubeletSettings {
        self.record.as_ref().map(|record| record.own(&self.live.kubelet)).unwrap_or_default()
    }

    /// Returns whether version 0.1.0 wrote the record, without its labels.
    fn has_unrecorded_labels(&self) -> bool {
        self.record.as_ref().is_some_and(|record| !record.has_labels())
    }

    /// Returns the live values that eni-bootstrap configured, for a run that sets `settings`. Version
    /// 0.1.0 always overwrote the labels that it set.
    fn own_before(&self, settings: &KubeletSettings) -> KubeletSettings {
        let mut own = self.own();
        if self.has_unrecorded_labels() {
            own.node_labels.extend(self.live.kubelet.only(settings).node_labels);
        }
        own
    }

    /// Returns whether the record is lost, for example because the container was renamed: there is
    /// none, although the live settings contain the labels that every run sets.
    #[must_use]
    pub fn has_lost_record(&self) -> bool {
        let labels = &self.live.kubelet.node_labels;
        self.record.is_none()
            && [label::ZONE, label::REGION].iter().all(|it| labels.contains_key(*it))
    }

    /// Returns the max-pods that another tool or the operator set. The value of pluto, which counts
    /// the primary network interface, and the value of an earlier run are ignored.
    fn existing_max_pods(&self, instance_type: &InstanceType) -> Option<ExistingMaxPods> {
        let max_pods = self.live.kubelet.max_pods?;
        let default =
            self.eni_max_pods.iter().find_map(|table| max_pods_in_table(table, instance_type));
        if Some(max_pods) == default || Some(max_pods) == self.own().max_pods {
            return None;
        }
        let owner = self.owner();
        Some(ExistingMaxPods { max_pods, location: ConfigLocation::Bottlerocket, owner })
    }

    /// Returns the owner of the settings, derived from the labels of the node.
    fn owner(&self) -> ConfigOwner {
        let keys = self.live.kubelet.node_labels.keys();
        existing_config::owner_by_labels(keys.map(String::as_str))
    }

    /// Returns the kube-reserved quantities that another tool or the operator set, by resource.
    fn existing_kube_reserved(&self) -> BTreeMap<String, String> {
        self.live.kubelet.difference(&self.own()).kube_reserved
    }

    /// Returns the labels that another tool or the operator set.
    pub(super) fn existing_labels(&self) -> impl Iterator<Item = ExistingLabel> {
        let labels = self.live.kubelet.difference(&self.own()).node_labels.into_iter();
        let location = ConfigLocation::Bottlerocket;
        labels.map(move |(key, value)| ExistingLabel { key, value, location: location.clone() })
    }

    /// Returns the taint of a cordoned node in the settings, if they contain it.
    fn existing_registration(&self) -> Option<ExistingRegistration> {
        let taints = self.live.node_taints.iter();
        existing_config::registration_in_bottlerocket(taints.map(|(key, it)| (key.as_str(), it)))
    }

    /// Returns the record after `settings` are committed. A value that another tool or the operator
    /// set, and that this run keeps, is not in it.
    fn record_of(&self, settings: &KubeletSettings, existing: &ExistingConfig) -> Record {
        let own = self.own_before(settings);
        let live = &self.live.kubelet;
        let is_existing = |it: &ExistingMaxPods| {
            it.location == ConfigLocation::Bottlerocket && Some(it.max_pods) == settings.max_pods
        };
        let mut kept = settings.common(live).difference(&own);
        // The value of pluto is not kept for its owner: it is a default.
        kept.max_pods = kept.max_pods.filter(|_| existing.max_pods.iter().any(is_existing));
        if self.has_lost_record() && labels_are_own(settings, live) {
            kept = KubeletSettings::default();
        }
        let mut committed = settings.difference(&kept);
        // The API removes no label, so those of earlier runs stay.
        for (key, value) in own.node_labels {
            if !settings.node_labels.contains_key(&key) {
                committed.node_labels.insert(key, value);
            }
        }
        Record { committed, pending: KubeletSettings::default() }
    }
}

/// Returns whether the live labels for zone and region are those that a run sets on this instance.
fn labels_are_own(settings: &KubeletSettings, live: &KubeletSettings) -> bool {
    [label::ZONE, label::REGION]
        .iter()
        .all(|key| settings.node_labels.get(*key) == live.node_labels.get(*key))
}

/// Returns an instance type's max-pods in a table of [`ENI_MAX_PODS`]. A line is `m5.large 29`, for
/// example.
fn max_pods_in_table(table: &str, instance_type: &InstanceType) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(instance_type.as_str())).then(|| words.next()?.parse().ok())?
    })
}

impl Renderer for Bottlerocket {
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        self.render_beside(kubelet, &ExistingConfig::default())
    }

    fn render_beside(&self, kubelet: &Kubelet, existing: &ExistingConfig) -> Vec<Change> {
        let Kubelet { max_pods, kube_reserved, node_labels, needed_flags: _ } = kubelet;
        let Reserved { cpu, ephemeral_storage, memory, others: _ } = kube_reserved;
        let reserved = [("cpu", cpu), ("ephemeral-storage", ephemeral_storage), ("memory", memory)];
        let settings = KubeletSettings {
            max_pods: Some(*max_pods),
            kube_reserved: reserved
                .map(|(resource, quantity)| (resource.to_owned(), quantity.to_string()))
                .into(),
            node_labels: node_labels
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect(),
        };
        let current = self.live.kubelet.only(&settings);
        let record = self.record_of(&settings, existing);
        let before =
            Record { committed: self.own_before(&settings), pending: record.committed.clone() };
        vec![Change::BottlerocketSettings {
            current,
            external_label: settings.external_label(&self.live.kubelet),
            settings,
            record_before: before.to_toml(),
            record_after: record.to_toml(),
        }]
    }
}

#[cfg(test)]
mod tests;
