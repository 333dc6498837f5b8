//! The JSON Schema of the settings accepts and rejects the same files as the program. The validator is the Python
//! library jsonschema, which is a dependency of moto. It checks all files in one process.

use crate::support::real_parts::python;
use eni_core::settings::{self, Settings};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Reads `[schema, [document, …]]`, and prints the first problem of each document as JSON; null if it is valid.
const VALIDATE: &str = "
import json, sys
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match
schema, documents = json.load(sys.stdin)
Draft7Validator.check_schema(schema)
validator = Draft7Validator(schema)
errors = [best_match(validator.iter_errors(document)) for document in documents]
json.dump([error and f'{error.json_path}: {error.message}' for error in errors], sys.stdout)
";

/// Settings that both accept.
const VALID: &str = r#"
[cni]
source = "settings"
version = "v1.20.4-eksbuild.1"
max-eni = 4294967295
[cni]
ip-family = "ipv6"
version = "1.19"
[eni-config]
name = "prod-{zone}-{tag:team}"
wait = "forever"
label = ""
[eni-config]
label = "vpc.amazonaws.com/externalEniConfig"
wait = "0"
[eni-config]
label = "topology.kubernetes.io/zone"
wait = "1h 30min"
[eni-config]
label = "example.node.kubernetes.io/config"
on-full-subnet = "wait"
[pods]
ceiling = 58
policy = "lower"
[pods]
ceiling = "58"
[pods]
ceiling = "none"
[reserve]
cpu = "1.5"
memory = "1Gi"
ephemeral-storage = "1e9"
basis = "karpenter"
[reserve]
cpu = "+70m"
memory = ".5Gi"
[fallback]
wait = "off"
[retry]
limit = "forever"
first-boot = "off"
pause = "1.5s"
[imds]
wait = "0.5s"
[host]
kind = "kubelet-dropin"
render-wait = "0"
[labels]
"example.com/team" = "blue"
team = ""
"node.kubernetes.io/pool" = "a.b-c_d"
"node.kubernetes.io/instance-type" = "m5.large"
"topology.kubernetes.io/region" = "us-west-2"
"#;

/// Settings that both reject: an unknown table or key, a wrong type, and a wrong value.
const INVALID: &str = r#"
[eniconfig]
wait = "10m"
[cni]
prefix-delegatoin = true
[cni]
custom-networking = "true"
[cni]
max-eni = -1
[cni]
max-eni = 4294967296
[cni]
max-eni = 1.5
[cni]
source = "daemonset"
[cni]
version = "1"
[cni]
version = "latest"
[eni-config]
name = ""
[eni-config]
name = "{az}"
[eni-config]
name = "prod-{zone"
[eni-config]
name = "{tag:}"
[eni-config]
label = "a b"
[eni-config]
label = "node-role.kubernetes.io/worker"
[eni-config]
wait = 600
[eni-config]
wait = "10"
[eni-config]
wait = "off"
[eni-config]
verify = "no"
[pods]
ceiling = 0
[pods]
ceiling = "0"
[pods]
ceiling = "lots"
[pods]
ceiling = true
[pods]
policy = "lowest"
[reserve]
cpu = "1 core"
[reserve]
memory = "1GiB"
[reserve]
memory = 500
[reserve]
memory = "-1Gi"
[retry]
limit = "never"
[retry]
pause = "soon"
[imds]
wait = "0"
[imds]
wait = "0s"
[host]
kind = "al2023"
[labels]
"kubernetes.io/hostname" = "a"
[labels]
"beta.kubernetes.io/arch" = "a"
[labels]
"kubernetes.io/role" = "a"
[labels]
team = "a b"
[labels]
team = 1
[labels]
"-team" = "a"
"#;

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Splits settings into documents of one table each.
fn documents(text: &str) -> Vec<String> {
    let mut documents: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('[') || documents.is_empty() {
            documents.push(String::new());
        }
        let document = documents.last_mut().unwrap();
        document.extend([line, "\n"]);
    }
    documents
}

/// Returns the problem of each document according to the schema; `None` if the tool is not installed.
fn problems(documents: &[String]) -> Option<Vec<Option<String>>> {
    let python = python()?;
    let schema = fs::read_to_string(path("packaging/settings.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let documents: Vec<Value> = documents.iter().map(|it| toml::from_str(it).unwrap()).collect();
    let mut command = Command::new(python);
    command.args(["-c", VALIDATE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let input = json!([schema, documents]).to_string();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn parse(document: &str) -> Result<Settings, settings::FileError> {
    Settings::from_toml(Path::new("90-site.toml"), document)
}

#[test]
fn the_schema_and_the_program_agree() {
    let (valid, invalid) = (documents(VALID), documents(INVALID));
    assert_eq!((valid.len(), invalid.len()), (16, 39));
    for document in &valid {
        assert!(parse(document).is_ok(), "{document}");
    }
    for document in &invalid {
        assert!(parse(document).is_err(), "{document}");
    }
    let Some(of_valid) = problems(&valid) else { return };
    assert_eq!(of_valid, vec![None; valid.len()]);
    let accepted: Vec<&String> = invalid
        .iter()
        .zip(problems(&invalid).unwrap())
        .filter_map(|(document, problem)| problem.is_none().then_some(document))
        .collect();
    assert_eq!(accepted, Vec::<&String>::new());
}

#[test]
fn an_editor_shows_what_is_wrong() {
    let documents =
        ["[cni]\nmax-enis = 2\n", "[cni]\nmax-eni = \"2\"\n", "[pods]\npolicy = \"low\"\n"];
    let Some(problems) = problems(&documents.map(str::to_owned)) else { return };
    assert_eq!(
        problems.into_iter().flatten().collect::<Vec<_>>(),
        [
            "$.cni: Additional properties are not allowed ('max-enis' was unexpected)",
            "$.cni['max-eni']: '2' is not of type 'integer'",
            "$.pods.policy: 'low' is not one of ['override', 'respect', 'lower']",
        ]
    );
}

/// Returns a document with every key and its example value.
fn every_key() -> String {
    let mut text = String::new();
    for section in settings::sections() {
        text.extend(["[", &section.name, "]\n"]);
        for setting in &section.settings {
            let example = &setting.documentation().example;
            let Some((_, key)) = setting.key.split_once('.') else { continue };
            text.extend([key, " = ", example, "\n"]);
        }
    }
    text + "\"example.com/team\" = \"blue\"\n"
}

#[test]
fn the_schema_accepts_every_settings_file_of_the_repository() {
    let mut files = vec![every_key()];
    for name in ["packaging/50-defaults.toml", "ami/packer/90-site.toml"] {
        files.push(fs::read_to_string(path(name)).unwrap());
    }
    // The TOML blocks with settings in the documentation.
    let pages = glob::glob(path("docs/**/*.md").to_str().unwrap()).unwrap();
    for page in pages {
        let text = fs::read_to_string(page.unwrap()).unwrap();
        let blocks = text.split("```toml\n").skip(1).filter_map(|it| it.split("```").next());
        files.extend(blocks.filter(|block| parse(block).is_ok()).map(str::to_owned));
    }
    assert!(files.len() > 20, "{}", files.len());
    let Some(problems) = problems(&files) else { return };
    let rejected: Vec<_> = files.iter().zip(problems).filter(|(_, it)| it.is_some()).collect();
    assert!(rejected.is_empty(), "{rejected:?}");
}
