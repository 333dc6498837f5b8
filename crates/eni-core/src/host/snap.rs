//! Ubuntu EKS images, whose kubelet is the snap `kubelet-eks`. The snap's option `args` holds the kubelet
//! arguments: the existing ones are kept, and ours come last, where they take precedence.
//!
//! Source: `/etc/eks/bootstrap.sh` of those images, which sets it from `--kubelet-extra-args`.

use super::kubelet_unit;
use super::unit_file;
use super::{Change, Detection, HostFamily, HostKind, Image, Read, Renderer, SnapOption};
use crate::domain::kubelet::Kubelet;

/// The kubelet arguments.
pub(super) const ARGUMENTS: SnapOption = SnapOption { snap: "kubelet-eks", key: "args" };
/// The unit that snapd creates for the snap.
const UNIT: &str = "snap.kubelet-eks.daemon.service";

/// The family `snap`.
pub(super) struct Family;

#[derive(Debug)]
struct Snap {
    /// The current value of the option.
    arguments: String,
}

impl HostFamily for Family {
    fn kind(&self) -> HostKind {
        HostKind::Snap
    }

    fn reads(&self) -> Vec<Read> {
        let mut reads = vec![
            Read::FirstOf(unit_file::paths(UNIT)),
            Read::SnapOption { option: ARGUMENTS, unit: UNIT },
        ];
        reads.extend(kubelet_unit::reads());
        reads
    }

    fn detect(&self, image: &Image) -> Detection {
        let Some(arguments) = image.snap_option(ARGUMENTS) else {
            return Detection::NotThis(format!("no {UNIT}"));
        };
        let unused = if kubelet_unit::texts(image).is_empty() {
            String::new()
        } else {
            format!("; {} is not used", kubelet_unit::UNIT)
        };
        let reason = format!("the image has {UNIT}{unused}");
        Detection::this(reason, Snap { arguments: arguments.to_owned() })
    }

    fn remove(&self, image: &Image) -> Vec<Change> {
        let current = image.snap_option(ARGUMENTS).into_iter();
        current.map(|current| change(current, without_ours(current))).collect()
    }
}

impl Renderer for Snap {
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let theirs = without_ours(&self.arguments);
        let space = if theirs.is_empty() { "" } else { " " };
        let value = format!("{theirs}{space}{}", kubelet.arguments().join(" "));
        vec![change(&self.arguments, value)]
    }
}

fn change(current: &str, value: String) -> Change {
    Change::SnapOption { option: ARGUMENTS, current: current.to_owned(), value }
}

/// Returns the option's value without the arguments that an earlier run appended. They are recognized by
/// their position at the end, and by their order.
pub(super) fn without_ours(current: &str) -> String {
    let words: Vec<&str> = current.split_whitespace().collect();
    let ours = Kubelet::ARGUMENTS;
    let begin = words.len().saturating_sub(ours.len());
    let is_ours = words.len() >= ours.len()
        && words[begin..].iter().zip(ours).all(|(word, flag)| word.starts_with(flag));
    if is_ours { words[..begin].join(" ") } else { current.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_arguments_are_the_last_three_in_their_order() {
        let ours = "--max-pods=20 --kube-reserved=cpu=70m --node-labels=a=1";
        for (current, expected) in [
            ("", ""),
            ("--v=2", "--v=2"),
            (ours, ""),
            (&format!("--v=2 --node-labels=b=2 {ours}"), "--v=2 --node-labels=b=2"),
            (&format!("{ours} --v=2"), &format!("{ours} --v=2")),
            ("--max-pods=8 --node-labels=a=1", "--max-pods=8 --node-labels=a=1"),
        ] {
            assert_eq!(without_ours(current), expected, "{current}");
        }
    }
}
