//! The families of node images: detection, configuration of the kubelet, removal, and existing
//! configuration. This module converts text to text; the agent reads and writes the files.
//!
//! To add a family, implement [`HostFamily`] in a new file in `host/`, add its `mod` line, a variant to
//! [`HostKind`] and a row to [`FAMILIES`], and add a scenario to `tests/scenarios`.

pub mod bottlerocket;
mod change;
pub mod cluster_hints;
mod config_directory;
mod detect;
pub mod existing_config;
pub mod file_text;
mod image;
mod kubeadm;
mod kubelet_config;
pub mod kubelet_dropin;
mod kubelet_unit;
mod loaded_unit;
pub(crate) mod nodeadm;
mod none;
mod out_of_scope;
#[cfg(test)]
mod scenarios;
mod snap;
mod unit_check;
mod unit_file;
mod unit_mismatch;
pub mod user_data;

pub(crate) use change::NOTICE;
pub use change::{Change, Comparison, HostCommand, Outcome, System};
pub use config_directory::is_drop_in;
pub(crate) use detect::Detection;
pub use detect::{DetectedHost, HostError, detect};
pub use existing_config::{ExistingConfig, existing_config};
pub use image::{Image, KUBELET_VERSION, Read, SnapOption};
pub use loaded_unit::{LoadedUnit, PROPERTIES};
pub use out_of_scope::{COMPUTE_TYPE, OutOfScope, check_image, check_user_data};
pub use unit_check::{UnitCheck, UnitFiles};
pub use unit_mismatch::{Difference, UnitMismatch};

use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;
use crate::domain::named_values::named_values;
use std::fmt;
use std::path::PathBuf;

named_values! {
    /// The family of a node image, as `host.kind` names it.
    HostKind {
        /// Detect the family from files in the image
        #[default]
        Auto = "auto",
        /// Amazon Linux 2023 images whose nodeadm reads `/etc/eks/nodeadm.d`
        Nodeadm = "nodeadm",
        /// Other images that run the kubelet as a systemd unit, such as AL2 and older AL2023 images
        KubeletDropin = "kubelet-dropin",
        /// Images whose kubelet is configured by kubeadm
        Kubeadm = "kubeadm",
        /// Ubuntu EKS images, where the kubelet is the kubelet-eks snap
        Snap = "snap",
        /// Bottlerocket, with eni-bootstrap running as a bootstrap container
        Bottlerocket = "bottlerocket",
        /// Write nothing; you pass the kubelet arguments to the kubelet yourself
        None = "none",
    }
}

/// Every family. Detection tries them in this order, the most specific first.
const FAMILIES: &[&dyn HostFamily] = &[
    &bottlerocket::Family,
    &nodeadm::Family,
    &snap::Family,
    &kubeadm::Family,
    &kubelet_dropin::Family,
    &none::Family,
];

/// A family of node images.
pub(crate) trait HostFamily: Sync {
    /// Returns the name of the family in the settings.
    fn kind(&self) -> HostKind;

    /// Returns the requests for everything that the other methods need from the image.
    fn reads(&self) -> Vec<Read>;

    /// Returns whether the image belongs to this family.
    fn detect(&self, image: &Image) -> Detection;

    /// Returns the error for an image that does not belong to this family although `host.kind`
    /// selects it. `reason` comes from [`Detection::NotThis`].
    fn mismatch(&self, reason: String) -> HostError {
        let help = "set `host.kind = \"auto\"`, or use `--host-kind kubelet-dropin`";
        HostError::Mismatch { kind: self.kind(), reason, help }
    }

    /// Returns the paths of the files that this family owns. They are removed from an image that
    /// belongs to another family.
    fn files(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns the paths of the files of other programs that this family changes.
    fn shared_files(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns whether the files of the other families are removed when this one is configured.
    fn removes_other_files(&self) -> bool {
        true
    }

    /// Returns the changes that remove everything that this family may have written.
    fn remove(&self, _image: &Image) -> Vec<Change> {
        self.files().iter().copied().map(removed).collect()
    }

    /// Returns the existing configuration of the kubelet on the image, without user data.
    fn existing(&self, image: &Image, _instance_type: &InstanceType) -> ExistingConfig {
        kubelet_unit::existing(image)
    }

    /// Returns the names and the texts of everything that contains a part of the kubelet's command
    /// lines, the lowest precedence first.
    fn sources(&self, image: &Image) -> Vec<(String, String)> {
        kubelet_unit::sources(image)
    }
}

/// A detected host that renders the kubelet's configuration.
pub(crate) trait Renderer: fmt::Debug + Send + Sync {
    /// Returns the changes that configure the kubelet.
    fn render(&self, kubelet: &Kubelet) -> Vec<Change>;

    /// Returns the changes that configure the kubelet, for a family that records which values are
    /// those of `existing`.
    fn render_beside(&self, kubelet: &Kubelet, _existing: &ExistingConfig) -> Vec<Change> {
        self.render(kubelet)
    }

    /// Returns whether a configuration file sets max-pods and kube-reserved. Otherwise, flags do.
    fn uses_config_file(&self) -> bool {
        false
    }

    /// Returns what systemd must execute after the changes, in the order of the checks.
    fn unit_checks(&self, _kubelet: &Kubelet) -> Vec<UnitCheck> {
        Vec::new()
    }
}

/// Returns the requests of all families, in the order in which the agent must read.
#[must_use]
pub fn reads() -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    for read in FAMILIES.iter().flat_map(|family| family.reads()) {
        if !reads.contains(&read) {
            reads.push(read);
        }
    }
    let files = FAMILIES.iter().flat_map(|family| family.files()).map(PathBuf::from);
    let missing: Vec<PathBuf> =
        files.filter(|file| !reads.iter().any(|read| read.includes(file))).collect();
    reads.extend(missing.into_iter().map(Read::file));
    reads
}

/// Returns the requests for the files that the files in `image` refer to, and for the labels that
/// nodeadm has set. The agent reads them after those of [`reads`], and ignores an unreadable file.
#[must_use]
pub fn later_reads(image: &Image) -> Vec<Read> {
    let mut reads = kubelet_config::reads(image);
    reads.push(Read::file(nodeadm::ENVIRONMENT));
    reads.extend(config_directory::reads(image));
    reads
}

/// Returns the changes that remove everything that any family may have written to the image.
#[must_use]
pub fn remove(image: &Image) -> Vec<Change> {
    let changes = FAMILIES.iter().flat_map(|family| family.remove(image));
    // Files first: a `snap` command may fail or time out, and must not keep a file from removal.
    let (snap, mut files): (Vec<_>, Vec<_>) =
        changes.partition(|change| matches!(change, Change::SnapOption { .. }));
    files.extend(snap);
    files
}

/// Returns the paths of all files that any family may write to the image.
pub fn target_files(image: &Image) -> impl Iterator<Item = PathBuf> {
    let files =
        FAMILIES.iter().flat_map(|family| family.files().iter().chain(family.shared_files()));
    files.map(PathBuf::from).chain(config_directory::target(image))
}

fn removed(path: &str) -> Change {
    Change::RemoveFile { path: path.into() }
}

impl HostKind {
    fn family(self) -> Option<&'static dyn HostFamily> {
        FAMILIES.iter().copied().find(|family| family.kind() == self)
    }
}

impl fmt::Display for HostKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
