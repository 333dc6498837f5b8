//! The kubeconfig, the environment variables and the messages about them.

mod files;
mod region;
mod secrets;
mod variables;

use crate::support::{RunOutput, program, run_output};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with kubeconfigs and exec plugins.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and returns its path.
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs the program. The output contains FOLDER instead of the path of the folder.
    pub fn run(&self, mut command: Command) -> RunOutput {
        let mut output = run_output(command.stdin(Stdio::null()).output().unwrap());
        let path = self.path().to_str().unwrap();
        output.stdout = output.stdout.replace(path, "FOLDER");
        output.stderr = output.stderr.replace(path, "FOLDER");
        output
    }

    /// Returns the program with KUBECONFIG.
    pub fn command<'a>(
        &self,
        kubeconfig: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Command {
        let mut command = program(arguments);
        command.env("KUBECONFIG", kubeconfig).env("PATH", "/usr/bin:/bin").current_dir(self.path());
        command
    }
}

/// Returns a kubeconfig with the API server `server` and the fields `user` of its user.
pub fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: a
clusters:
- name: a
  cluster: {{server: '{server}'}}
contexts:
- name: a
  context: {{cluster: a, user: a}}
users:
- name: a
  user: {{{user}}}
"
    )
}

/// Returns a message on stderr and the exit code of a failed command.
pub fn failure(status: i32, stderr: &str) -> RunOutput {
    RunOutput { status: Some(status), stdout: String::new(), stderr: stderr.to_owned() }
}
