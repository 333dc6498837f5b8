//! snapd's settings of the `kubelet-eks` snap, by its own command.

use std::io;
use std::process::Command;

/// The kubelet on Ubuntu's EKS images.
///
/// Source: `/etc/eks/bootstrap.sh` of those images.
pub const SNAP: &str = "kubelet-eks";

/// snapd did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum SnapError {
    /// There is no such command.
    #[error("`snap {0}` could not be run")]
    Command(String, #[source] io::Error),
    /// It ended badly.
    #[error("`snap {command}` failed: {said}")]
    Failed {
        /// What was asked.
        command: String,
        /// What it said.
        said: String,
    },
}

/// The kubelet's arguments; empty where none are set.
pub fn arguments() -> Result<String, SnapError> {
    match snap(&["get", SNAP, "args"]) {
        Ok(said) => Ok(said.trim().to_owned()),
        Err(SnapError::Failed { said, .. }) if said.contains("no \"args\" configuration") => {
            Ok(String::new())
        }
        Err(error) => Err(error),
    }
}

/// Sets them. A kubelet that runs is restarted by the snap's own hook.
pub fn set_arguments(arguments: &str) -> Result<(), SnapError> {
    snap(&["set", SNAP, &format!("args={arguments}")]).map(drop)
}

fn snap(arguments: &[&str]) -> Result<String, SnapError> {
    let command = arguments.join(" ");
    let output = Command::new("snap").args(arguments).output();
    let output = output.map_err(|source| SnapError::Command(command.clone(), source))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(SnapError::Failed { command, said })
    }
}
