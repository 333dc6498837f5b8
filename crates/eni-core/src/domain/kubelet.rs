//! Configuration of the kubelet, independent of the file formats of an image family.

use crate::domain::label::Labels;
use crate::domain::reserved::Reserved;
use serde::Serialize;

/// Configuration of the kubelet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kubelet {
    /// Number of pods that the kubelet accepts.
    pub max_pods: u32,
    /// Resources that the kubelet reserves.
    pub kube_reserved: Reserved,
    /// Labels that the kubelet sets when it registers the node.
    pub node_labels: Labels,
    /// Whether max-pods and kube-reserved must be kubelet flags: only a flag overrides an existing
    /// flag or a later drop-in of the kubelet.
    #[serde(skip)]
    pub needs_flags: bool,
}

impl Kubelet {
    /// Prefixes of the arguments, in the order of [`Self::arguments`].
    pub const ARGUMENTS: [&str; 3] = ["--max-pods=", "--kube-reserved=", "--node-labels="];

    /// Returns the configuration as command-line arguments, which override every configuration
    /// file. The types of the values guarantee that no argument contains a space or a quote.
    #[must_use]
    pub fn arguments(&self) -> [String; 3] {
        let Self { max_pods, kube_reserved, node_labels, needs_flags: _ } = self;
        let [pods, reserved, labels] = Self::ARGUMENTS;
        [
            format!("{pods}{max_pods}"),
            format!("{reserved}{kube_reserved}"),
            format!("{labels}{node_labels}"),
        ]
    }
}
