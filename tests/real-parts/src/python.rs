//! The Python environment that moto is installed in, and its other programs.

use super::parts::part;
use super::server::Server;
use eni_bootstrap_sandbox::Identity;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::NamedTempFile;

/// Returns a Python with the dependencies of moto, such as jsonschema and `PyYAML`.
pub fn python() -> Option<PathBuf> {
    part("moto/bin/python", "moto's Python", "tests/real/install.sh moto")
}

/// Returns cfn-lint, the linter of `CloudFormation` templates, which is a dependency of moto.
pub fn cfn_lint() -> Option<PathBuf> {
    part("moto/bin/cfn-lint", "cfn-lint", "tests/real/install.sh moto")
}

/// Serves the files in a directory over HTTPS.
const FILE_SERVER: &str = "
import functools, http.server, ssl, sys
host, port, directory, identity = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(identity)
server = http.server.ThreadingHTTPServer((host, int(port)), handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
";

/// Starts an HTTPS server that serves the files in `folder`. Returns it with the PEM of its certificate
/// authority.
pub fn file_server(folder: &Path) -> Option<(Server, String)> {
    let python = python()?;
    let mut file = NamedTempFile::new().unwrap();
    let mut authority = String::new();
    let server = Server::start(|at| {
        let identity = Identity::new(&[&at.ip().to_string()]);
        authority = identity.authority;
        file.write_all((identity.certificate + &identity.key).as_bytes()).unwrap();
        let mut command = Command::new(&python);
        command.args(["-c", FILE_SERVER, &at.ip().to_string(), &at.port().to_string()]);
        command.args([folder, file.path()]);
        command
    });
    Some((server, authority))
}
