//! The Packer template, the EC2 Image Builder documents and the examples that belong to them, validated
//! without an AWS account. `tests/boot` runs the scripts on a node.

use crate::support::image_builder::{commands, component, steps};
use crate::support::real_parts::{cfn_lint, program, python};
use eni_core::settings;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The options of the template that Packer 1.6.6 of Debian does not support.
const NEWER_OPTIONS: &str = r#"  imds_support = "v2.0"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # With public_ip, only the public IP address of the machine that runs Packer can connect by SSH.
  temporary_security_group_source_public_ip = var.ssh_interface == "public_ip"
"#;

/// A Python program that prints each schema violation of a YAML document.
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
    let text = String::from_utf8(output.stdout).unwrap();
    text + &String::from_utf8(output.stderr).unwrap()
}

/// Copies the template without the newer options, and the scripts that it uses, to a temporary directory.
fn template() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    for script in ["install-package.sh", "test-image.sh", "clean-image.sh"] {
        copy(script, &text(script));
    }
    for name in ["packer/variables.pkr.hcl", "packer/90-site.toml"] {
        copy(name, &text(name));
    }
    let image = text("packer/image.pkr.hcl");
    assert!(image.contains(NEWER_OPTIONS), "{image}");
    copy("packer/image.pkr.hcl", &image.replace(NEWER_OPTIONS, ""));
    // Replaces plugins.pkr.hcl, which needs AWS.
    copy("packer/base.pkr.hcl", "locals { source_ami = \"ami-0123456789abcdef0\" }\n");
    copy("eni-bootstrap.rpm", "");
    folder
}

