//! `ClusterConfig`s of eksctl.

use super::{bottlerocket, node_config, script};
use crate::repository;
use eni_bootstrap_real_parts::python;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// A Python program that prints each violation of the schema in `sys.argv[1]` by the document on stdin.
const VALIDATE: &str = "
import json, sys
from jsonschema import Draft7Validator
validator = Draft7Validator(json.load(open(sys.argv[1])))
problems = [f'{error.json_path}: {error.message}' for error in validator.iter_errors(json.load(sys.stdin))]
sys.exit('\\n'.join(problems) or 0)
";

/// Returns the schemas: the fields that the examples and pages use, and with `EKSCTL_SCHEMA` the schema of eksctl.
fn schemas() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let complete = std::env::var_os("EKSCTL_SCHEMA").map(PathBuf::from);
    let own = repository("tests/documents/eksctl.schema.json");
    std::iter::once(own).chain(complete).collect()
}

/// Validates a `ClusterConfig`, and parses `overrideBootstrapCommand` by the image family.
pub fn check(config: &Value) -> Result<(), String> {
    let none = Vec::new();
    for groups in ["nodeGroups", "managedNodeGroups"] {
        for group in config[groups].as_array().unwrap_or(&none) {
            let Some(text) = group["overrideBootstrapCommand"].as_str() else { continue };
            // The default family is AmazonLinux2023.
            let result = match group["amiFamily"].as_str() {
                None | Some("AmazonLinux2023") => node_config::check(text),
                Some("Bottlerocket") => bottlerocket::user_data(text),
                Some(_) => script::check(text),
            };
            result.map_err(|error| format!("overrideBootstrapCommand: {error}"))?;
        }
    }
    let Some(python) = python() else { return Ok(()) };
    schemas().into_iter().try_for_each(|schema| {
        let mut command = Command::new(&python);
        script::run(command.args(["-c", VALIDATE]).arg(schema), &config.to_string())
    })
}

#[test]
fn the_schema_rejects_unknown_fields() {
    if python().is_none() {
        return;
    }
    let config = |field: &str, value: &str| {
        serde_json::json!({
            "apiVersion": "eksctl.io/v1alpha5",
            "kind": "ClusterConfig",
            "metadata": { "name": "my-cluster", "region": "us-west-2" },
            "managedNodeGroups": [{ "name": "a", field: value }],
        })
    };
    assert_eq!(check(&config("ami", "ami-0123456789abcdef0")), Ok(()));
    assert!(check(&config("amis", "ami-0123456789abcdef0")).is_err());
    assert!(check(&config("minSize", "three")).is_err());
    assert!(check(&config("overrideBootstrapCommand", "kind: NodeConfig")).is_err());
}
