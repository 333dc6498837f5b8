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
    /// Which values a configuration file alone cannot set.
    #[serde(skip)]
    pub needed_flags: NeededFlags,
}

/// Which values must be kubelet flags on a host that configures the kubelet in a file. Only a flag
/// overrides an existing flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeededFlags {
    pub max_pods: bool,
    pub kube_reserved: bool,
}

impl Kubelet {
    /// Prefixes of the arguments, in the order of [`Self::arguments`].
    pub const ARGUMENTS: [&str; 3] = ["--max-pods=", "--kube-reserved=", "--node-labels="];

    /// Returns the configuration as command-line arguments, which override every configuration
    /// file. The types of the values guarantee that no argument contains a space or a quote.
    #[must_use]
    pub fn arguments(&self) -> [String; 3] {
        let Self { max_pods, kube_reserved, node_labels, needed_flags: _ } = self;
        let [pods, reserved, labels] = Self::ARGUMENTS;
        [
            format!("{pods}{max_pods}"),
            format!("{reserved}{kube_reserved}"),
            format!("{labels}{node_labels}"),
        ]
    }

    /// Returns the arguments that are necessary if a configuration file sets max-pods and
    /// kube-reserved: the labels, which have no field in that file, and the needed flags.
    #[must_use]
    pub fn arguments_beside_file(&self) -> Vec<String> {
        let NeededFlags { max_pods, kube_reserved } = self.needed_flags;
        let [pods, reserved, labels] = self.arguments();
        let flags = [max_pods.then_some(pods), kube_reserved.then_some(reserved)];
        std::iter::once(labels).chain(flags.into_iter().flatten()).collect()
    }

    /// Returns the arguments that [`Self::arguments_beside_file`] omits.
    #[must_use]
    pub fn arguments_in_file(&self) -> Vec<String> {
        let NeededFlags { max_pods, kube_reserved } = self.needed_flags;
        let [pods, reserved, _] = self.arguments();
        let omitted = [(!max_pods).then_some(pods), (!kube_reserved).then_some(reserved)];
        omitted.into_iter().flatten().collect()
    }
}
