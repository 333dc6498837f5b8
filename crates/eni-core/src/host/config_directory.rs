//! A drop-in of the kubelet itself, in the directory of its flag `--config-dir`. The flags
//! `--max-pods` and `--kube-reserved` are deprecated; a configuration file is not.
//!
//! The kubelet reads the files in the directory whose extension is `.conf`, in lexical order, and
//! merges each of them into the file of `--config` as a JSON merge patch: maps key by key, and every
//! other value is replaced. Flags take precedence over all files. Kubernetes 1.28 and 1.29 read the
//! directory only with the environment variable `KUBELET_CONFIG_DROPIN_DIR_ALPHA`.
//!
//! Source: `NewKubeletCommand` and `mergeKubeletConfigurations` in `cmd/kubelet/app/server.go`,
//! kubernetes/kubernetes v1.28.15, v1.29.14, v1.30.0 and v1.34.4.

mod check;
mod config_file;

pub(super) use check::{ConfigCheck, WrongValue};
pub(super) use config_file::parse;

use super::change::is_owned;
use super::existing_config::flag_of_program;
use super::{Change, Image, NOTICE, Read, kubelet_unit};
use crate::domain::kubelet::Kubelet;
use crate::domain::reserved::Reserved;
use config_file::{differing_keys, lost_key, removes_own_values};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The file name of the drop-in. It sorts after the names that operators usually choose.
pub(super) const NAME: &str = "zz-eni-bootstrap.conf";
/// The directory that eni-bootstrap adds to the kubelet's command line. It must outlive a reboot: the
/// arguments of a kubeadm node do, and the kubelet does not start without the directory.
const ADDED: &str = "/var/lib/eni-bootstrap/kubelet.conf.d";
/// The drop-in in [`ADDED`].
pub(super) const ADDED_FILE: &str = "/var/lib/eni-bootstrap/kubelet.conf.d/zz-eni-bootstrap.conf";
/// The first version, major and minor, that reads the directory without the variable [`ALPHA`].
const FIRST_VERSION: (u32, u32) = (1, 30);
/// The environment variable without which the kubelet before [`FIRST_VERSION`] rejects the flag.
const ALPHA: &str = "KUBELET_CONFIG_DROPIN_DIR_ALPHA";

/// The directory of the kubelet's drop-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigDirectory {
    path: PathBuf,
    /// Whether eni-bootstrap adds `--config-dir` to the command line.
    is_added: bool,
}

/// Why flags configure max-pods and kube-reserved; `None` if nothing suggests that the kubelet reads
/// drop-ins.
type FlagsReason = Option<String>;

impl ConfigDirectory {
    /// Returns the directory for the drop-in of the kubelet: the value of `--config-dir` in the command
    /// line, or the directory that eni-bootstrap adds to the command line.
    ///
    /// # Errors
    ///
    /// The reason if the kubelet would not read the drop-in, or if that is uncertain. `own_file` is the
    /// environment file that eni-bootstrap adds its arguments to.
    pub(super) fn find(image: &Image, own_file: Option<&Path>) -> Result<Self, FlagsReason> {
        let Some(program) = kubelet_unit::kubelet(image) else { return Err(None) };
        if kubelet_unit::has_later_arguments(image) {
            return Err(None);
        }
        let line = kubelet_unit::command_line(image);
        let directory = match flag_of_program(&line, "--config-dir") {
            Some(path) if !path.is_empty() => Self::existing(image, &path)?,
            _ => Self::added(image, &line, &program)?,
        };
        let obstacle = kubelet_unit::unknown_arguments(image, own_file)
            .or_else(|| directory.obstacle(image))
            .or_else(|| directory.obstacle_in_files(image, &line));
        obstacle.map_or(Ok(directory), |reason| Err(Some(reason)))
    }

