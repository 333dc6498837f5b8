//! The container image: its contents, its reproducible build, and its runs.

use crate::support::container::TAG;
use crate::support::golden::files_under;
use crate::support::node::{RunOutput, run_output};
use crate::support::real_parts::{arm64_binary, container_image, documents, regctl, static_binary};
use crate::support::sbom::{crates_of_sbom, linked_crates};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

mod bottlerocket;
mod example;
mod runs;

pub const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
pub const ANNOTATION: &str = "org.opencontainers.image";

/// A folder with an OCI image layout.
pub struct Layout(pub PathBuf);

impl Layout {
    pub fn json(&self, file: &str) -> Value {
        json_file(&self.0.join(file))
    }

    /// Returns the path of the blob of a descriptor. Asserts that its size matches.
    pub fn blob(&self, descriptor: &Value) -> PathBuf {
        let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
        let path = self.0.join("blobs").join(digest);
        assert_eq!(json!(fs::metadata(&path).unwrap().len()), descriptor["size"], "{descriptor}");
        path
    }

    pub fn follow(&self, descriptor: &Value) -> Value {
        json_file(&self.blob(descriptor))
    }

    /// Returns the image index with the manifests of both architectures.
    pub fn index(&self) -> Value {
        self.follow(&self.json("index.json")["manifests"][0])
    }
}

fn layout() -> Option<Layout> {
    Some(Layout(container_image()?.join("oci")))
}

