//! `helm lint`, `helm template` and the schema of the values.

use super::helm::{Helm, chart, documents, expect_golden, full_values, helm_program, repository};
use serde_json::json;
use std::fs;
use std::process::Command;

const IMAGE: &str = "--set=audit.enabled=true,audit.image.repository=example.com/kubectl-eni";

#[test]
fn lint_finds_no_problem() {
    let Some(helm) = helm_program() else { return };
    let chart = chart();
    let chart = chart.to_str().unwrap();
    for values in [None, Some(full_values())] {
        let mut arguments = vec!["lint", "--strict", "--quiet", chart];
        arguments.extend(values.as_deref());
        assert_eq!(helm.stdout(&arguments), "");
    }
}

#[test]
fn rendered_objects_are_golden_files() {
    let Some(helm) = helm_program() else { return };
    let chart = chart();
    let template = ["template", "test", chart.to_str().unwrap(), "--namespace=ops"];
    expect_golden("default.yaml", &helm.stdout(&template));
    let full = full_values();
    expect_golden("full.yaml", &helm.stdout(&[&template[..], &[&full]].concat()));
}

#[test]
fn the_archive_of_the_chart_has_the_version_of_the_program() {
    let Some(helm) = helm_program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let archive = |name: &str| {
        let output = folder.path().join(name);
        let mut script = Command::new(repository().join("packaging/chart/build.sh"));
        let built = script.arg(&output).env("SOURCE_DATE_EPOCH", "1").output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        output.join(concat!("eni-bootstrap-", env!("CARGO_PKG_VERSION"), ".tgz"))
    };
    let (first, second) = (archive("first"), archive("second"));
    let chart = first.to_str().unwrap();
    assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap(), "the build is reproducible");
    let shown = helm.stdout(&["show", "chart", chart]);
    let shown: serde_json::Value = serde_saphyr::from_str(&shown).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!((&shown["version"], &shown["appVersion"]), (&json!(version), &json!(version)));
    let template = ["template", "test", chart, IMAGE, "--show-only=templates/audit-cronjob.yaml"];
    let audit = &documents(&helm.stdout(&template))[0];
    let container = &audit["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], format!("example.com/kubectl-eni:{version}"));
}

#[test]
fn each_part_can_be_switched_off() {
    let Some(helm) = helm_program() else { return };
    let count = |arguments: &[&str]| helm.objects(arguments).len();
    let no_nodes = "--set=nodes.rbac.create=false";
    assert_eq!(count(&[no_nodes]), 0);
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&[no_nodes, "--set=operators.rbac.create=true"]), 4);
    assert_eq!(count(&[no_nodes, "--set=operators.rbac.create=true,operators.rbac.apply=true"]), 6);
    assert_eq!(count(&[no_nodes, IMAGE]), 6);
    let eni_config = "--set=eniConfig.create=true,eniConfig.subnets.us-west-2a.id=subnet-0a";
    let kept = &helm.objects(&[no_nodes, eni_config])[0]["metadata"];
    assert_eq!(kept["annotations"], json!({ "helm.sh/resource-policy": "keep" }));
    let deleted = &helm.objects(&[no_nodes, eni_config, "--set=eniConfig.keep=false"])[0];
    assert_eq!(deleted["metadata"].get("annotations"), None);
}

/// Returns the messages of the schema for these values.
fn rejection(helm: &Helm, values: &str) -> String {
    let chart = chart();
    let (status, _, stderr) = helm.run(&["template", "test", chart.to_str().unwrap(), values]);
    assert_eq!(status, Some(1), "{values}: {stderr}");
    let messages = stderr.lines().filter_map(|line| line.strip_prefix("- "));
    messages.collect::<Vec<_>>().join("\n")
}

#[test]
fn invalid_values_are_rejected() {
    let Some(helm) = helm_program() else { return };
    let missing = "at '/audit/image/repository': minLength: got 0, want 1";
    for (values, message) in [
        ("--set=audit.enabled=true", missing),
        ("--set=audits.enabled=true", "at '': additional properties 'audits' not allowed"),
        (
            "--set=audit.image.digest=sha256:0",
            "at '/audit/image/digest': 'sha256:0' does not match pattern '^(sha256:[0-9a-f]{64})?$'",
        ),
        (
            "--set=audit.output=yaml",
            "at '/audit/output': value must be one of 'text', 'json', 'prometheus'",
        ),
        ("--set=eniConfig.create=true", "at '/eniConfig/subnets': minProperties: got 0, want 1"),
        (
            "--set=eniConfig.subnets.us-west-2a.id=sg-1",
            "at '/eniConfig/subnets/us-west-2a/id': 'sg-1' does not match pattern '^subnet-[0-9a-z]+$'",
        ),
        ("--set=operators.rbac.apply=true", "at '/operators/rbac/create': value must be true"),
        ("--set=nodes.rbac.group=", "at '/nodes/rbac/group': minLength: got 0, want 1"),
    ] {
        assert_eq!(rejection(&helm, values), message, "{values}");
    }
}
