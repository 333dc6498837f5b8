//! The krew manifest and the archive of the kubectl plugin.

use regex_lite::Regex;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Returns the problems that krew reports about a manifest.
///
/// Source: `ValidatePlugin`, `internal/index/validation/validate.go`, kubernetes-sigs/krew.
fn problems(manifest: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut require = |what: &str, is_valid: bool| {
        if !is_valid {
            problems.push(what.to_owned());
        }
    };
    let is_match = |value: &Value, pattern: &str| {
        value.as_str().is_some_and(|text| Regex::new(pattern).unwrap().is_match(text))
    };
    let spec = &manifest["spec"];
    require(
        "apiVersion",
        manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2",
    );
    require("kind", manifest["kind"] == "Plugin");
    require("metadata.name", is_match(&manifest["metadata"]["name"], r"^[\w-]+$"));
    require("version", is_match(&spec["version"], r"^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$"));
    require("shortDescription", is_match(&spec["shortDescription"], r"^[^\r\n]+$"));
    require("homepage", is_match(&spec["homepage"], "^https://"));
    let platforms = spec["platforms"].as_array().map(Vec::as_slice).unwrap_or_default();
    require("platforms", !platforms.is_empty());
    for platform in platforms {
        let labels = &platform["selector"]["matchLabels"];
        require("os", is_match(&labels["os"], "^(linux|darwin|windows)$"));
        require("arch", is_match(&labels["arch"], "^(amd64|arm64)$"));
        require("uri", is_match(&platform["uri"], "^https://"));
        require("sha256", is_match(&platform["sha256"], "^[0-9a-f]{64}$"));
        require("bin", is_match(&platform["bin"], "^.+$"));
        for file in platform["files"].as_array().into_iter().flatten() {
            require("files", is_match(&file["from"], "^.+$") && is_match(&file["to"], "^.+$"));
        }
    }
    problems
}

/// The documents of the plugin that the archive contains.
const DOCUMENTS: [&str; 6] = [
    "kubectl_complete-eni",
    "kubectl-eni",
    "_kubectl-eni",
    "kubectl-eni.fish",
    "kubectl-eni.1",
    "kubectl-eni-check.1",
];

#[test]
fn the_manifest_has_the_fields_that_krew_requires() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("binary");
    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    fs::write(&binary, "#!/bin/sh\n").unwrap();
    let documents = folder.path().join("documents");
    fs::create_dir(&documents).unwrap();
    for name in DOCUMENTS {
        #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
        fs::write(documents.join(name), name).unwrap();
    }
    let build = |name: &str| {
        let output = folder.path().join(name);
        let mut command = Command::new(root.join("packaging/krew/build.sh"));
        command
            .args([&binary, &output])
            .env("DOCUMENTS", &documents)
            .env("SOURCE_DATE_EPOCH", "1")
            .env("HOMEPAGE", "https://a.example");
        let result = command.output().unwrap();
        assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
        let archive = fs::read(output.join("kubectl-eni-linux-amd64.tar.gz")).unwrap();
        (fs::read_to_string(output.join("eni.yaml")).unwrap(), archive)
    };
    let (text, archive) = build("first");
    assert_eq!(build("second"), (text.clone(), archive.clone()), "the build is reproducible");
    assert!(!text.contains('@'), "{text}");
    let manifest: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(problems(&manifest), [""; 0], "{text}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(manifest["metadata"]["name"], "eni");
    assert_eq!(manifest["spec"]["version"], format!("v{version}"));
    let platform = &manifest["spec"]["platforms"][0];
    assert_eq!(
        platform["uri"],
        format!("https://a.example/releases/v{version}/kubectl-eni-linux-amd64.tar.gz")
    );
    let path = folder.path().join("first/kubectl-eni-linux-amd64.tar.gz");
    let output = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).arg(&path).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        output("sha256sum", "--binary").split_whitespace().next(),
        platform["sha256"].as_str()
    );
    let files = output("tar", "-tf");
    assert_eq!(
        files.lines().collect::<Vec<_>>(),
        [
            "kubectl-eni",
            "kubectl_complete-eni",
            "LICENSE",
            "completions/",
            "completions/_kubectl-eni",
            "completions/kubectl-eni",
            "completions/kubectl-eni.fish",
            "man/",
            "man/man1/",
            "man/man1/kubectl-eni-check.1",
            "man/man1/kubectl-eni.1",
        ]
    );
    let modes = output("tar", "-tvf");
    assert_eq!(modes.matches("-rwxr-xr-x 0/0 ").count(), 2, "{modes}");
    assert_eq!(
        (&platform["bin"], &platform["files"][0]["from"]),
        (&json!("kubectl-eni"), &json!("kubectl-eni"))
    );
}

#[test]
fn a_manifest_with_missing_fields_has_problems() {
    assert_eq!(
        problems(&json!({ "spec": { "platforms": [{ "selector": {}, "files": [{}] }] } })),
        [
            "apiVersion",
            "kind",
            "metadata.name",
            "version",
            "shortDescription",
            "homepage",
            "os",
            "arch",
            "uri",
            "sha256",
            "bin",
            "files"
        ]
    );
}
