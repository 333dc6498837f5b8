//! The systemd unit `kubelet.service` of an image, and the command lines that the kubelet starts
//! with.

use super::unit_check::{Program, UnitCheck};
use super::unit_file::{self, Command, UnitError};
use super::{ExistingConfig, Image, Read};
use super::{kubeadm, kubelet_config, kubelet_dropin, nodeadm, snap};
use crate::domain::kubelet::Kubelet;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    reads.push(Read::KubeletUnitFiles);
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
    let drop_ins = drop_ins(image).into_iter().map(|(_, text)| text);
    std::iter::once(unit.to_owned()).chain(drop_ins).collect()
}

/// Returns the paths and the texts of the drop-ins in systemd's order, without that of
/// eni-bootstrap.
pub(super) fn drop_ins(image: &Image) -> Vec<(PathBuf, String)> {
    let mut drop_ins = unit_file::drop_ins(image, UNIT);
    drop_ins.retain(|(path, _)| !kubelet_dropin::DROP_INS.iter().any(|own| path == Path::new(own)));
    drop_ins
}

/// Returns the paths of the environment files of other programs that the unit reads, in its order.
pub(super) fn environment_files(image: &Image) -> Vec<PathBuf> {
    let mut files = unit_file::environment_files(&texts(image));
    // nodeadm writes this file later in the boot. Until then it has the values of the previous boot,
    // which include those of eni-bootstrap.
    files.retain(|file| file != Path::new(nodeadm::ENVIRONMENT));
    files
}

/// Returns the path of the program that is the kubelet, or may be a script that starts it.
pub(super) fn program(image: &Image) -> Option<PathBuf> {
    let command = unit_file::exec_start(&texts(image)).ok()?;
    unit_file::kubelet_program(&command.words).map(PathBuf::from)
}

/// Returns the command of the unit, or an error if arguments at its end do not reach a kubelet.
/// `variable` is the environment variable that contains the arguments.
pub(super) fn command(image: &Image, variable: &str) -> Result<Command, UnitError> {
    let command = unit_file::exec_start(&texts(image))?;
    let script = unit_file::kubelet_program(&command.words).and_then(|path| image.file(path));
    command.check(script, variable)?;
    Ok(command)
}

/// Returns the texts of the environment files by path, without the blocks of eni-bootstrap.
pub(super) fn environment_texts(image: &Image) -> Vec<(PathBuf, String)> {
    let files = environment_files(image).into_iter();
    files
        .filter_map(|path| {
            let text = kubeadm::without_block(image.file(&path)?);
            Some((path, text))
        })
        .collect()
}

/// Returns the environment variables of the unit, without the values of eni-bootstrap.
pub(super) fn environment(image: &Image) -> BTreeMap<String, String> {
    unit_file::environment(&texts(image), &environment_texts(image))
}

/// Returns the command lines of the unit and of the kubelet's snap, without the arguments of
/// eni-bootstrap. A later one takes precedence.
pub(super) fn command_lines(image: &Image) -> Vec<String> {
    let unit = unit_file::arguments(&texts(image), &environment_texts(image));
    std::iter::once(unit).chain(snap::command_lines(image)).collect()
}

/// Returns the existing configuration in the command lines and the kubelet's configuration files.
pub(super) fn existing(image: &Image) -> ExistingConfig {
    let lines = command_lines(image);
    let mut existing = ExistingConfig::from_command_lines(&lines);
    existing.extend(kubelet_config::existing(image, &lines));
    existing
}

/// Returns the names and the texts of everything that contains a part of the command lines, the
/// lowest precedence first.
pub(super) fn sources(image: &Image) -> Vec<(String, String)> {
    let unit = candidates().into_iter().find_map(|path| {
        let text = image.file(&path)?.to_owned();
        Some((path, text))
    });
    let files = unit.into_iter().chain(drop_ins(image)).chain(environment_texts(image));
    let files = files.map(|(path, text)| (path.display().to_string(), text));
    files.chain(snap::sources(image)).collect()
}

/// Returns the check that the unit starts the kubelet with the planned arguments, which are in the
/// environment variable `variable`.
pub(super) fn check(kubelet: &Kubelet, variable: &'static str) -> UnitCheck {
    UnitCheck {
        unit: UNIT,
        retry: "systemctl start kubelet",
        program: Program::Kubelet { variable },
        required: kubelet.arguments().into(),
        configured: Vec::new(),
        future_files: Vec::new(),
    }
}
