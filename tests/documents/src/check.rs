//! Parses a text by its language, with the parser that a node, a cluster or an author's tool uses.
//!
//! Each function returns an error with the message of the parser. If a program is missing, it returns `Ok`; the
//! programs are looked up before, so that a missing one is listed.

pub mod bottlerocket;
pub mod eksctl;
pub mod node_config;
pub mod objects;
pub mod script;
pub mod terraform;
pub mod unit;
pub mod user_data;

use eni_bootstrap_real_parts::program;
use eni_core::settings::Settings;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Parses settings of eni-bootstrap.
pub fn settings(text: &str) -> Result<(), String> {
    let path = Path::new("/etc/eni-bootstrap/90-site.toml");
    Settings::from_toml(path, text).map(drop).map_err(|error| with_sources(&error))
}

/// Parses TOML: user data of Bottlerocket if it has the table `settings`, otherwise settings of eni-bootstrap.
pub fn toml(text: &str) -> Result<(), String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    if table.contains_key("settings") { bottlerocket::user_data(text) } else { settings(text) }
}

/// Parses the documents of a YAML text.
pub fn yaml(text: &str) -> Result<Vec<Value>, String> {
    serde_saphyr::from_multiple(text).map_err(|error| error.to_string())
}

/// Parses JSON.
pub fn json(text: &str) -> Result<(), String> {
    serde_json::from_str::<Value>(text).map(drop).map_err(|error| error.to_string())
}

/// Compiles a jq program. Its variables are defined as null.
pub fn jq(text: &str) -> Result<(), String> {
    let Some(jq) = program("jq", "jq") else { return Ok(()) };
    let mut command = Command::new(jq);
    for part in text.split('$').skip(1) {
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let name = part.split(|it| !is_name(it)).next().unwrap_or_default();
        command.args(["--argjson", name, "null"]);
    }
    let program = format!("def program: {text}; empty");
    let output = command.arg("--null-input").arg(program).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(stderr) }
}

/// Returns the message of an error and those of its causes.
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn each_parser_rejects_an_invalid_text() {
    assert_eq!(toml("[eni-config]\nwait = \"15m\"\n"), Ok(()));
    assert!(toml("[eni-config]\nwaits = \"15m\"\n").is_err());
    assert!(toml("[settings.kubernetes]\nmax-pod = 1\n").is_err());
    assert!(yaml("a: [").is_err());
    assert!(json("{").is_err());
    assert_eq!(jq("($a.b) as $c | $c + 1"), Ok(()));
    if program("jq", "jq").is_some() {
        assert!(jq(".a |").is_err());
    }
}
