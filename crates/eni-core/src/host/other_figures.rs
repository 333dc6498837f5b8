//! The max-pods that somebody else has set on this node, and whose it is. Text in, nothing read.

use super::nodeadm::DROP_IN_NAME;
use super::user_data::NodeConfigKubelet;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the kubelet of nodeadm's images reads drop-ins of its own.
///
/// Source: `nodeadm/internal/kubelet/config.go`, awslabs/amazon-eks-ami.
pub const KUBELET_DROP_INS: &str = "/etc/kubernetes/kubelet/config.json.d";
/// nodeadm's own in it, with what it makes of `kubelet.config`: ours included.
const OF_NODEADM: &str = "40-nodeadm.conf";

/// What becomes of a max-pods that somebody else has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Ours wins.
    #[default]
    Override,
    /// Theirs stands.
    Respect,
    /// The lower of the two.
    Lower,
}

/// Whose figure it is, as far as the node's labels tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody's that can be told.
    Somebody,
    /// A managed node group: EKS writes its own figure into user data.
    ManagedNodeGroup,
    /// Karpenter, which plans pods by the figure that it has written.
    Karpenter,
}

/// Where it stands, the weakest first: a flag wins over every file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `kubelet.maxPodsExpression` in user data: a plain number.
    Expression,
    /// `kubelet.config` in user data.
    UserData,
    /// `kubelet.config` in another drop-in of nodeadm's, by its name.
    DropIn(String),
    /// A drop-in of the kubelet's own, by its name: nodeadm's, and so ours, is read before it.
    KubeletDropIn(String),
    /// `kubelet.flags` in user data.
    UserDataFlag,
    /// `kubelet.flags` in another drop-in of nodeadm's, by its name.
    DropInFlag(String),
    /// The kubelet's unit, its drop-ins or the file that they read.
    Arguments,
    /// Bottlerocket's settings.
    Bottlerocket,
}

/// A max-pods that somebody else has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherFigure {
    /// The figure.
    pub max_pods: u32,
    /// Where it stands.
    pub place: Place,
    /// Whose it is.
    pub owner: Owner,
}

impl OtherFigure {
    /// Whether nodeadm reads it after ours, so that it wins whatever we say.
    #[must_use]
    pub fn comes_after_ours(&self) -> bool {
        match &self.place {
            Place::DropIn(name) | Place::DropInFlag(name) => name.as_str() > DROP_IN_NAME,
            _ => false,
        }
    }

    /// Whether only a flag beats it: it is one itself, or is read after every file of ours.
    #[must_use]
    pub fn takes_a_flag(&self) -> bool {
        match self.place {
            Place::Expression | Place::UserData | Place::DropIn(_) | Place::Bottlerocket => false,
            Place::KubeletDropIn(_)
            | Place::UserDataFlag
            | Place::DropInFlag(_)
            | Place::Arguments => true,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression => formatter.write_str("maxPodsExpression in user data"),
            Self::UserData => formatter.write_str("user data"),
            Self::KubeletDropIn(name) => write!(formatter, "{KUBELET_DROP_INS}/{name}"),
            Self::UserDataFlag => formatter.write_str("a kubelet flag in user data"),
            Self::DropIn(name) => write!(formatter, "/etc/eks/nodeadm.d/{name}"),
            Self::DropInFlag(name) => {
                write!(formatter, "a kubelet flag in /etc/eks/nodeadm.d/{name}")
            }
            Self::Bottlerocket => formatter.write_str("Bottlerocket's settings"),
            Self::Arguments => formatter.write_str("the kubelet's own arguments"),
        }
    }
}

impl fmt::Display for OtherFigure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_pods, place, owner } = self;
        let verb =
            if matches!(place, Place::Bottlerocket | Place::Arguments) { "set" } else { "sets" };
        write!(formatter, "{place} {verb} max-pods to {max_pods}")?;
        match owner {
            Owner::Somebody => Ok(()),
            Owner::ManagedNodeGroup => formatter.write_str(" (the managed node group's)"),
            Owner::Karpenter => formatter.write_str(" (Karpenter's)"),
        }
    }
}

/// Those in a `NodeConfig`: user data's, or that of another drop-in by its name.
pub(super) fn of_node_config(said: &NodeConfigKubelet, drop_in: Option<&str>) -> Vec<OtherFigure> {
    let owner = owner(&said.flags);
    let name = drop_in.map(str::to_owned);
    let in_file = name.clone().map_or(Place::UserData, Place::DropIn);
    let in_flags = name.map_or(Place::UserDataFlag, Place::DropInFlag);
    let figure = |max_pods: Option<u32>, place| {
        max_pods.map(|max_pods| OtherFigure { max_pods, place, owner })
    };
    let expression = said.expression.as_ref().and_then(|text| text.trim().parse().ok());
    let expression = figure(expression.filter(|_| drop_in.is_none()), Place::Expression);
    [
        expression,
        figure(said.max_pods, in_file),
        figure(of_arguments(&said.flags.join(" ")), in_flags),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// That of a drop-in of the kubelet's own, which is JSON or YAML. What is read before nodeadm's has no
/// say.
pub(super) fn of_kubelet_drop_in(name: &str, text: &str) -> Option<OtherFigure> {
    let config: serde_json::Value = serde_saphyr::from_str(text).ok()?;
    let max_pods = config["maxPods"].as_u64().and_then(|it| u32::try_from(it).ok())?;
    let place = Place::KubeletDropIn(name.to_owned());
    (name > OF_NODEADM).then_some(OtherFigure { max_pods, place, owner: Owner::Somebody })
}

/// Whether these arguments set the kubelet's reserve, which only later arguments beat.
pub(super) fn sets_reserve(arguments: &str) -> bool {
    // There is `--kube-reserved-cgroup`, too.
    arguments.split("--kube-reserved").skip(1).any(|rest| !rest.starts_with('-'))
}

/// That of what the kubelet's unit or its snap starts it with.
pub(super) fn of_command_lines(lines: &[String]) -> Option<OtherFigure> {
    let last = lines.iter().rev().find_map(|line| of_arguments(line));
    let owner = owner(lines);
    last.map(|max_pods| OtherFigure { max_pods, place: Place::Arguments, owner })
}

/// The last `--max-pods=N` or `--max-pods N`.
fn of_arguments(text: &str) -> Option<u32> {
    let mut parts = text.split("--max-pods").skip(1).collect::<Vec<_>>();
    parts.reverse();
    parts.iter().find_map(|rest| {
        let rest = rest.strip_prefix(['=', ' '])?.trim_start();
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

/// By the labels that each gives its nodes.
pub(super) fn owner(flags: &[String]) -> Owner {
    let any = |label: &str| flags.iter().any(|flag| flag.contains(label));
    if any("karpenter.sh/") {
        Owner::Karpenter
    } else if any("eks.amazonaws.com/nodegroup=") {
        Owner::ManagedNodeGroup
    } else {
        Owner::Somebody
    }
}

#[cfg(test)]
mod tests;
