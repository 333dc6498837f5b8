//! The SBOM in the deb, which is the same file as in the rpm and in the image.

use crate::support::packages::{PackageFormat, packages, stdout_of_success};
use crate::support::real_parts::{cyclonedx_python, program, static_binary};
use crate::support::sbom::{crates_of_sbom, linked_crates};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The path of the SBOM in the packages and in the image.
const SBOM: &str = "usr/share/eni-bootstrap/eni-bootstrap.cdx.json";

/// Validates an SBOM with the schema of `CycloneDX` 1.5.
const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
with open(sys.argv[1], encoding='utf-8') as file:
    sys.exit(JsonStrictValidator(SchemaVersion.V1_5).validate_str(file.read()))
";

/// Unpacks the deb for `architecture`. Returns the folder and the path of the SBOM.
fn unpack(architecture: &str) -> Option<(TempDir, PathBuf)> {
    let (Some(_), Some([this, _])) = (program("dpkg-deb", "dpkg"), packages()) else {
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut unpack = Command::new("dpkg-deb");
    unpack.arg("--extract").arg(this.file(PackageFormat::Deb, architecture)).arg(folder.path());
    stdout_of_success(&unpack.output().unwrap());
    let sbom = folder.path().join(SBOM);
    Some((folder, sbom))
}

fn read(sbom: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(sbom).unwrap()).unwrap()
}

#[test]
fn sbom_lists_the_linked_crates() {
    for architecture in ["amd64", "arm64"] {
        let Some((_folder, sbom)) = unpack(architecture) else { return };
        assert_eq!(crates_of_sbom(&read(&sbom)), linked_crates(architecture));
    }
}

#[test]
fn sbom_describes_the_binary() {
    let (Some(binary), Some(_)) = (static_binary(), program("sha256sum", "coreutils")) else {
        return;
    };
    let Some((folder, sbom)) = unpack("amd64") else { return };
    let mut digest = Command::new("sha256sum");
    digest.arg(folder.path().join("usr/bin/eni-bootstrap"));
    let digest = stdout_of_success(&digest.output().unwrap());
    let packaged = std::fs::read(folder.path().join("usr/bin/eni-bootstrap")).unwrap();
    assert!(packaged == std::fs::read(binary).unwrap(), "the deb contains another binary");
    let mut metadata = read(&sbom)["metadata"].take();
    let timestamp = metadata["timestamp"].take();
    assert!(timestamp.as_str().unwrap().ends_with("000000000Z"), "{timestamp}");
    let tools = metadata["tools"].take();
    assert_eq!(tools[0]["name"], "cargo-cyclonedx");
    assert_eq!(
        metadata,
        json!({
            "timestamp": null,
            "tools": null,
            "component": {
                "type": "application",
                "bom-ref": format!("path+file:///eni-bootstrap#eni-bootstrap@{}", env!("CARGO_PKG_VERSION")),
                "name": "eni-bootstrap",
                "version": env!("CARGO_PKG_VERSION"),
                "description": env!("CARGO_PKG_DESCRIPTION"),
                "scope": "required",
                "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
                "purl": format!("pkg:cargo/eni-bootstrap@{}?download_url=file://.#src/main.rs", env!("CARGO_PKG_VERSION")),
                "hashes": [{ "alg": "SHA-256", "content": digest.split(' ').next().unwrap() }],
            },
            "properties": [
                { "name": "cdx:rustc:sbom:target:triple", "value": "x86_64-unknown-linux-gnu" },
            ],
        })
    );
}

#[test]
fn sbom_names_the_published_crate_of_a_reduced_copy() {
    for architecture in ["amd64", "arm64"] {
        let Some((_folder, sbom)) = unpack(architecture) else { return };
        let sbom = read(&sbom);
        let components = sbom["components"].as_array().unwrap();
        let copy = components.iter().find(|it| it["name"] == "aws-sdk-eks").unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let list = read(&root.join("packaging/aws-sdk-subset/crates.json"));
        let published = &list["aws-sdk-eks"];
        let version = published["version"].as_str().unwrap();
        let purl = format!("pkg:cargo/aws-sdk-eks@{version}");
        let hashes = json!([{ "alg": "SHA-256", "content": published["sha256"] }]);
        let ancestor = json!({
            "type": "library",
            "name": "aws-sdk-eks",
            "version": version,
            "hashes": hashes,
            "purl": purl,
        });
        let pedigree = json!({
            "ancestors": [ancestor],
            "notes": "contains only the operations DescribeCluster, DescribePodIdentityAssociation, ListPodIdentityAssociations",
        });
        assert_eq!((&copy["purl"], &copy["pedigree"]), (&json!(purl), &pedigree));
        let reference = format!("path+file:///eni-bootstrap/third-party/aws-sdk-eks#{version}");
        assert_eq!(copy["bom-ref"], reference);
    }
}

#[test]
fn sbom_matches_the_schema_and_an_invalid_one_does_not() {
    let (Some(python), Some((folder, sbom))) = (cyclonedx_python(), unpack("amd64")) else {
        return;
    };
    let validate = |file: &Path| {
        let output = Command::new(&python).args(["-c", VALIDATE]).arg(file).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(validate(&sbom), (Some(0), String::new()));
    let mut invalid = read(&sbom);
    invalid["components"] = json!([{ "type": "crate", "name": "serde" }]);
    let file = folder.path().join("invalid.json");
    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    std::fs::write(&file, invalid.to_string()).unwrap();
    let (status, error) = validate(&file);
    assert_eq!(status, Some(1));
    assert!(error.contains("'crate' is not one of ['application', "), "{error}");
}
