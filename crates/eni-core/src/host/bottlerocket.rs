//! Bottlerocket, from a bootstrap container. A container cannot change the host's files, so
//! eni-bootstrap changes the settings through Bottlerocket's API, and Bottlerocket renders the
//! kubelet's files from them.
//!
//! Source: `sources/api/apiserver` and `packages/kubernetes-*`,
//! bottlerocket-os/bottlerocket-core-kit.

mod kubelet_settings;
mod live_settings;
mod rendered;

pub use kubelet_settings::KubeletSettings;
pub use live_settings::{InvalidSettings, LiveSettings, OTHER_KEYS};
pub use rendered::{KUBELET_CONFIG, KUBELET_ENV, NotRendered, check_rendered};

use super::existing_config::{self, ConfigLocation, ExistingConfig, ExistingMaxPods};
use super::{Change, Detection, HostError, HostFamily, HostKind, Image, NOTICE, Read, Renderer};
use super::{kubelet_unit, removed};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;
use crate::domain::reserved::Reserved;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The socket of the settings API in a bootstrap container.
///
/// Source: `packages/os/apiserver.service`, bottlerocket-os/bottlerocket-core-kit.
pub const SOCKET: &str = "/run/api.sock";
/// The host's root file system in a bootstrap container.
pub const ROOTFS: &str = "/.bottlerocket/rootfs";
/// eni-bootstrap's settings: `settings.bootstrap-containers.NAME.user-data`.
pub const USER_DATA: &str = "/.bottlerocket/bootstrap-containers/current/user-data";
/// The settings that eni-bootstrap committed last. The file survives reboots.
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
                bottlerocket.live.clone(),
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
        }
        existing
    }
}

/// Bottlerocket's settings, with what distinguishes values of eni-bootstrap and of pluto from
/// others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bottlerocket {
    pub live: LiveSettings,
    /// The settings that eni-bootstrap committed last; empty before the first commit.
    pub record: KubeletSettings,
    /// The texts of the existing files of [`ENI_MAX_PODS`].
    pub eni_max_pods: Vec<String>,
}

/// Parses [`RECORD`], the settings that an earlier run committed.
pub fn parse_record(text: &str) -> Result<KubeletSettings, toml::de::Error> {
    toml::from_str(text)
}

impl Bottlerocket {
    /// Returns the max-pods that another tool or the operator set. The value of pluto, which counts
    /// the primary network interface, and the recorded value of an earlier boot are ignored.
    fn existing_max_pods(&self, instance_type: &InstanceType) -> Option<ExistingMaxPods> {
        let max_pods = self.live.kubelet.max_pods?;
        let default =
            self.eni_max_pods.iter().find_map(|table| max_pods_in_table(table, instance_type));
        if Some(max_pods) == default || Some(max_pods) == self.record.max_pods {
            return None;
        }
        let labels: Vec<String> =
            self.live.kubelet.node_labels.keys().map(|key| format!("{key}=")).collect();
        let owner = existing_config::owner_by_labels(&labels);
        Some(ExistingMaxPods { max_pods, location: ConfigLocation::Bottlerocket, owner })
    }

    /// Returns the kube-reserved quantities that another tool or the operator set, by resource.
    fn existing_kube_reserved(&self) -> BTreeMap<String, String> {
        let recorded = &self.record.kube_reserved;
        let live = self.live.kubelet.kube_reserved.iter();
        let existing = live.filter(|(key, value)| recorded.get(*key) != Some(*value));
        existing.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// Returns an instance type's max-pods in a table of [`ENI_MAX_PODS`]. A line is `m5.large 29`, for
/// example.
fn max_pods_in_table(table: &str, instance_type: &InstanceType) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(instance_type.as_str())).then(|| words.next()?.parse().ok())?
    })
}

impl Renderer for LiveSettings {
    /// Returns the record before the settings: if the run is killed after the commit, the next run
    /// must recognize its own values.
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let Kubelet { max_pods, kube_reserved, node_labels, needs_flags: _ } = kubelet;
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
        let notice = NOTICE.lines().next().unwrap_or_default();
        let mut contents = format!(
            "{notice}\n# The settings that eni-bootstrap committed last. It uses them to detect values that others set.\nmax-pods = {max_pods}\n\n[kube-reserved]\n"
        );
        for (resource, quantity) in reserved {
            // Writing to a String cannot fail.
            let _ = writeln!(contents, "{resource} = \"{quantity}\"");
        }
        let current = self.kubelet.only(&settings);
        vec![
            Change::OwnedFile { path: RECORD.into(), contents },
            Change::BottlerocketSettings { current, settings },
        ]
    }
}

#[cfg(test)]
mod tests;
