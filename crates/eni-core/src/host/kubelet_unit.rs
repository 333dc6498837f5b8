//! The systemd unit `kubelet.service` of an image, and the command lines that the kubelet starts
//! with.

use super::{ExistingConfig, Image, Read, SnapOption};
use super::{kubeadm, kubelet_config, kubelet_dropin, snap, unit_file};
use std::path::PathBuf;

/// The unit that starts the kubelet.
pub(super) const UNIT: &str = "kubelet.service";

/// The kubelet's unit on Amazon Linux 2: `bootstrap.sh` copies this file over the unit for Docker
/// just before it starts the kubelet.
///
/// Source: `templates/al2/runtime/bootstrap.sh`, awslabs/amazon-eks-ami, before 2026-03.
const AL2_UNIT: &str = "/etc/eks/containerd/kubelet-containerd.service";

/// Returns the requests for the unit, its drop-ins and the environment files that it may use.
pub(super) fn reads() -> Vec<Read> {
    let mut reads = vec![Read::FirstOf(candidates())];
    reads.extend(unit_file::drop_in_reads(UNIT));
    reads.extend(kubeadm::FILES.map(Read::file));
    reads
}

fn candidates() -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::from(AL2_UNIT)];
    paths.extend(unit_file::paths(UNIT));
    paths
}

/// Returns the texts of the unit and its drop-ins in systemd's order; empty if the image has no
/// such unit. The drop-in of eni-bootstrap is omitted, so that a second run has the same input as
/// the first.
pub(super) fn texts(image: &Image) -> Vec<String> {
    let unit = candidates().into_iter().find_map(|path| image.file(path));
    let Some(unit) = unit else { return Vec::new() };
    let drop_ins = unit_file::drop_ins(image, UNIT).into_iter();
    let others = drop_ins.filter(|(name, _)| name != kubelet_dropin::DROP_IN_NAME);
    std::iter::once(unit.to_owned()).chain(others.map(|(_, text)| text)).collect()
}

/// Returns the command lines of the unit and of the kubelet's snap, without the arguments of
/// eni-bootstrap. A later one takes precedence.
pub(super) fn command_lines(image: &Image) -> Vec<String> {
    let files = kubeadm::FILES.into_iter().filter_map(|path| {
        let text = image.file(path)?;
        Some((PathBuf::from(path), kubeadm::without_block(text)))
    });
    let unit = unit_file::arguments(&texts(image), &files.collect::<Vec<_>>());
    let snap = image.snap_option(snap::ARGUMENTS).map(snap::without_own_arguments);
    std::iter::once(unit).chain(snap).collect()
}

/// Returns the existing configuration in the command lines and the kubelet's configuration files.
pub(super) fn existing(image: &Image) -> ExistingConfig {
    let mut existing = ExistingConfig::from_command_lines(&command_lines(image));
    existing.resources.extend(kubelet_config::resources(image));
    existing
}

/// Returns the names and the texts of everything that contains a part of the command lines, the
/// lowest precedence first.
pub(super) fn sources(image: &Image) -> Vec<(String, String)> {
    let unit = candidates().into_iter().find_map(|path| {
        let text = image.file(&path)?.to_owned();
        Some((path, text))
    });
    let drop_ins = unit_file::drop_in_files(image, UNIT)
        .into_iter()
        .filter(|(path, _)| !path.ends_with(kubelet_dropin::DROP_IN_NAME));
    let files = kubeadm::FILES.into_iter().filter_map(|path| {
        let text = image.file(path)?;
        Some((PathBuf::from(path), kubeadm::without_block(text)))
    });
    let files = unit.into_iter().chain(drop_ins).chain(files);
    let snap = image.snap_option(snap::ARGUMENTS).map(|arguments| {
        let SnapOption { snap, key } = snap::ARGUMENTS;
        (format!("the option {key} of the snap {snap}"), snap::without_own_arguments(arguments))
    });
    files.map(|(path, text)| (path.display().to_string(), text)).chain(snap).collect()
}
