//! Ubuntu EKS images, whose kubelet is the snap `kubelet-eks`. eni-bootstrap appends arguments to
//! the snap's option `args`, where they take precedence over the existing ones.
//!
//! Source: `/etc/eks/bootstrap.sh` of those images, which sets it from `--kubelet-extra-args`.

use super::unit_check::{Program, UnitCheck};
use super::{Change, Detection, HostFamily, HostKind, Image, Read, Renderer, SnapOption};
use super::{ExistingConfig, kubelet_config, kubelet_unit, unit_file};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;

/// The option that contains the kubelet arguments.
pub(super) const ARGUMENTS: SnapOption = SnapOption { snap: "kubelet-eks", key: "args" };
/// The command that runs eni-bootstrap again, and then starts the kubelet.
pub(super) const RETRY: &str = "snap start kubelet-eks";
/// The unit that snapd creates for the snap.
const UNIT: &str = "snap.kubelet-eks.daemon.service";

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

    /// Returns the configuration in the snap's arguments. An image may have a kubelet.service that is
    /// not used.
    fn existing(&self, image: &Image, _instance_type: &InstanceType) -> ExistingConfig {
        let lines = command_lines(image);
        let mut existing = ExistingConfig::from_flags(&lines.concat());
        existing.extend(kubelet_config::existing(image, &lines));
        existing
    }

    fn sources(&self, image: &Image) -> Vec<(String, String)> {
        sources(image)
    }

    fn remove(&self, image: &Image) -> Vec<Change> {
        let current = image.snap_option(ARGUMENTS).into_iter();
        current.map(|current| change(current, without_own_arguments(current))).collect()
    }
}

impl Renderer for Snap {
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let existing = without_own_arguments(&self.arguments);
        let space = if existing.is_empty() { "" } else { " " };
        let value = format!("{existing}{space}{}", kubelet.arguments().join(" "));
        vec![change(&self.arguments, value)]
    }

    fn unit_checks(&self, kubelet: &Kubelet) -> Vec<UnitCheck> {
        vec![UnitCheck {
            unit: UNIT,
            retry: RETRY,
            program: Program::WithArgument(ARGUMENTS.snap),
            required: Vec::new(),
            configured: kubelet.arguments().into(),
            future_files: Vec::new(),
        }]
    }
}

fn change(current: &str, value: String) -> Change {
    Change::SnapOption { option: ARGUMENTS, current: current.to_owned(), value }
}

/// Returns the arguments of the snap without those of eni-bootstrap; empty without the snap.
pub(super) fn command_lines(image: &Image) -> Vec<String> {
    image.snap_option(ARGUMENTS).map(without_own_arguments).into_iter().collect()
}

/// Returns the name and the text of the option with the arguments of the snap.
pub(super) fn sources(image: &Image) -> Vec<(String, String)> {
    let SnapOption { snap, key } = ARGUMENTS;
    let name = format!("the option {key} of the snap {snap}");
    command_lines(image).into_iter().map(|text| (name.clone(), text)).collect()
}

/// Returns the option's value without the arguments that an earlier run appended: the last three,
/// if their flags are those of [`Kubelet::ARGUMENTS`].
pub(super) fn without_own_arguments(current: &str) -> String {
    let words: Vec<&str> = current.split_whitespace().collect();
    let own = Kubelet::ARGUMENTS;
    let begin = words.len().saturating_sub(own.len());
    let is_own = words.len() >= own.len()
        && words[begin..].iter().zip(own).all(|(word, flag)| word.starts_with(flag));
    if is_own { words[..begin].join(" ") } else { current.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_arguments_are_the_last_three_in_their_order() {
        let own = "--max-pods=20 --kube-reserved=cpu=70m --node-labels=a=1";
        for (current, expected) in [
            ("", ""),
            ("--v=2", "--v=2"),
            (own, ""),
            (&format!("--v=2 --node-labels=b=2 {own}"), "--v=2 --node-labels=b=2"),
            (&format!("{own} --v=2"), &format!("{own} --v=2")),
            ("--max-pods=8 --node-labels=a=1", "--max-pods=8 --node-labels=a=1"),
        ] {
            assert_eq!(without_own_arguments(current), expected, "{current}");
        }
    }
}
