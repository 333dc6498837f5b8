//! Existing values in the configuration files of the kubelet itself: the file of `--config`, and the
//! drop-ins of `--config-dir`.

use super::config_directory::{self, ConfigDirectory};
use super::existing_config::{
    ConfigLocation, ConfigOwner, ExistingConfig, ExistingMaxPods, ExistingPodsPerCore,
    NODEADM_KUBELET_DROP_IN, TAINTS_KEY, flag_value, pods_per_core_number, registration_in_config,
    resources_in_config,
};
use super::nodeadm::{self, KUBELET_DROP_INS};
use super::{Image, Read, kubeadm, kubelet_unit, snap};
use std::path::{Path, PathBuf};

/// The configuration file that the snap `kubelet-eks` and Amazon Linux 2 use. The path is an option
/// of the snap, and not part of its arguments.
///
/// Source: `/etc/eks/bootstrap.sh` of those images.
const EKS_FILE: &str = "/etc/kubernetes/kubelet/kubelet-config.json";

/// Returns the requests for the files that the kubelet's command lines in `image` name. Which of them
/// the kubelet uses depends on the family.
pub(super) fn reads(image: &Image) -> Vec<Read> {
    let mut reads = Vec::new();
    for lines in [kubelet_unit::command_lines(image), snap::command_lines(image)] {
        let file = Read::file(file(&lines));
        let directory =
            directory(&lines).map(|path| Read::Directory { path, extensions: &["conf"] });
        for read in std::iter::once(file).chain(directory) {
            if !reads.contains(&read) {
                reads.push(read);
            }
        }
    }
    reads
}

fn file(lines: &[String]) -> PathBuf {
    flag_value(lines, "--config").map_or_else(|| PathBuf::from(EKS_FILE), PathBuf::from)
}

fn directory(lines: &[String]) -> Option<PathBuf> {
    flag_value(lines, "--config-dir").map(PathBuf::from)
}

/// Returns the values in the kubelet's files, the lowest precedence first. nodeadm's
/// drop-in is omitted: it contains the values of user data and of eni-bootstrap. `lines` are the
/// kubelet's command lines.
pub(super) fn existing(image: &Image, lines: &[String]) -> ExistingConfig {
    let file = file(lines);
    let mut existing = image
        .file(&file)
        .map(|text| read(text, &ConfigLocation::KubeletConfig(file.display().to_string())))
        .unwrap_or_default();
    let effective = effective_directory(image, lines);
    let known = Path::new(KUBELET_DROP_INS);
    let others = effective.iter().map(PathBuf::as_path).filter(|path| *path != known);
    for directory in others.chain([known]) {
        let is_effective = effective.as_deref() == Some(directory);
        for (location, text) in drop_ins(image, directory, is_effective) {
            existing.extend(read(text, &location));
        }
    }
    existing
}

/// Returns max-pods in the drop-ins that the kubelet reads, the lowest precedence first; empty if nodeadm
/// writes one of them.
pub(super) fn max_pods(image: &Image, lines: &[String]) -> Vec<ExistingMaxPods> {
    let Some(directory) = effective_directory(image, lines) else { return Vec::new() };
    if image.unit(nodeadm::UNIT).is_some() {
        return Vec::new();
    }
    let values = drop_ins(image, &directory, true).into_iter().filter_map(|(location, text)| {
        let config = config_directory::parse(text)?;
        let max_pods = config.get("maxPods")?.as_u64().and_then(|it| u32::try_from(it).ok())?;
        Some(ExistingMaxPods { max_pods, location, owner: ConfigOwner::Unknown })
    });
    values.collect()
}

/// Returns the directory whose drop-ins the kubelet reads.
fn effective_directory(image: &Image, lines: &[String]) -> Option<PathBuf> {
    let own_file = kubeadm::own_file(image);
    let own = ConfigDirectory::find(image, own_file.as_deref()).ok();
    own.map(|it| it.path().to_owned()).or_else(|| directory(lines))
}

/// Returns the locations and the texts of the drop-ins of other programs in a directory, in the
/// kubelet's order. `is_effective` is whether the kubelet's command line names the directory.
fn drop_ins<'a>(
    image: &'a Image,
    directory: &'a Path,
    is_effective: bool,
) -> Vec<(ConfigLocation, &'a str)> {
    let is_nodeadm =
        directory == Path::new(KUBELET_DROP_INS) && image.unit(nodeadm::UNIT).is_some();
    let is_of_nodeadm = |name: &str| is_nodeadm && name == NODEADM_KUBELET_DROP_IN;
    let of_others = config_directory::drop_ins(image, directory)
        .filter(|(name, text)| !config_directory::is_own(name, text) && !is_of_nodeadm(name));
    let locations = of_others.map(|(name, text)| {
        let path = directory.join(name).display().to_string();
        let location = if is_nodeadm && name > NODEADM_KUBELET_DROP_IN {
            ConfigLocation::KubeletDropIn(name.to_owned())
        } else if is_effective && name > config_directory::NAME {
            ConfigLocation::LaterKubeletConfigDropIn(path)
        } else {
            ConfigLocation::KubeletConfigDropIn(path)
        };
        (location, text)
    });
    locations.collect()
}

/// Returns the values in a file, which is JSON or YAML. The kubelet itself rejects a file that
/// cannot be parsed.
fn read(text: &str, location: &ConfigLocation) -> ExistingConfig {
    let config = config_directory::parse(text).unwrap_or_default();
    let taints = config.get(TAINTS_KEY);
    let registration = taints.and_then(|it| registration_in_config(it, location.clone()));
    let pods_per_core = config.get("podsPerCore").and_then(pods_per_core_number);
    let pods_per_core = pods_per_core
        .map(|pods_per_core| ExistingPodsPerCore { pods_per_core, location: location.clone() });
    ExistingConfig {
        resources: resources_in_config(|key| config.get(key), location),
        registration: registration.into_iter().collect(),
        pods_per_core: pods_per_core.into_iter().collect(),
        ..ExistingConfig::default()
    }
}
