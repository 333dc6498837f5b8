//! The container image of the kubectl plugin, which the audit `CronJob` runs.
//!
//! `make test-image-operator` builds the image and runs these tests. The other targets skip them, because a
//! release build of the plugin for both architectures takes many minutes.

use super::image::{ANNOTATION, ARCHITECTURES, Layout, json_file, listing};
use crate::support::container::{TAG, unpack_image};
use crate::support::golden::files_under;
use crate::support::node::{RunOutput, run_output};
use crate::support::pod::Pod;
use crate::support::real_parts::{Cluster, cluster, operator_image, regctl};
use crate::support::sbom::{audited_crates, crates_of_sbom};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the static binary of the plugin for `architecture`, from which the image was built.
fn binary(image: &Path, architecture: &str) -> PathBuf {
    let folder =
        if architecture == "arm64" { "aarch64-unknown-linux-gnu/release" } else { "release" };
    image.parent().unwrap().join(folder).join("kubectl-eni")
}

/// Returns the folder with the licenses and the SBOMs of the plugin.
fn documents(image: &Path) -> PathBuf {
    image.parent().unwrap().join("documents-operator/plugin")
}

/// Returns the pod template of the `CronJob`.
fn template() -> Value {
    let manifest =
        fs::read_to_string(repository("packaging/kubectl-eni/audit-cronjob.yaml")).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&manifest).unwrap();
    let cron_job = objects.iter().find(|it| it["kind"] == "CronJob").unwrap();
    cron_job["spec"]["jobTemplate"]["spec"]["template"].clone()
}

/// Runs the pod of the `CronJob` with `arguments` after its own.
fn run(
    image: &Path,
    architecture: &str,
    cluster: &Cluster,
    arguments: &[&str],
) -> Option<RunOutput> {
    let mut template = template();
    let own = template["spec"]["containers"][0]["args"].as_array_mut().unwrap();
    own.extend(arguments.iter().map(|it| json!(it)));
    let pod = Pod::new(image, architecture, &template, cluster, "kube-system")?;
    Some(run_output(pod.container.command().output().unwrap()))
}

/// The outputs are those of a run with a kubeconfig, so the tests of `kubectl-eni` have the same golden files.
#[test]
#[ignore = "needs the image of the plugin: run `make test-image-operator`"]
fn the_audit_uses_the_service_account_of_its_pod() {
    let (Some(image), Some(cluster)) = (operator_image(), cluster()) else { return };
    cluster.install_fleet(["subnet-0a", "subnet-0b", "subnet-0c"]);
    cluster.apply_file(&repository("packaging/kubectl-eni/audit-cronjob.yaml"));
    for architecture in ARCHITECTURES {
        for (arguments, status, golden) in [
            (&["--output", "prometheus"][..], 1, "nodes.prom"),
            (&[], 1, "nodes.txt"),
            (&["--selector", "karpenter.sh/nodepool=default"], 0, "nodes-right.txt"),
        ] {
            let golden = repository("crates/kubectl-eni/tests/golden").join(golden);
            let stdout = fs::read_to_string(golden).unwrap();
            let expected = RunOutput { status: Some(status), stdout, stderr: String::new() };
            let Some(output) = run(&image, architecture, &cluster, arguments) else { return };
            assert_eq!(output, expected, "{architecture}: {arguments:?}");
        }
    }
}

