//! The Python environment that moto is installed in, and its other programs.

use super::parts::part;
use super::server::Server;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns a Python with the dependencies of moto, such as jsonschema and `PyYAML`.
pub fn python() -> Option<PathBuf> {
    part("moto/bin/python", "moto's Python", "tests/real/install.sh moto")
}

/// Returns cfn-lint, the linter of `CloudFormation` templates, which is a dependency of moto.
pub fn cfn_lint() -> Option<PathBuf> {
    part("moto/bin/cfn-lint", "cfn-lint", "tests/real/install.sh moto")
}

/// Starts an HTTP server that serves the files in `folder`.
pub fn file_server(folder: &Path) -> Option<Server> {
    let python = python()?;
    Some(Server::start(|at| {
        let mut command = Command::new(&python);
        command.args(["-m", "http.server", "--bind", &at.ip().to_string()]);
        command.args([&at.port().to_string(), "--directory"]).arg(folder);
        command
    }))
}
