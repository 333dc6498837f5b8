//! The systemd unit `kubelet.service` of an image, and the command lines that the kubelet starts
//! with.

use super::config_directory::ConfigDirectory;
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

/// The environment file that `kubeadm join` writes before it starts the kubelet.
///
/// Source: `10-kubeadm.conf`, kubernetes/release.
const KUBEADM_FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";

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
            let text = image.file(&path)?;
            let is_shared = kubeadm::FILES.iter().any(|file| path == Path::new(file));
            let text = if is_shared { kubeadm::without_block(text) } else { text.to_owned() };
            Some((path, text))
        })
        .collect()
}

/// Returns the environment variables of the unit, without the values of eni-bootstrap.
pub(super) fn environment(image: &Image) -> BTreeMap<String, String> {
    unit_file::environment(&texts(image), &environment_texts(image))
}

/// Returns the path of the kubelet that the unit starts directly; `None` for a script, or if another
/// program starts the kubelet, perhaps with another root directory.
pub(super) fn kubelet(image: &Image) -> Option<PathBuf> {
    let command = unit_file::exec_start(&texts(image)).ok()?;
    let program = PathBuf::from(command.words.first()?);
    let is_kubelet = program.is_absolute() && program.ends_with("kubelet");
    (is_kubelet && image.file(&program).is_none()).then_some(program)
}

/// Returns whether another program may write arguments of the unit after eni-bootstrap has run: nodeadm,
/// `bootstrap.sh` of Amazon Linux 2, or kubeadm before the node has joined the cluster.
pub(super) fn has_later_arguments(image: &Image) -> bool {
    let files = unit_file::environment_files(&texts(image));
    let reads = |path: &str| files.iter().any(|file| file == Path::new(path));
    let is_joined = image.file(KUBEADM_FLAGS).is_some();
    image.file(AL2_UNIT).is_some()
        || reads(nodeadm::ENVIRONMENT)
        || (reads(KUBEADM_FLAGS) && !is_joined)
}

/// Returns why another program may add arguments to the unit after eni-bootstrap has run: an environment
/// file does not exist yet, or a variable is not set. `own_file` is the environment file that
/// eni-bootstrap writes.
pub(super) fn unknown_arguments(image: &Image, own_file: Option<&Path>) -> Option<String> {
    let own_files = [own_file, Some(Path::new(kubelet_dropin::ENVIRONMENT))];
    let is_missing =
        |file: &PathBuf| image.file(file).is_none() && !own_files.contains(&Some(file.as_path()));
    if let Some(file) = environment_files(image).into_iter().find(is_missing) {
        return Some(format!(
            "{} does not exist, and may contain kubelet arguments later",
            file.display()
        ));
    }
    let command = unit_file::exec_start(&texts(image)).ok()?;
    let environment = environment(image);
    let is_own = |name: &str| {
        name == kubelet_dropin::VARIABLE || (name == kubeadm::VARIABLE && own_file.is_some())
    };
    let mut variables = command.variables().into_iter();
    let unset = variables.find(|&name| !environment.contains_key(name) && !is_own(name))?;
    Some(format!("${unset} is not set, and may contain kubelet arguments later"))
}

/// Returns the command line of the unit, without the arguments of eni-bootstrap.
pub(super) fn command_line(image: &Image) -> String {
    unit_file::arguments(&texts(image), &environment_texts(image))
}

/// Returns the command lines of the unit and of the kubelet's snap, without the arguments of
/// eni-bootstrap. A later one takes precedence.
pub(super) fn command_lines(image: &Image) -> Vec<String> {
    std::iter::once(command_line(image)).chain(snap::command_lines(image)).collect()
}

/// Returns the existing configuration in the command lines and the kubelet's configuration files.
pub(super) fn existing(image: &Image) -> ExistingConfig {
    let lines = command_lines(image);
    let mut existing = ExistingConfig::from_command_lines(&lines);
    existing.max_pods.extend(kubelet_config::max_pods(image, &lines));
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

/// Returns the arguments that eni-bootstrap adds to the command. `directory` is that of the kubelet's
/// drop-ins, if one of them configures the kubelet.
pub(super) fn own_arguments(kubelet: &Kubelet, directory: Option<&ConfigDirectory>) -> Vec<String> {
    match directory {
        Some(directory) => directory.arguments(kubelet),
        None => kubelet.arguments().into(),
    }
}

/// Returns the check that the unit starts the kubelet with the planned configuration. `variable` is the
/// environment variable with the arguments of eni-bootstrap.
pub(super) fn check(
    kubelet: &Kubelet,
    directory: Option<&ConfigDirectory>,
    variable: &'static str,
) -> UnitCheck {
    UnitCheck {
        unit: UNIT,
        retry: "systemctl start kubelet",
        program: Program::Kubelet { variable },
        required: own_arguments(kubelet, directory),
        configured: directory.map(|_| kubelet.arguments_in_file()).unwrap_or_default(),
        config: directory.map(|directory| directory.check(kubelet)),
        future_files: Vec::new(),
    }
}