pub fn json_file(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns the annotations that the index and the manifests must have. The revision and the creation
/// time are those of `index`, because they depend on the commit.
fn expected_annotations(index: &Value) -> Value {
    let annotations = &index["annotations"];
    let revision = annotations[format!("{ANNOTATION}.revision")].as_str().unwrap();
    let commit = revision.strip_suffix("-dirty").unwrap_or(revision);
    assert!(commit.len() == 40 && commit.bytes().all(|it| it.is_ascii_hexdigit()), "{revision}");
    json!({
        format!("{ANNOTATION}.title"): "eni-bootstrap",
        format!("{ANNOTATION}.description"): env!("CARGO_PKG_DESCRIPTION"),
        format!("{ANNOTATION}.version"): env!("CARGO_PKG_VERSION"),
        format!("{ANNOTATION}.licenses"): env!("CARGO_PKG_LICENSE"),
        format!("{ANNOTATION}.revision"): revision,
        format!("{ANNOTATION}.created"): annotations[format!("{ANNOTATION}.created")],
    })
}

/// Returns a descriptor without its digest and size.
fn without_digest(descriptor: &Value) -> Value {
    let mut descriptor = descriptor.clone();
    descriptor.as_object_mut().unwrap().retain(|key, _| key != "digest" && key != "size");
    descriptor
}

#[test]
fn index_lists_both_architectures_with_annotations() {
    let Some(layout) = layout() else { return };
    assert_eq!(layout.json("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }));
    let index = layout.index();
    let annotations = expected_annotations(&index);
    let entries = &layout.json("index.json")["manifests"];
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!(
        without_digest(&entries[0]),
        json!({
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "annotations": {
                format!("{ANNOTATION}.created"): annotations[format!("{ANNOTATION}.created")],
                format!("{ANNOTATION}.ref.name"): TAG,
            },
        })
    );
    let manifests = index["manifests"].as_array().unwrap().iter();
    let manifests: Vec<_> = manifests.map(without_digest).collect();
    let expected = ARCHITECTURES.map(|architecture| {
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "platform": { "architecture": architecture, "os": "linux" },
        })
    });
    assert_eq!(manifests, expected);
    assert_eq!(index["annotations"], annotations);
}

#[test]
fn each_image_has_one_layer_with_the_binary_its_sbom_and_the_licenses() {
    let (Some(layout), Some(amd64), Some(arm64), Some(documents)) =
        (layout(), static_binary(), arm64_binary(), documents())
    else {
        return;
    };
    let index = layout.index();
    let annotations = expected_annotations(&index);
    for ((architecture, binary), at) in ARCHITECTURES.iter().zip([amd64, arm64]).zip(0..) {
        let manifest = layout.follow(&index["manifests"][at]);
        let layers = &manifest["layers"];
        assert_eq!(layers.as_array().unwrap().len(), 1, "{layers}");
        assert_eq!(
            (
                &manifest["annotations"],
                without_digest(&manifest["config"]),
                without_digest(&layers[0])
            ),
            (
                &annotations,
                json!({ "mediaType": "application/vnd.oci.image.config.v1+json" }),
                json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip" })
            )
        );
        let config = layout.follow(&manifest["config"]);
        assert_eq!(
            config,
            json!({
                "architecture": architecture,
                "os": "linux",
                "created": annotations[format!("{ANNOTATION}.created")],
                "config": {
                    "Entrypoint": ["/eni-bootstrap"],
                    "Cmd": ["run"],
                    "Labels": annotations,
                },
                "rootfs": { "type": "layers", "diff_ids": config["rootfs"]["diff_ids"] },
            })
        );
        let layer = layout.blob(&layers[0]);
        let created = annotations[format!("{ANNOTATION}.created")].as_str().unwrap();
        let time = created.replace('T', " ").replace('Z', "");
        let sbom = documents.join(format!("eni-bootstrap-{architecture}.cdx.json"));
        let licenses = documents.join("third-party-licenses");
        let license = Path::new(env!("CARGO_MANIFEST_DIR")).join("LICENSE");
        let mut listed = String::new();
        for (path, source) in [
            ("eni-bootstrap", Some(&binary)),
            ("usr/", None),
            ("usr/share/", None),
            ("usr/share/eni-bootstrap/", None),
            ("usr/share/eni-bootstrap/eni-bootstrap.cdx.json", Some(&sbom)),
            ("usr/share/licenses/", None),
            ("usr/share/licenses/eni-bootstrap/", None),
            ("usr/share/licenses/eni-bootstrap/LICENSE", Some(&license)),
            ("usr/share/licenses/eni-bootstrap/third-party-licenses", Some(&licenses)),
        ] {
            let mode = match (source, path) {
                (None, _) => "drwxr-xr-x",
                (_, "eni-bootstrap") => "-rwxr-xr-x",
                _ => "-rw-r--r--",
            };
            let expected = source.map(|source| fs::read(source).unwrap()).unwrap_or_default();
            writeln!(listed, "{mode} 0/0 {} {time} {path}", expected.len()).unwrap();
            // Not assert_eq!, which would print both files.
            assert!(contents(&layer, path) == expected, "{architecture}: {path}");
        }
        assert_eq!(listing(&layer), listed);
        assert_eq!(crates_of_sbom(&json_file(&sbom)), linked_crates(architecture));
        let program = fs::read(binary).unwrap();
        // e_machine in the ELF header: EM_X86_64 or EM_AARCH64.
        let machine = if *architecture == "amd64" { 0x3e } else { 0xb7 };
        assert_eq!(program[18..20], [machine, 0], "{architecture}");
    }
}

/// Lists the entries of a layer with mode, owner, size and modification time.
pub fn listing(layer: &Path) -> String {
    let mut tar = Command::new("tar");
    tar.args(["--list", "--verbose", "--numeric-owner", "--full-time", "--gzip", "--file"]);
    let listed = run_output(tar.arg(layer).env("TZ", "UTC").output().unwrap());
    assert_eq!((listed.status, listed.stderr.as_str()), (Some(0), ""));
    let normalize = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    listed.stdout.lines().map(normalize).collect()
}

/// Returns the contents of an entry of a layer. A directory has none.
fn contents(layer: &Path, entry: &str) -> Vec<u8> {
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--to-stdout", "--no-recursion", "--gzip", "--file"]).arg(layer);
    let output = tar.arg(entry).output().unwrap();
    assert!(output.status.success(), "{entry}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Builds the image in `folder` with the revision and creation time of `index`.
fn build(binaries: [&Path; 2], folder: &Path, index: &Value) -> Option<RunOutput> {
    let annotation = |name: &str| index["annotations"][format!("{ANNOTATION}.{name}")].clone();
    let mut date = Command::new("date");
    date.args(["+%s", "--date", annotation("created").as_str().unwrap_or("now")]);
    let epoch = run_output(date.output().unwrap()).stdout;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/image/build.sh");
    let mut build = Command::new("bash");
    // The working directory, time zone and umask must not affect the image.
    build.args(["-c", "umask 077; cd /; exec \"$@\"", "bash"]).arg(script);
    build
        .args(binaries)
        .args([&documents()?, folder])
        .env("TZ", "Pacific/Chatham")
        .env("REGCTL", regctl()?);
    build.env("SOURCE_DATE_EPOCH", epoch.trim_end());
    build.env("IMAGE_REVISION", annotation("revision").as_str().unwrap_or("none"));
    Some(run_output(build.output().unwrap()))
}

#[test]
fn rebuilding_gives_identical_files() {
    let (Some(folder), Some(amd64), Some(arm64)) =
        (container_image(), static_binary(), arm64_binary())
    else {
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let copies = [amd64, arm64].map(|binary| {
        let copy = scratch.path().join(binary.metadata().unwrap().len().to_string());
        fs::copy(binary, &copy).unwrap(); // changes the modification time
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
        copy
    });
    let again = scratch.path().join("again");
    let index = Layout(folder.join("oci")).index();
    let Some(built) = build([&copies[0], &copies[1]], &again, &index) else { return };
    assert_eq!((built.status, built.stderr.as_str()), (Some(0), ""));
    let files = files_under(&folder);
    assert_eq!(files_under(&again), files);
    for file in files {
        let (first, second) = (folder.join(&file), again.join(&file));
        assert!(fs::read(first).unwrap() == fs::read(&second).unwrap(), "{file}");
        assert_eq!(fs::metadata(second).unwrap().permissions().mode() & 0o777, 0o644, "{file}");
    }
}

#[test]
fn rejects_a_missing_binary_or_one_of_another_architecture() {
    let (Some(amd64), Some(arm64)) = (static_binary(), arm64_binary()) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let missing = scratch.path().join("missing");
    for (binaries, error) in [
        ([&arm64, &amd64], format!("build.sh: {} is not an amd64 binary\n", arm64.display())),
        ([&amd64, &amd64], format!("build.sh: {} is not an arm64 binary\n", amd64.display())),
        (
            [&missing, &arm64],
            format!(
                "build.sh: {} not found; run `make static static-arm64` to build both binaries\n",
                missing.display()
            ),
        ),
    ] {
        let folder = scratch.path().join("image");
        let Some(built) = build(binaries.map(PathBuf::as_path), &folder, &Value::Null) else {
            return;
        };
        assert_eq!((built.status, built.stderr), (Some(1), error));
        assert_eq!(files_under(&folder), Vec::<String>::new());
    }
}
