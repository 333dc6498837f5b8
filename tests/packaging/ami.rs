//! What builds an image: the Packer template and EC2 Image Builder's documents, as far as their own
//! tools can tell without an account. `tests/boot` runs the scripts on a node.

use crate::support::image_builder::{commands, component, steps};
use crate::support::real_parts::{cfn_lint, program, python};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// What Debian's Packer, 1.6.6, does not know yet.
const UNKNOWN: &str = r#"  imds_support = "v2.0"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
"#;

/// Prints where and how a document breaks a schema.
const VALIDATE: &str = "
import json, sys, yaml
from jsonschema import Draft202012Validator
schema, document = json.load(open(sys.argv[1])), yaml.safe_load(open(sys.argv[2]))
Draft202012Validator.check_schema(schema)
for error in Draft202012Validator(schema).iter_errors(document):
    print(error.json_path, error.message)
";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ami").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

fn stdout(output: Output) -> String {
    let said = String::from_utf8(output.stdout).unwrap();
    said + &String::from_utf8(output.stderr).unwrap()
}

/// The template for Packer 1.6.6, beside the scripts that it names.
fn template() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str, text: &str| {
        let place = folder.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::File::create(place).unwrap().write_all(text.as_bytes()).unwrap();
    };
    for script in ["install-package.sh", "test-image.sh", "clean-image.sh"] {
        copy(script, &text(script));
    }
    for name in ["packer/variables.pkr.hcl", "packer/90-site.toml"] {
        copy(name, &text(name));
    }
    let image = text("packer/image.pkr.hcl");
    assert!(image.contains(UNKNOWN), "{image}");
    copy("packer/image.pkr.hcl", &image.replace(UNKNOWN, ""));
    // In the place of plugins.pkr.hcl, which asks AWS.
    copy("packer/base.pkr.hcl", "locals { source_ami = \"ami-0123456789abcdef0\" }\n");
    copy("eni-bootstrap.rpm", "");
    folder
}

/// What Packer says of it with these variables beside those that it must have.
fn validate(packer: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = template();
    let package = folder.path().join("eni-bootstrap.rpm");
    let mut command = Command::new(packer);
    command.arg("validate").env("CHECKPOINT_DISABLE", "1").env("HOME", folder.path());
    let must = [
        ("region", "us-west-2"),
        ("subnet_id", "subnet-0123456789abcdef0"),
        ("kubernetes_version", "1.34"),
        ("package", package.to_str().unwrap()),
        ("package_version", env!("CARGO_PKG_VERSION")),
    ];
    for (name, value) in must.iter().chain(variables) {
        command.arg("-var").arg(format!("{name}={value}"));
    }
    let output = command.arg(folder.path().join("packer")).output().unwrap();
    (output.status.code(), stdout(output))
}

#[test]
fn packer_takes_the_template_for_both_architectures_and_names_what_is_wrong() {
    let Some(packer) = program("packer", "packer") else { return };
    let format = Command::new(&packer).args(["fmt", "-check"]).arg(file("packer")).output();
    let format = format.unwrap();
    assert_eq!((format.status.code(), stdout(format).trim()), (Some(0), ""));
    let well = (Some(0), String::new());
    assert_eq!(validate(&packer, &[]), well);
    let site = file("packer/90-site.toml");
    let all = [
        ("architecture", "arm64"),
        ("instance_type", "m7g.large"),
        ("settings_file", site.to_str().unwrap()),
        ("kms_key_id", "alias/nodes"),
        ("volume_size", "50"),
        ("ssh_interface", "public_ip"),
        ("ami_users", r#"["123456789012"]"#),
        ("tags", r#"{ team = "blue" }"#),
    ];
    assert_eq!(validate(&packer, &all), well);
    for (name, value, error) in [
        ("subnet_id", "vpc-0123", "The subnet_id must be a subnet's id, as"),
        ("subnet_id", "", "The subnet_id must be a subnet's id, as"),
        (
            "kubernetes_version",
            "1.34.2",
            "The kubernetes_version must be a minor version, as 1.34.",
        ),
        ("architecture", "amd64", "The architecture must be x86_64 or arm64."),
        ("package", "eni-bootstrap.deb", "The package must be an rpm: Amazon Linux 2023"),
        ("package_version", "latest", "The package_version must be a version, as 0.1.0."),
        ("settings_file", "site.yaml", "The settings_file must be a TOML file: files of"),
        ("volume_size", "8", "The volume_size must be at least 20, as in the image"),
        ("ssh_interface", "dns", "The ssh_interface must be public_ip, private_ip or"),
    ] {
        let (status, said) = validate(&packer, &[(name, value)]);
        assert_eq!(status, Some(1), "{name}={value}");
        assert!(said.contains(error), "{name}={value}: {said}");
    }
}

#[test]
fn the_component_is_what_image_builder_takes() {
    let Some(python) = python() else { return };
    let validate = |document: &Path| {
        let mut command = Command::new(&python);
        command.args(["-c", VALIDATE]).arg(file("image-builder/component.schema.json"));
        stdout(command.arg(document).output().unwrap())
    };
    assert_eq!(validate(&file("image-builder/component.yaml")), "");
    let text = text("image-builder/component.yaml");
    assert!(text.len() < 16_000, "Image Builder takes no more");
    // And it would say so if it were not.
    let mut wrong = tempfile::NamedTempFile::new().unwrap();
    wrong.write_all(text.replace("action: S3Download", "action: Download").as_bytes()).unwrap();
    assert_eq!(
        validate(wrong.path()),
        "$.phases[0].steps[0].action 'Download' is not one of ['ExecuteBash', 'S3Download']\n"
    );
}

#[test]
fn the_component_uses_the_parameters_that_it_has_and_tests_as_packer_does() {
    let component = component();
    let parameters = component["parameters"].as_array().unwrap();
    let text = text("image-builder/component.yaml");
    let mut used: Vec<_> =
        text.split("{{ ").skip(1).map(|it| it.split(" }}").next().unwrap()).collect();
    used.sort_unstable();
    used.dedup();
    let mut named: Vec<_> =
        parameters.iter().flat_map(|it| it.as_object().unwrap().keys()).collect();
    named.sort_unstable();
    assert_eq!(used, named);
    let [step] = &steps(&component, "validate")[..] else { panic!("{component}") };
    let commands = &step["inputs"]["commands"];
    assert_eq!(commands[0], "set -- '{{ PackageVersion }}'");
    assert_eq!(commands[1], self::text("test-image.sh"));
}

#[test]
fn shellcheck_has_nothing_to_say_of_the_components_commands() {
    let Some(shellcheck) = program("shellcheck", "shellcheck") else { return };
    let component = component();
    for phase in ["build", "validate", "test"] {
        for step in steps(&component, phase).iter().filter(|it| it["action"] == "ExecuteBash") {
            let mut script = tempfile::NamedTempFile::new().unwrap();
            script.write_all(commands(step, &[]).as_bytes()).unwrap();
            let mut check = Command::new(&shellcheck);
            let said = check.args(["--shell=bash"]).arg(script.path()).output().unwrap();
            assert_eq!(stdout(said), "", "{phase}: {}", step["name"]);
        }
    }
}

#[test]
fn cfn_lint_has_nothing_to_say_of_the_pipeline() {
    let Some(cfn_lint) = cfn_lint() else { return };
    let output = Command::new(cfn_lint).arg(file("image-builder/pipeline.yaml")).output().unwrap();
    assert_eq!((output.status.code(), stdout(output)), (Some(0), String::new()));
}
