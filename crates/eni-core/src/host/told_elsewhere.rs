//! Everything that somebody else has told the kubelet of this image.

use super::bottlerocket::Bottlerocket;
use super::other_figures::{self, OtherFigure};
use super::user_data::{self, NodeConfigKubelet};
use super::{Host, Image, kubeadm, snap, unit_file};
use crate::domain::identifier::InstanceType;
use std::collections::BTreeMap;

/// What somebody else has told the kubelet, as far as it is ours to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldElsewhere {
    /// Every max-pods, the weakest first.
    pub figures: Vec<OtherFigure>,
    /// Whether a flag sets its reserve.
    pub sets_reserve: bool,
    /// The reserve that Bottlerocket's settings hold, and we did not set.
    pub reserve: BTreeMap<String, String>,
    /// A `maxPodsExpression` in user data that is no plain number: only nodeadm can work it out.
    pub expression: Option<String>,
}

/// What somebody else has told the kubelet of this image. `said` is what the `NodeConfig` in user data
/// says of it.
#[must_use]
pub fn told_elsewhere(
    image: &Image,
    host: &Host,
    instance_type: &InstanceType,
    said: Option<&NodeConfigKubelet>,
) -> ToldElsewhere {
    let said = said.cloned().unwrap_or_default();
    let mut figures = other_figures::of_node_config(&said, None);
    let extra = image.extra_arguments.iter();
    let files: Vec<_> =
        extra.map(|(path, text)| (path.clone(), kubeadm::without_block(text))).collect();
    let mut arguments = vec![unit_file::arguments(&image.kubelet_unit, &files)];
    arguments.extend(image.snap_arguments.iter().map(|current| snap::without_ours(current)));
    figures.extend(other_figures::of_command_lines(&arguments));
    arguments.extend(said.flags);
    if *host == Host::Nodeadm {
        for (name, text) in &image.nodeadm_drop_ins {
            // One that cannot be read is nodeadm's to refuse.
            let said = user_data::node_config(text.as_bytes()).ok().flatten();
            let kubelet = said.unwrap_or_default().kubelet;
            figures.extend(other_figures::of_node_config(&kubelet, Some(name)));
            arguments.extend(kubelet.flags);
        }
        let drop_ins = image.kubelet_drop_ins.iter();
        figures.extend(
            drop_ins.filter_map(|(name, text)| other_figures::of_kubelet_drop_in(name, text)),
        );
    }
    let bottlerocket = match host {
        Host::Bottlerocket(_) => image.bottlerocket.as_ref(),
        _ => None,
    };
    figures.extend(bottlerocket.and_then(|it| it.other_figure(instance_type)));
    figures.sort_by(|one, other| one.place.cmp(&other.place));
    let is_plain = |text: &String| text.trim().parse::<u32>().is_ok();
    ToldElsewhere {
        figures,
        sets_reserve: arguments.iter().any(|text| other_figures::sets_reserve(text)),
        reserve: bottlerocket.map(Bottlerocket::other_reserve).unwrap_or_default(),
        expression: said.expression.filter(|text| !is_plain(text)),
    }
}
