//! Tokens of the AWS CLI, to compare with those of eni-bootstrap byte for byte.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::parts::part;

/// Returns the output of `aws eks get-token` at the time `instant` (RFC 3339), with these arguments and
/// only this environment.
pub fn aws_get_token(
    instant: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Option<Value> {
    let python = part("awscli/bin/python", "the AWS CLI", "tests/real/install.sh awscli")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../real/awscli/get_token.py");
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.arg(script).args([instant, "eks", "get-token"]).args(arguments);
    command.env_clear().env("HOME", home.path());
    for file in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        command.env(file, home.path().join("none"));
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(environment.iter().copied());
    let run = command.output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(serde_json::from_slice(&run.stdout).unwrap())
}