/// Returns the exit status and the output of `packer validate` with the required variables and `variables`.
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
fn packer_accepts_the_template_for_both_architectures_and_reports_invalid_variables() {
    let Some(packer) = program("packer", "packer") else { return };
    let format = Command::new(&packer).args(["fmt", "-check"]).arg(file("packer")).output();
    let format = format.unwrap();
    assert_eq!((format.status.code(), stdout(format).trim()), (Some(0), ""));
    let valid = (Some(0), String::new());
    assert_eq!(validate(&packer, &[]), valid);
    let site = file("packer/90-site.toml");
    let all = [
        ("architecture", "arm64"),
        ("instance_type", "m7g.large"),
        ("settings_file", site.to_str().unwrap()),
        ("kms_key_id", "alias/nodes"),
        ("volume_size", "50"),
        ("ssh_interface", "private_ip"),
        ("ami_users", r#"["123456789012"]"#),
        ("tags", r#"{ team = "blue" }"#),
    ];
    assert_eq!(validate(&packer, &all), valid);
    for (name, value, error) in [
        ("subnet_id", "vpc-0123", "The subnet_id must be a subnet ID, for example"),
        ("subnet_id", "", "The subnet_id must be a subnet ID, for example"),
        (
            "kubernetes_version",
            "1.34.2",
            "The kubernetes_version must be a minor version, for example 1.34.",
        ),
        ("architecture", "amd64", "The architecture must be x86_64 or arm64."),
        ("package", "eni-bootstrap.deb", "The package must be an rpm file: Amazon Linux 2023"),
        ("package_version", "latest", "The package_version must be a version, for example 0.0.0."),
        ("settings_file", "site.yaml", "The settings_file must have a name that ends in .toml."),
        ("volume_size", "8", "The volume_size must be at least 20, the size of the"),
        ("ssh_interface", "dns", "The ssh_interface must be public_ip, private_ip or"),
    ] {
        let (status, output) = validate(&packer, &[(name, value)]);
        assert_eq!(status, Some(1), "{name}={value}");
        assert!(output.contains(error), "{name}={value}: {output}");
    }
}

#[test]
fn the_component_matches_the_schema_of_image_builder() {
    let Some(python) = python() else { return };
    let validate = |document: &Path| {
        let mut command = Command::new(&python);
        command.args(["-c", VALIDATE]).arg(file("image-builder/component.schema.json"));
        stdout(command.arg(document).output().unwrap())
    };
    assert_eq!(validate(&file("image-builder/component.yaml")), "");
    let text = text("image-builder/component.yaml");
    assert!(text.len() < 16_000, "Image Builder accepts at most 16,000 characters");
    // The schema rejects an invalid action.
    let mut wrong = tempfile::NamedTempFile::new().unwrap();
    wrong.write_all(text.replace("action: S3Download", "action: Download").as_bytes()).unwrap();
    assert_eq!(
        validate(wrong.path()),
        "$.phases[0].steps[0].action 'Download' is not one of ['ExecuteBash', 'S3Download']\n"
    );
}

#[test]
fn the_component_uses_all_its_parameters_and_the_tests_of_packer() {
    let component = component();
    let parameters = component["parameters"].as_array().unwrap();
    let text = text("image-builder/component.yaml");
    let mut used: Vec<_> =
        text.split("{{ ").skip(1).map(|it| it.split(" }}").next().unwrap()).collect();
    used.sort_unstable();
    used.dedup();
    let mut declared: Vec<_> =
        parameters.iter().flat_map(|it| it.as_object().unwrap().keys()).collect();
    declared.sort_unstable();
    assert_eq!(used, declared);
    let [step] = &steps(&component, "validate")[..] else { panic!("{component}") };
    let commands = &step["inputs"]["commands"];
    assert_eq!(commands[0], "set -- '{{ PackageVersion }}'");
    assert_eq!(commands[1], self::text("test-image.sh"));
}

#[test]
fn shellcheck_accepts_the_commands_of_the_component() {
    let Some(shellcheck) = program("shellcheck", "shellcheck") else { return };
    let component = component();
    for phase in ["build", "validate", "test"] {
        for step in steps(&component, phase).iter().filter(|it| it["action"] == "ExecuteBash") {
            let mut script = tempfile::NamedTempFile::new().unwrap();
            script.write_all(commands(step, &[]).as_bytes()).unwrap();
            let mut check = Command::new(&shellcheck);
            let output = check.args(["--shell=bash"]).arg(script.path()).output().unwrap();
            assert_eq!(stdout(output), "", "{phase}: {}", step["name"]);
        }
    }
}

#[test]
fn cfn_lint_accepts_the_pipeline() {
    let Some(cfn_lint) = cfn_lint() else { return };
    let output = Command::new(cfn_lint).arg(file("image-builder/pipeline.yaml")).output().unwrap();
    assert_eq!((output.status.code(), stdout(output)), (Some(0), String::new()));
}

/// Returns the documents of a YAML file in `examples`.
fn examples(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let text = fs::read_to_string(path).unwrap();
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

/// Returns the `EC2NodeClass` and the `NodePool` of the Karpenter example.
fn karpenter() -> (Value, Value) {
    let Ok([class, pool]) = <[Value; 2]>::try_from(examples("karpenter/custom-networking.yaml"))
    else {
        panic!("not two documents")
    };
    (class, pool)
}

/// Returns the settings that the user data of the `EC2NodeClass` writes to `/etc/eni-bootstrap`.
fn karpenter_settings(class: &Value) -> toml::Table {
    let user_data = class["spec"]["userData"].as_str().unwrap();
    let mail = mailparse::parse_mail(user_data.as_bytes()).unwrap();
    let cloud_config: Value =
        serde_saphyr::from_str(&mail.subparts[0].get_body().unwrap()).unwrap();
    toml::from_str(cloud_config["write_files"][0]["content"].as_str().unwrap()).unwrap()
}

#[test]
fn the_example_eni_configs_have_the_names_of_the_zones_in_which_karpenter_launches_nodes() {
    let (class, pool) = karpenter();
    assert_eq!(pool["spec"]["template"]["spec"]["nodeClassRef"]["name"], class["metadata"]["name"]);
    let requirements = pool["spec"]["template"]["spec"]["requirements"].as_array().unwrap();
    let zones = requirements.iter().find(|it| it["key"] == "topology.kubernetes.io/zone").unwrap();

    // The settings of the example keep the default name, which is the zone.
    assert!(!karpenter_settings(&class).contains_key("eni-config"));
    let name = settings::all().find(|setting| setting.key == "eni-config.name").unwrap();
    assert_eq!(name.documentation().default, "\"{zone}\"");

    let eni_configs = examples("eni-config.yaml");
    let names: Vec<_> = eni_configs.iter().map(|it| &it["metadata"]["name"]).collect();
    assert_eq!(names, zones["values"].as_array().unwrap().iter().collect::<Vec<_>>());
    let mut subnets: Vec<_> =
        eni_configs.iter().map(|it| it["spec"]["subnet"].as_str().unwrap()).collect();
    subnets.dedup();
    assert_eq!(subnets.len(), names.len(), "each zone has its own subnet");
}

/// Returns the lines of `text` between `start` and `end`, split at `separator`, without quotes.
fn pairs(text: &str, start: &str, end: &str, separator: &str) -> Vec<(String, String)> {
    let (_, after) = text.split_once(start).unwrap();
    let (lines, _) = after.split_once(end).unwrap();
    let pair = |line: &str| {
        let (key, value) = line.split_once(separator).unwrap();
        (key.trim().trim_matches('"').to_owned(), value.trim().to_owned())
    };
    lines.lines().map(pair).collect()
}

#[test]
fn packer_and_image_builder_set_the_tags_by_which_karpenter_selects_the_ami() {
    let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let template = text("packer/image.pkr.hcl");
    assert!(template.contains("\n  tags            = local.tags\n"), "{template}");
    let packer = pairs(&template, "tags = merge(var.tags, {\n", "  })\n", " = ");
    assert_eq!(
        packer,
        [
            ("eni-bootstrap/version", "var.package_version"),
            ("kubernetes-version", "var.kubernetes_version"),
            ("base-image", "local.source_ami"),
        ]
        .map(pair)
    );

    let pipeline = text("image-builder/pipeline.yaml");
    assert!(pipeline.contains("\n      DistributionConfigurationArn: !Ref Distribution\n"));
    let image_builder = pairs(&pipeline, "            AmiTags:\n", "\n\n", ": !Ref ");
    assert_eq!(
        image_builder,
        [("eni-bootstrap/version", "PackageVersion"), ("kubernetes-version", "KubernetesVersion")]
            .map(pair)
    );

    let (class, _) = karpenter();
    let kubernetes = "1.34";
    assert_eq!(
        class["spec"]["amiSelectorTerms"],
        serde_json::json!([{ "tags": {
            "eni-bootstrap/version": "0.0.0",
            "kubernetes-version": kubernetes,
        } }])
    );
    // The build commands of the README set the same Kubernetes version, and the version in Cargo.toml.
    let readme = text("README.md");
    for argument in [
        format!("-var kubernetes_version={kubernetes} "),
        "-var package_version=\"$version\" ".to_owned(),
        format!("KubernetesVersion={kubernetes} "),
        "PackageVersion=$version ".to_owned(),
    ] {
        assert!(readme.contains(&argument), "{argument}");
    }
}