#[test]
#[ignore = "needs the image of the plugin: run `make test-image-operator`"]
fn the_image_contains_the_plugin_its_sbom_and_the_licenses() {
    let Some(image) = operator_image() else { return };
    let layout = Layout(image.join("oci"));
    let index = layout.index();
    let annotations = expected_annotations(&index);
    assert_eq!(index["annotations"], annotations);
    let security = &template()["spec"]["securityContext"];
    for (architecture, at) in ARCHITECTURES.iter().zip(0..) {
        let descriptor = &index["manifests"][at];
        assert_eq!(descriptor["platform"], json!({ "architecture": architecture, "os": "linux" }));
        let manifest = layout.follow(descriptor);
        assert_eq!(manifest["annotations"], annotations);
        let config = layout.follow(&manifest["config"]);
        assert_eq!(
            config,
            json!({
                "architecture": architecture,
                "os": "linux",
                "created": annotations[format!("{ANNOTATION}.created")],
                "config": {
                    "User": format!("{}:{}", security["runAsUser"], security["runAsGroup"]),
                    "Entrypoint": ["/usr/bin/kubectl-eni"],
                    "Labels": annotations,
                },
                "rootfs": { "type": "layers", "diff_ids": config["rootfs"]["diff_ids"] },
            })
        );
        assert_eq!(manifest["layers"].as_array().unwrap().len(), 1, "{manifest}");
        let created = annotations[format!("{ANNOTATION}.created")].as_str().unwrap();
        let time = created.replace('T', " ").replace('Z', "");
        for line in listing(&layout.blob(&manifest["layers"][0])).lines() {
            assert!(line.contains(" 0/0 ") && line.contains(&time), "{line}");
        }
        let Some(bundle) = unpack_image(&image, architecture) else { return };
        let root = bundle.path().join("rootfs");
        let (binary, documents) = (binary(&image, architecture), documents(&image));
        let sbom = documents.join(format!("kubectl-eni-{architecture}.cdx.json"));
        let sources = [
            ("usr/bin/kubectl-eni", binary.clone()),
            ("usr/share/kubectl-eni/kubectl-eni.cdx.json", sbom.clone()),
            ("usr/share/licenses/kubectl-eni/LICENSE", repository("LICENSE")),
            (
                "usr/share/licenses/kubectl-eni/third-party-licenses",
                documents.join("third-party-licenses"),
            ),
        ];
        assert_eq!(files_under(&root), sources.each_ref().map(|(path, _)| *path));
        for (path, source) in sources {
            // Not assert_eq!, which would print both files.
            assert!(fs::read(root.join(path)).unwrap() == fs::read(source).unwrap(), "{path}");
        }
        let crates = crates_of_sbom(&json_file(&sbom));
        let audited = audited_crates(&binary);
        assert_eq!(crates.difference(&audited).collect::<Vec<_>>(), Vec::<&String>::new());
        assert!(crates.contains(&format!("kubectl-eni {TAG}")), "{crates:?}");
    }
}

/// Returns the annotations of the index. The revision and the creation time depend on the commit.
fn expected_annotations(index: &Value) -> Value {
    let manifest = fs::read_to_string(repository("crates/kubectl-eni/Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let from_index = |name: &str| &index["annotations"][format!("{ANNOTATION}.{name}")];
    json!({
        format!("{ANNOTATION}.title"): "kubectl-eni",
        format!("{ANNOTATION}.description"): manifest["package"]["description"].as_str(),
        format!("{ANNOTATION}.version"): TAG,
        format!("{ANNOTATION}.licenses"): env!("CARGO_PKG_LICENSE"),
        format!("{ANNOTATION}.revision"): from_index("revision"),
        format!("{ANNOTATION}.created"): from_index("created"),
    })
}

fn build(arguments: [&Path; 4], program: &str) -> Command {
    let mut build = Command::new(repository("packaging/image/build.sh"));
    build.args(arguments).arg(program);
    build
}

#[test]
#[ignore = "needs the image of the plugin: run `make test-image-operator`"]
fn rebuilding_gives_identical_files() {
    let (Some(image), Some(regctl)) = (operator_image(), regctl()) else { return };
    let index = Layout(image.join("oci")).index();
    let annotation = |name: &str| index["annotations"][format!("{ANNOTATION}.{name}")].as_str();
    let mut date = Command::new("date");
    let date = date.args(["+%s", "--date", annotation("created").unwrap()]).output().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let [amd64, arm64] = ARCHITECTURES.map(|architecture| binary(&image, architecture));
    let mut command = build([&amd64, &arm64, &documents(&image), scratch.path()], "kubectl-eni");
    command.env("REGCTL", regctl).env("TZ", "Pacific/Chatham");
    command.env("SOURCE_DATE_EPOCH", run_output(date).stdout.trim_end());
    command.env("IMAGE_REVISION", annotation("revision").unwrap());
    let output = run_output(command.output().unwrap());
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    let files = files_under(&image);
    assert!(files.contains(&"kubectl-eni.tar".to_owned()), "{files:?}");
    assert_eq!(files_under(scratch.path()), files);
    for file in files {
        let (first, second) = (image.join(&file), scratch.path().join(&file));
        assert!(fs::read(first).unwrap() == fs::read(second).unwrap(), "{file}");
    }
}

#[test]
fn another_program_is_rejected() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("image");
    let unused = scratch.path();
    let output = run_output(build([unused, unused, unused, &folder], "kubectl").output().unwrap());
    let error = "build.sh: unknown program \"kubectl\": use eni-bootstrap or kubectl-eni\n";
    assert_eq!((output.status, output.stderr.as_str()), (Some(1), error));
    assert!(!folder.exists());
}
