//! The configuration files of the kubelet itself: the file of `--config`, and the drop-ins of
//! `--config-dir`.

use super::existing_config::{
    ConfigLocation, ExistingConfig, NODEADM_KUBELET_DROP_IN, TAINTS_KEY, flag_value,
    registration_in_config, resources_in_config,
};
use super::nodeadm::KUBELET_DROP_INS;
use super::{Image, Read, kubelet_unit, snap};
use serde_json::Value;
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
    let directory = directory(lines);
    let directories = directory.iter().map(PathBuf::as_path);
    let known = Path::new(KUBELET_DROP_INS);
    let directories = directories.filter(|path| *path != known).chain([known]);
    for directory in directories {
        for (name, text) in image.directory(directory) {
            if directory == known && name == NODEADM_KUBELET_DROP_IN {
                continue;
            }
            let path = directory.join(name).display().to_string();
            let location = if directory == known && name > NODEADM_KUBELET_DROP_IN {
                ConfigLocation::KubeletDropIn(name.to_owned())
            } else {
                ConfigLocation::KubeletConfigDropIn(path)
            };
            existing.extend(read(text, &location));
        }
    }
    existing
}

/// Returns the values in a file, which is JSON or YAML. The kubelet itself rejects a file that
/// cannot be parsed.
fn read(text: &str, location: &ConfigLocation) -> ExistingConfig {
    let config: Value = serde_saphyr::from_str(text).unwrap_or_default();
    let taints = config.get(TAINTS_KEY);
    let registration = taints.and_then(|it| registration_in_config(it, location.clone()));
    ExistingConfig {
        resources: resources_in_config(|key| config.get(key), location),
        registration: registration.into_iter().collect(),
        ..ExistingConfig::default()
    }
}
