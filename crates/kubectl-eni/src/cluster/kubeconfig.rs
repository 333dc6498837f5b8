//! The kubeconfig of the flags and the environment.

use super::{ClusterError, ClusterOptions};
use kube::config::{Kubeconfig, KubeconfigError};
use std::env::split_paths;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the kubeconfig: the file of `--kubeconfig`, or else the files in `KUBECONFIG`, or else
/// `~/.kube/config`. Returns `None` if neither is set and `~/.kube/config` does not exist.
pub(super) fn load(options: &ClusterOptions) -> Result<Option<Kubeconfig>, ClusterError> {
    if let Some(path) = &options.kubeconfig {
        return read(path).map(Some);
    }
    let list = options.kubeconfig_list.as_deref().unwrap_or_default();
    let files: Vec<PathBuf> =
        split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect();
    if !files.is_empty() {
        return merged(list, &files).map(Some);
    }
    // KUBECONFIG is unset here, so kube reads the default file.
    match Kubeconfig::read() {
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
        Err(KubeconfigError::FindPath) => Ok(None),
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(ClusterError::of_kubeconfig(error, Path::new("~/.kube/config"))),
    }
}

/// Merges the files of `KUBECONFIG`. Skips files that do not exist, like kubectl.
fn merged(list: &OsStr, files: &[PathBuf]) -> Result<Kubeconfig, ClusterError> {
    let mut merged = None;
    for path in files {
        let next = match read(path) {
            Err(ClusterError::ReadKubeconfig { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                continue;
            }
            other => other?,
        };
        merged = Some(match merged {
            None => next,
            Some(first) => Kubeconfig::merge(first, next).map_err(ClusterError::Kubeconfig)?,
        });
    }
    merged.ok_or_else(|| ClusterError::NoFile(list.display().to_string()))
}

fn read(path: &Path) -> Result<Kubeconfig, ClusterError> {
    Kubeconfig::read_from(path).map_err(|error| ClusterError::of_kubeconfig(error, path))
}
