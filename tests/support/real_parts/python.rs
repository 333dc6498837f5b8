//! Python as moto's environment has it, and what comes with it.

use super::parts::part;
use super::server::Server;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Python with what moto is made of: jsonschema and a YAML reader among it.
pub fn python() -> Option<PathBuf> {
    part("moto/bin/python", "moto's Python", "tests/real/install.sh moto")
}

/// The linter of `CloudFormation` templates, which moto is made of, too.
pub fn cfn_lint() -> Option<PathBuf> {
    part("moto/bin/cfn-lint", "cfn-lint", "tests/real/install.sh moto")
}

/// A plain HTTP server with what is in `folder`, for one test.
pub fn file_server(folder: &Path) -> Option<Server> {
    let python = python()?;
    Some(Server::start(|at| {
        let mut command = Command::new(&python);
        command.args(["-m", "http.server", "--bind", &at.ip().to_string()]);
        command.args([&at.port().to_string(), "--directory"]).arg(folder);
        command
    }))
}
