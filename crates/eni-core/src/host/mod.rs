//! What each family of node images wants to be told. Text out, nothing written.
//!
//! To add a host: a variant of [`Host`] and [`HostKind`], a file beside this one, and a row in
//! `tests/golden.rs`; the compiler names every `match` that is missing.

pub mod bottlerocket;
mod change;
pub mod cluster_hints;
mod detect;
pub mod kubeadm;
pub mod kubelet_dropin;
pub mod nodeadm;
pub mod other_figures;
pub mod snap;
mod told_elsewhere;
pub mod unit_file;
pub mod user_data;

pub use change::Change;
pub(crate) use change::NOTICE;
pub use detect::{Detected, HostError, detect};
pub use told_elsewhere::{ToldElsewhere, told_elsewhere};

use crate::domain::kubelet::Kubelet;
use bottlerocket::Bottlerocket;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// The families by name, as a person writes them in the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum HostKind {
    /// Found by what the machine has.
    #[default]
    Auto,
    /// Amazon Linux 2023 whose nodeadm reads `/etc/eks/nodeadm.d`.
    Nodeadm,
    /// Any image whose kubelet is a systemd unit: AL2, older AL2023 and others.
    KubeletDropin,
    /// An image whose kubelet kubeadm starts.
    Kubeadm,
    /// Ubuntu's EKS images, whose kubelet is the snap kubelet-eks.
    Snap,
    /// Bottlerocket, from a bootstrap container.
    Bottlerocket,
    /// Nothing is written: the caller passes the figures on.
    None,
}

/// What was found on the image that tells its family. Read once, by the machine adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `nodeadm-run.service`, if there is one.
    pub nodeadm_run_unit: Option<String>,
    /// `kubelet.service` and its drop-ins in the order in which systemd reads them; ours left out.
    pub kubelet_unit: Vec<String>,
    /// The files that kubeadm's unit may read further arguments from, by their paths.
    pub extra_arguments: Vec<(PathBuf, String)>,
    /// The arguments that snapd has for `kubelet-eks`; `None` where there is no such snap.
    pub snap_arguments: Option<String>,
    /// The other drop-ins in `/etc/eks/nodeadm.d` by their names, in nodeadm's order.
    pub nodeadm_drop_ins: Vec<(String, String)>,
    /// Drop-ins of the kubelet's own on nodeadm's images, by their names, in its order.
    pub kubelet_drop_ins: Vec<(String, String)>,
    /// What Bottlerocket's settings say, where this is one of its bootstrap containers.
    pub bottlerocket: Option<Bottlerocket>,
}

/// The family of this image, with what its renderer needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// See [`nodeadm`].
    Nodeadm,
    /// See [`kubelet_dropin`].
    KubeletDropin {
        /// The kubelet's command line, as its unit has it.
        exec_start: String,
    },
    /// See [`kubeadm`].
    Kubeadm(kubeadm::ExtraArguments),
    /// See [`snap`].
    Snap {
        /// The kubelet's arguments as they are.
        arguments: String,
    },
    /// See [`bottlerocket`].
    Bottlerocket(Box<bottlerocket::Live>),
    /// Nothing is written.
    None,
}

/// What to change so that nothing of ours is left: every file that a host of ours may have written, and
/// the block in kubeadm's.
#[must_use]
pub fn traces(image: &Image) -> Vec<Change> {
    let mut changes: Vec<Change> = OURS.concat().into_iter().map(absent).collect();
    for (path, text) in &image.extra_arguments {
        let contents = kubeadm::without_block(text);
        if contents != *text {
            changes.push(Change::File { path: path.clone(), contents });
        }
    }
    if let Some(current) = &image.snap_arguments {
        let arguments = snap::without_ours(current);
        changes.push(Change::SnapArguments { current: current.clone(), arguments });
    }
    changes.push(absent(bottlerocket::RECORD));
    changes
}

/// The files of every host that are ours as a whole.
const OURS: [&[&str]; 2] = [nodeadm::FILES, kubelet_dropin::FILES];

fn absent(path: &str) -> Change {
    Change::Absent { path: path.into() }
}

impl Host {
    /// What to change so that the kubelet starts as `kubelet` says. Files of the other families
    /// are to be absent: an image that was upgraded in place must not keep yesterday's figure.
    #[must_use]
    pub fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let mut changes = match self {
            Self::Nodeadm => nodeadm::render(kubelet),
            Self::KubeletDropin { exec_start } => kubelet_dropin::render(kubelet, exec_start),
            Self::Kubeadm(file) => kubeadm::render(kubelet, file),
            Self::Snap { arguments } => snap::render(kubelet, arguments),
            // No other family's file can be there.
            Self::Bottlerocket(live) => return bottlerocket::render(kubelet, live),
            Self::None => return Vec::new(),
        };
        for path in OURS.concat() {
            if !changes.iter().any(|change| change.path() == Some(Path::new(path))) {
                changes.push(absent(path));
            }
        }
        changes
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nodeadm => "nodeadm",
            Self::KubeletDropin { .. } => "kubelet-dropin",
            Self::Kubeadm(_) => "kubeadm",
            Self::Snap { .. } => "snap",
            Self::Bottlerocket(_) => "bottlerocket",
            Self::None => "none",
        })
    }
}
