//! What the kubelet is told, before any one image's file formats.

use crate::domain::label::Labels;
use crate::domain::reserved::Reserved;
use serde::Serialize;

/// What the kubelet is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kubelet {
    /// Pods that the kubelet admits.
    pub max_pods: u32,
    /// What it keeps back.
    pub kube_reserved: Reserved,
    /// The labels that the node registers with.
    pub node_labels: Labels,
    /// Whether somebody else has told it something that no file beats, so that ours must be flags, too.
    #[serde(skip)]
    pub beats_flags: bool,
}

impl Kubelet {
    /// Its arguments by their names, in their order.
    pub const ARGUMENTS: [&str; 3] = ["--max-pods=", "--kube-reserved=", "--node-labels="];

    /// The same as command-line arguments, which win over every configuration file. No argument
    /// holds a space or a quote: each value's type sees to that.
    #[must_use]
    pub fn arguments(&self) -> [String; 3] {
        let Self { max_pods, kube_reserved, node_labels, beats_flags: _ } = self;
        let [pods, reserved, labels] = Self::ARGUMENTS;
        [
            format!("{pods}{max_pods}"),
            format!("{reserved}{kube_reserved}"),
            format!("{labels}{node_labels}"),
        ]
    }
}
