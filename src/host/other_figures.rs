//! The max-pods that somebody else has set on this node, and whose it is. Text in, nothing read.

use super::user_data::NodeConfigKubelet;
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// `kubelet.config` in user data.
    UserData,
    /// `kubelet.config` in another drop-in of nodeadm's, by its name.
    DropIn(String),
    /// `kubelet.flags` in user data.
    UserDataFlag,
    /// `kubelet.flags` in another drop-in of nodeadm's, by its name.
    DropInFlag(String),
    /// The kubelet's unit, its drop-ins or the file that they read.
    Arguments,
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
    /// Whether it is a command-line flag, which only a later flag beats.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        matches!(self.place, Place::UserDataFlag | Place::DropInFlag(_) | Place::Arguments)
    }
}

impl fmt::Display for OtherFigure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_pods, place, owner } = self;
        match place {
            Place::UserData => write!(formatter, "user data sets max-pods to {max_pods}")?,
            Place::UserDataFlag => {
                write!(formatter, "a kubelet flag in user data sets max-pods to {max_pods}")?;
            }
            Place::DropIn(name) => {
                write!(formatter, "/etc/eks/nodeadm.d/{name} sets max-pods to {max_pods}")?;
            }
            Place::DropInFlag(name) => write!(
                formatter,
                "a kubelet flag in /etc/eks/nodeadm.d/{name} sets max-pods to {max_pods}"
            )?,
            Place::Arguments => {
                write!(formatter, "the kubelet's own arguments set max-pods to {max_pods}")?;
            }
        }
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
    [figure(said.max_pods, in_file), figure(of_arguments(&said.flags.join(" ")), in_flags)]
        .into_iter()
        .flatten()
        .collect()
}

/// Those in the arguments of a kubelet's unit, its drop-ins or the file that they read.
pub(super) fn of_units(texts: &[String]) -> Option<OtherFigure> {
    let last = texts.iter().rev().find_map(|text| of_arguments(text));
    let all = texts.join("\n");
    let owner = owner(&[all]);
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
fn owner(flags: &[String]) -> Owner {
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
mod tests {
    use super::*;

    #[test]
    fn the_last_flag_counts_and_words_do_not() {
        for (text, expected) in [
            ("--max-pods=20", Some(20)),
            ("--v=2 --max-pods 58 --x", Some(58)),
            ("--max-pods=20 --max-pods=30", Some(30)),
            ("KUBELET_EXTRA_ARGS=\"--max-pods=11\"", Some(11)),
            ("--max-pods=$MAX", None),
            ("--max-pods-x=3", None),
            ("", None),
        ] {
            assert_eq!(of_arguments(text), expected, "{text}");
        }
    }

    #[test]
    fn each_place_and_owner_has_its_words() {
        let said = |max_pods, flags: &[&str], drop_in| {
            let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
            let found = of_node_config(&NodeConfigKubelet { max_pods, flags }, drop_in);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            said(Some(110), &["--node-labels=eks.amazonaws.com/nodegroup=blue"], None),
            ["user data sets max-pods to 110 (the managed node group's)"]
        );
        assert_eq!(
            said(Some(58), &["--max-pods=17", "--node-labels=karpenter.sh/nodepool=x"], None),
            [
                "user data sets max-pods to 58 (Karpenter's)",
                "a kubelet flag in user data sets max-pods to 17 (Karpenter's)"
            ]
        );
        assert_eq!(
            said(Some(3), &["--max-pods=4"], Some("50-site.yaml")),
            [
                "/etc/eks/nodeadm.d/50-site.yaml sets max-pods to 3",
                "a kubelet flag in /etc/eks/nodeadm.d/50-site.yaml sets max-pods to 4"
            ]
        );
        let units = ["[Service]\nEnvironment='KUBELET_EXTRA_ARGS=--max-pods=9'\n".to_owned()];
        assert_eq!(
            of_units(&units).unwrap().to_string(),
            "the kubelet's own arguments set max-pods to 9"
        );
        assert_eq!(of_units(&[]), None);
    }
}
