//! The scripts that build an image, on the instance that becomes it and on one that is made of it.

use crate::packaging::ami::{commands, component, steps};
use crate::support::boot::Site;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::real_parts::{instance, metadata_mock};
use std::fs;
use std::process::Output;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const UPLOAD: &str = "/tmp/eni-bootstrap-upload";
/// Stands in for the package.
const PACKAGE: &str = "a package";
/// Stands in for dnf, with the package's files there already: shows what it was told.
const DNF: &str = "#!/bin/sh\necho dnf \"$@\"\n";

/// The instance that is to become an image: the package's files are there, nothing of it is enabled.
fn build_instance(case: &str) -> Option<(Site, Machine)> {
    let site = Site::new(case, Al2023)?;
    site.node.systemctl(&["disable", "eni-bootstrap.service"]);
    let machine = site.node.boot();
    machine.booted();
    put(&machine, "/usr/bin/dnf", DNF);
    machine.says(&["chmod", "0755", "/usr/bin/dnf"]);
    Some((site, machine))
}

/// Writes a file on the node.
#[expect(clippy::disallowed_methods, reason = "a test's fixture, not a node's file")]
fn put(machine: &Machine, path: &str, contents: &str) {
    let path = machine.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn ended(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs one of the scripts in `ami/`, as Packer does: from a copy.
fn run(machine: &Machine, script: &str, argument: &[&str]) -> (Option<i32>, String, String) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/ami/");
    put(machine, "/root/script", &fs::read_to_string(folder.to_owned() + script).unwrap());
    ended(machine.run(&[&["sh", "/root/script"], argument].concat()))
}

#[test]
fn packers_scripts_install_it_test_it_and_clean_up() {
    let Some((_site, machine)) = build_instance("image_packer") else { return };
    put(&machine, "/tmp/eni-bootstrap-upload/eni-bootstrap.rpm", "");
    put(&machine, "/tmp/eni-bootstrap-upload/90-site.toml", "[pods]\nextra = 1\n");
    let (status, said, _) = run(&machine, "install-package.sh", &[UPLOAD]);
    let dnf = format!("dnf install --assumeyes --disablerepo=* {UPLOAD}/eni-bootstrap.rpm\n");
    assert_eq!((status, said), (Some(0), dnf));
    let settings = machine.read("/etc/eni-bootstrap/90-site.toml").unwrap();
    assert_eq!(settings, "[pods]\nextra = 1\n");

    let (status, said, wrong) = run(&machine, "test-image.sh", &[VERSION]);
    assert_eq!((status, wrong.as_str()), (Some(0), ""));
    assert_eq!(said.lines().filter(|line| line.starts_with("ok: ")).count(), 14, "{said}");

    put(&machine, "/etc/ssh/ssh_host_ed25519_key", "");
    let cleaned = run(&machine, "clean-image.sh", &[]);
    assert_eq!(cleaned, (Some(0), String::new(), String::new()));
    assert_eq!(machine.read("/etc/machine-id").unwrap(), "");
    assert!(!machine.path("/etc/ssh/ssh_host_ed25519_key").exists());
    machine.order().never_started("eni-bootstrap.service");
}

#[test]
fn an_image_that_is_not_right_is_told_everything_that_is_wrong() {
    let Some((_site, machine)) = build_instance("image_wrong") else { return };
    put(&machine, "/etc/eni-bootstrap/90-site.toml", "[pods]\nmaximum = 1\n");
    put(&machine, "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml", "");
    machine.says(&["mkdir", UPLOAD]);
    let unit = "/usr/lib/systemd/system/eni-bootstrap.service";
    let text = machine.read(unit).unwrap();
    put(&machine, unit, &text.replace("Type=oneshot", "Type=once"));
    machine.says(&["systemctl", "daemon-reload"]);
    let (status, _, wrong) = run(&machine, "test-image.sh", &["9.9.9"]);
    assert_eq!(status, Some(1));
    let failed: Vec<_> = wrong.lines().filter_map(|it| it.strip_prefix("FAILED: ")).collect();
    assert_eq!(
        failed,
        [
            "version of eni-bootstrap",
            "eni-bootstrap.service is enabled",
            "eni-bootstrap.service is valid",
            "nodeadm-run.service has Requires=eni-bootstrap.service",
            "nodeadm-run.service has After=eni-bootstrap.service",
            "kubelet.service has Requires=eni-bootstrap.service",
            "kubelet.service has After=eni-bootstrap.service",
            "settings are valid",
            "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml does not exist",
            "/tmp has no files of the build",
        ],
        "{wrong}"
    );
    let version = format!("  expected: eni-bootstrap 9.9.9\n  actual: eni-bootstrap {VERSION}\n");
    assert!(wrong.contains(&version), "{wrong}");
    assert!(wrong.contains("unknown field `maximum`"), "{wrong}");
}

/// Runs the steps of a phase of the component as Image Builder does; what the last one, or the first that failed, came to.
fn phase(machine: &Machine, name: &str, sha256: &str) -> (Option<i32>, String, String) {
    let parameters = [
        ("Package", "s3://packages/eni-bootstrap.rpm"),
        ("PackageSha256", sha256),
        ("PackageVersion", VERSION),
    ];
    let mut came_to = None;
    for step in steps(&component(), name) {
        if step["action"] == "S3Download" {
            put(machine, step["inputs"][0]["destination"].as_str().unwrap(), PACKAGE);
            continue;
        }
        put(machine, "/root/input.sh", &commands(&step, &parameters));
        let ended = ended(machine.run(&["bash", "/root/input.sh"]));
        let failed = ended.0 != Some(0);
        came_to = Some(ended);
        if failed {
            break;
        }
    }
    came_to.unwrap()
}

#[test]
fn image_builders_component_installs_what_it_was_told_to_and_nothing_else() {
    let Some((_site, machine)) = build_instance("image_builder") else { return };
    put(&machine, "/root/package", PACKAGE);
    let sum = machine.says(&["sha256sum", "/root/package"]);
    let sum = sum.split(' ').next().unwrap();
    let another = "1".repeat(64);
    let (status, said, wrong) = phase(&machine, "build", &another);
    let refusal = format!(
        "error: failed to verify the checksum of s3://packages/eni-bootstrap.rpm
  caused by: SHA-256 is \"{sum}\", expected \"{another}\"
  help: do not install this file; correct PackageSha256, or upload the right file
"
    );
    assert_eq!((status, said, wrong), (Some(1), String::new(), refusal));
    assert!(!machine.path("/tmp/eni-bootstrap.rpm").exists());

    let (status, said, wrong) = phase(&machine, "build", sum);
    let dnf = "dnf install --assumeyes --disablerepo=* /tmp/eni-bootstrap.rpm\n";
    assert_eq!((status, said.as_str()), (Some(0), dnf), "{wrong}");
    assert!(!machine.path("/tmp/eni-bootstrap.rpm").exists());
    let (status, _, wrong) = phase(&machine, "validate", sum);
    assert_eq!((status, wrong.as_str()), (Some(0), ""));
}

/// It is in no cluster: nobody has told it of one.
#[test]
fn an_instance_of_the_image_that_only_tests_it_keeps_its_kubelet_back() {
    let Some(node) = Node::new("image_test", Al2023) else { return };
    let Some(imds) = metadata_mock(instance("t3.medium", "us-west-2a", "")) else { return };
    node.use_imds(&imds);
    let machine = node.boot();
    let (status, said, wrong) = phase(&machine, "test", "");
    assert_eq!((status, wrong.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("error: "), "{said}");
}