    /// Returns the directory, and a note for the log that begins with a semicolon.
    pub(super) fn find_with_note(image: &Image, own_file: Option<&Path>) -> (Option<Self>, String) {
        match Self::find(image, own_file) {
            Ok(directory) => {
                let note =
                    format!("; the kubelet reads drop-ins from {}", directory.path.display());
                (Some(directory), note)
            }
            Err(Some(reason)) => (None, format!("; kubelet flags are used, because {reason}")),
            Err(None) => (None, String::new()),
        }
    }

    fn existing(image: &Image, path: &str) -> Result<Self, FlagsReason> {
        // systemd replaces variables and specifiers.
        if !path.starts_with('/') || path.contains(['$', '%']) {
            return Err(Some(format!(
                "--config-dir {path:?} is relative, or contains a variable or a specifier"
            )));
        }
        if kubelet_unit::environment(image).contains_key(ALPHA) {
            return Err(Some(format!("{ALPHA} is set; kubelets before 1.30 require it")));
        }
        Ok(Self { path: path.into(), is_added: false })
    }

    fn added(image: &Image, line: &str, program: &Path) -> Result<Self, FlagsReason> {
        if flag_of_program(line, "--config").is_none_or(|file| file.is_empty()) {
            return Err(None);
        }
        let Some((major, minor)) = image.kubelet_version().and_then(version) else {
            return Err(Some(format!("the version of {} is unknown", program.display())));
        };
        if (major, minor) < FIRST_VERSION {
            return Err(Some(format!("kubelet {major}.{minor} does not read --config-dir")));
        }
        Ok(Self { path: ADDED.into(), is_added: true })
    }

    /// Returns why a drop-in in the directory has no effect, or cannot be written.
    fn obstacle(&self, image: &Image) -> Option<String> {
        let path = self.path.display();
        if let Some(state) = image.unsuitable_directory(&self.path) {
            return Some(format!("{path} {state}"));
        }
        if image.file(self.path.join(NAME)).is_some_and(|text| !is_owned(text)) {
            return Some(format!("{path}/{NAME} was not written by eni-bootstrap"));
        }
        None
    }

