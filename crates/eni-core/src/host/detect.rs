//! Detection of the family that an image belongs to.

use super::bottlerocket::SOCKET;
use super::{Change, ExistingConfig, FAMILIES, HostFamily, HostKind, Image, Renderer, UnitCheck};
use super::{config_directory, kubeadm, unit_file};
use crate::domain::identifier::InvalidIdentifier;
use crate::domain::kubelet::Kubelet;
use crate::domain::proxy::InvalidProxy;
use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether an image belongs to a family.
pub(crate) enum Detection {
    /// The image does not belong to the family. The reason completes "this image has …".
    NotThis(String),
    /// The image belongs to the family.
    This {
        /// Why, for the log.
        reason: String,
        /// The renderer of the kubelet's configuration.
        renderer: Arc<dyn Renderer>,
    },
    /// The image belongs to the family, but its kubelet cannot be configured.
    Broken(HostError),
}

impl Detection {
    pub(super) fn this(reason: impl Into<String>, renderer: impl Renderer + 'static) -> Self {
        Self::This { reason: reason.into(), renderer: Arc::new(renderer) }
    }
}

/// The family of an image, with what is needed to configure its kubelet.
#[derive(Clone, Debug)]
pub struct DetectedHost {
    pub kind: HostKind,
    /// Why this family was selected, for the log.
    pub reason: String,
    renderer: Arc<dyn Renderer>,
    /// Existing files that this or another family owns.
    old_files: Vec<PathBuf>,
}

impl DetectedHost {
    /// Returns the changes that configure the kubelet, followed by those that remove files of other
    /// families. Such files remain if an image is upgraded in place.
    #[must_use]
    pub fn render(&self, kubelet: &Kubelet, existing: &ExistingConfig) -> Vec<Change> {
        let mut changes = self.renderer.render_beside(kubelet, existing);
        if self.kind.family().is_some_and(HostFamily::removes_other_files) {
            let targets: Vec<String> = changes.iter().map(Change::target).collect();
            let is_target = |file: &PathBuf| targets.iter().any(|it| Path::new(it) == file);
            let others = self.old_files.iter().filter(|file| !is_target(file)).cloned();
            changes.extend(others.map(|path| Change::RemoveFile { path }));
        }
        changes
    }

    /// Returns whether a configuration file sets max-pods and kube-reserved of the kubelet. Otherwise,
    /// kubelet flags do.
    #[must_use]
    pub fn uses_config_file(&self) -> bool {
        self.renderer.uses_config_file()
    }

    /// Returns what systemd must execute after the changes.
    #[must_use]
    pub fn unit_checks(&self, kubelet: &Kubelet) -> Vec<UnitCheck> {
        self.renderer.unit_checks(kubelet)
    }
}

/// Why the kubelet of an image cannot be configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The image belongs to no family.
    #[error("this image has neither nodeadm-run.service nor kubelet.service")]
    Unknown,
    /// The image does not belong to the family in `host.kind`.
    #[error("host.kind is {kind}, but this image has {reason}")]
    Mismatch {
        /// The family in the settings.
        kind: HostKind,
        /// What the image has instead.
        reason: String,
        /// The help for the operator.
        help: &'static str,
    },
    /// The socket of Bottlerocket's settings API is missing.
    #[error("this image has no {SOCKET}, the socket of the Bottlerocket settings API")]
    NoSettingsApi,
    /// The proxy in Bottlerocket's settings is invalid.
    #[error("settings.network.https-proxy is invalid")]
    Proxy(#[source] InvalidProxy),
    /// The region in Bottlerocket's settings is invalid.
    #[error("settings.aws.region is invalid")]
    Region(#[source] InvalidIdentifier),
    /// The quotes of `KUBELET_EXTRA_ARGS` are invalid or unsupported.
    #[error(transparent)]
    ExtraArguments(#[from] kubeadm::Unquotable),
    /// The kubelet's unit has no single command that arguments can be added to.
    #[error("failed to add arguments to kubelet.service")]
    Unit(#[from] unit_file::UnitError),
}

impl Advice for HostError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Unknown => {
                "run eni-bootstrap on an EKS node image, or use `--host-kind none` and pass the output of `eni-bootstrap run --output kubelet-args` to the kubelet"
            }
            Self::Mismatch { help, .. } => help,
            Self::NoSettingsApi => {
                "run eni-bootstrap as a Bottlerocket bootstrap container (settings.bootstrap-containers); if it is one, check `journalctl -u apiserver` and reboot the node; on other images, use `--host-kind auto`"
            }
            Self::Proxy(_) | Self::Region(_) => "correct the setting in Bottlerocket's user data",
            Self::ExtraArguments(error) => return error.help(),
            Self::Unit(error) => return error.help(),
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoSettingsApi => ExitCode::Unavailable,
            Self::ExtraArguments(error) => error.exit_code(),
            Self::Unit(error) => error.exit_code(),
            Self::Unknown | Self::Mismatch { .. } | Self::Proxy(_) | Self::Region(_) => {
                ExitCode::InvalidData
            }
        }
    }
}

/// Returns the host of an image: the family `kind`, or for [`HostKind::Auto`] the first matching
/// family.
///
/// # Errors
///
/// [`HostError`] if no family, or not the family `kind`, matches the image, or if the kubelet of
/// the image cannot be configured.
pub fn detect(kind: HostKind, image: &Image) -> Result<DetectedHost, HostError> {
    let files = FAMILIES.iter().flat_map(|family| family.files()).map(PathBuf::from);
    let mut old_files: Vec<PathBuf> = files.filter(|file| image.file(file).is_some()).collect();
    old_files.extend(config_directory::own_files(image));
    let (ineffective, old_files): (Vec<_>, Vec<_>) =
        old_files.into_iter().partition(|file| unsuitable_directory(image, file).is_some());
    let notes: String = ineffective.iter().filter_map(|file| note(image, file)).collect();
    if let Some(family) = kind.family() {
        return match family.detect(image) {
            Detection::This { renderer, .. } => {
                let reason = "configured explicitly".to_owned() + &notes;
                Ok(DetectedHost { kind, reason, renderer, old_files })
            }
            Detection::NotThis(reason) => Err(family.mismatch(reason)),
            Detection::Broken(error) => Err(error),
        };
    }
    // `none` matches every image, so only the settings select it.
    for family in FAMILIES.iter().filter(|family| family.kind() != HostKind::None) {
        match family.detect(image) {
            Detection::This { reason, renderer } => {
                let reason = reason + &notes;
                return Ok(DetectedHost { kind: family.kind(), reason, renderer, old_files });
            }
            Detection::Broken(error) => return Err(error),
            Detection::NotThis(_) => {}
        }
    }
    Err(HostError::Unknown)
}

/// Returns why the directory of a file does not suit drop-ins of the kubelet. The kubelet does not use a
/// drop-in in such a directory: flags override it, or the kubelet does not read the directory.
fn unsuitable_directory<'a>(image: &'a Image, file: &Path) -> Option<&'a str> {
    image.unsuitable_directory(file.parent()?)
}

/// Returns a note for the log about a file that `run` does not remove. It begins with a semicolon.
fn note(image: &Image, file: &Path) -> Option<String> {
    let (path, directory) = (file.display(), file.parent()?.display());
    let state = unsuitable_directory(image, file)?;
    Some(format!(
        "; {path} has no effect and remains, because {directory} {state}; to remove it, make the directory writable and run `rm {path}`"
    ))
}

#[cfg(test)]
mod tests;