    /// Returns why the kubelet would not use the values of the drop-in, or would lose a value of its file
    /// in `--config`.
    fn obstacle_in_files(&self, image: &Image, line: &str) -> Option<String> {
        let main = flag_of_program(line, "--config").filter(|file| !file.is_empty());
        let text = main.as_ref().and_then(|main| image.file(main));
        match (&main, text) {
            (Some(main), None) if self.is_added => return Some(format!("{main} cannot be read")),
            (Some(main), Some(text)) => {
                let config = match read(main, text) {
                    Ok(config) => config,
                    Err(reason) => return Some(reason),
                };
                if let Some(key) = lost_key(&config).filter(|_| self.is_added) {
                    return Some(format!(
                        "the kubelet ignores the empty {key} in {main} if it reads drop-ins"
                    ));
                }
            }
            _ => {}
        }
        let directory = self.path.display();
        drop_ins(image, &self.path).filter(|(name, _)| *name != NAME).find_map(|(name, text)| {
            let file = format!("{directory}/{name}");
            match read(&file, text) {
                Ok(config) => (name > NAME && removes_own_values(&config))
                    .then(|| format!("{file} removes or replaces maxPods or kubeReserved")),
                Err(reason) => Some(reason),
            }
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the change that writes the drop-in.
    pub(super) fn change(&self, kubelet: &Kubelet) -> Change {
        let Kubelet { max_pods, kube_reserved, node_labels: _, needed_flags: _ } = kubelet;
        // A flag replaces the map of all files, so the file needs no other resources.
        let Reserved { cpu, ephemeral_storage, memory, others: _ } = kube_reserved;
        let contents = format!(
            "{NOTICE}\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: {max_pods}
# The kubelet merges the maps of its files by key, and keeps other resources, such as pid.
kubeReserved:
  cpu: \"{cpu}\"
  ephemeral-storage: \"{ephemeral_storage}\"
  memory: \"{memory}\"
"
        );
        Change::OwnedFile { path: self.path.join(NAME), contents }
    }

    /// Returns the arguments that the kubelet needs in addition to the drop-in.
    pub(super) fn arguments(&self, kubelet: &Kubelet) -> Vec<String> {
        let path = self.path.display();
        let added = self.is_added.then(|| format!("--config-dir={path}"));
        added.into_iter().chain(kubelet.arguments_beside_file()).collect()
    }

    /// Returns the check that the kubelet reads the drop-in, and no later file with other values.
    pub(super) fn check(&self, kubelet: &Kubelet) -> ConfigCheck {
        ConfigCheck::new(self.path.clone(), self.is_added, kubelet)
    }
}

/// Returns the contents of a configuration file, or why they may replace the values of eni-bootstrap.
fn read(file: &str, text: &str) -> Result<Value, String> {
    let config = parse(text).ok_or_else(|| format!("{file} cannot be parsed"))?;
    if let Some((key, own)) = differing_keys(&config).next() {
        return Err(format!("the kubelet reads {key} in {file} as {own}"));
    }
    Ok(config)
}

/// Returns the requests for the directory, and for the version of the kubelet if it decides whether a
/// directory can be added.
pub(super) fn reads(image: &Image) -> Vec<Read> {
    // A run with other files of the kubelet removes the drop-in in this directory.
    let added = Read::Suitability(ADDED.into());
    let Some(program) = kubelet_unit::kubelet(image) else { return vec![added] };
    if kubelet_unit::has_later_arguments(image) {
        return vec![added];
    }
    let line = kubelet_unit::command_line(image);
    let files = |path: PathBuf| Read::Directory { path, extensions: &["conf"] };
    match flag_of_program(&line, "--config-dir").filter(|path| !path.is_empty()) {
        Some(path) => vec![Read::Suitability(path.into()), added],
        None if flag_of_program(&line, "--config").is_some() => {
            vec![Read::KubeletVersion { program }, files(ADDED.into()), added]
        }
        None => vec![added],
    }
}

/// Returns the names and the texts of the drop-ins that the kubelet reads from a directory, in its
/// order.
pub(super) fn drop_ins<'a>(
    image: &'a Image,
    directory: &'a Path,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    // The kubelet compares the extension case-sensitively.
    image.directory(directory).filter(|(name, _)| is_drop_in(Path::new(name)))
}

/// Returns whether the kubelet reads a file with this name from its drop-in directory.
#[must_use]
pub fn is_drop_in(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "conf")
}

/// Returns the path of the drop-in in the directory that the kubelet's command line names.
pub(super) fn target(image: &Image) -> Option<PathBuf> {
    let directory = flag_of_program(&kubelet_unit::command_line(image), "--config-dir")?;
    directory.starts_with('/').then(|| Path::new(&directory).join(NAME))
}

/// Returns the existing drop-ins of eni-bootstrap in the directories of `image` other than [`ADDED`].
/// The command line may no longer name the directory.
pub(super) fn own_files(image: &Image) -> Vec<PathBuf> {
    let files = image.paths().filter(|path| path.file_name().is_some_and(|name| name == NAME));
    let target = target(image);
    // A full disk may leave an empty file.
    let is_empty = |path: &Path| image.file(path) == Some("") && target.as_deref() == Some(path);
    let files = files.filter(|path| {
        *path != Path::new(ADDED_FILE) && (is_configuration(image, path) || is_empty(path))
    });
    files.map(Path::to_owned).collect()
}

/// Returns whether a file in a drop-in directory of the kubelet is that of eni-bootstrap.
pub(super) fn is_own(name: &str, text: &str) -> bool {
    name == NAME && is_owned(text)
}

/// Returns whether a file of eni-bootstrap is a kubelet configuration, and not a drop-in of systemd.
fn is_configuration(image: &Image, path: &Path) -> bool {
    image
        .file(path)
        .is_some_and(|text| is_owned(text) && text.contains("\nkind: KubeletConfiguration\n"))
}

/// Returns the version, major and minor, in the output of `kubelet --version`, such as
/// `Kubernetes v1.34.4-eks-3025e55`.
fn version(output: &str) -> Option<(u32, u32)> {
    let mut parts = output.trim().strip_prefix("Kubernetes v")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
