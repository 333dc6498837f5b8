//! The image build scripts in `ami/`, on a build instance and on an instance of the built image.

use crate::support::boot::Fixture;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::image_builder::{commands, component, steps};
use crate::support::real_parts::{instance, metadata_mock};
use std::fs;
use std::process::Output;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const UPLOAD: &str = "/tmp/eni-bootstrap-upload";
/// The contents of the package file. The stand-in for dnf does not read it.
const PACKAGE: &str = "a package";
/// A stand-in for dnf that prints its arguments. The files of the package are already installed.
const DNF: &str = "#!/bin/sh\necho dnf \"$@\"\n";

/// Boots a build instance. The files of the package are installed and the unit is disabled.
fn build_instance(case: &str) -> Option<(Fixture, Machine)> {
    let fixture = Fixture::new(case, Al2023)?;
    fixture.node.systemctl(&["disable", "eni-bootstrap.service"]);
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    write(&machine, "/usr/bin/dnf", DNF);
    machine.stdout_of(&["chmod", "0755", "/usr/bin/dnf"]);
    Some((fixture, machine))
}

#[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
fn write(machine: &Machine, path: &str, contents: &str) {
    let path = machine.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

/// Returns the exit status, stdout and stderr.
fn result(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs a copy of a script in `ami/`, as Packer does.
fn run(machine: &Machine, script: &str, argument: &[&str]) -> (Option<i32>, String, String) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/ami/");
    write(machine, "/root/script", &fs::read_to_string(folder.to_owned() + script).unwrap());
    result(machine.run(&[&["sh", "/root/script"], argument].concat()))
}

#[test]
fn packer_scripts_install_test_and_clean_up() {
    let Some((_fixture, machine)) = build_instance("image_packer") else { return };
    write(&machine, "/tmp/eni-bootstrap-upload/eni-bootstrap.rpm", "");
    write(&machine, "/tmp/eni-bootstrap-upload/90-site.toml", "[pods]\nextra = 1\n");
    let (status, stdout, _) = run(&machine, "install-package.sh", &[UPLOAD]);
    let dnf = format!("dnf install --assumeyes --disablerepo=* {UPLOAD}/eni-bootstrap.rpm\n");
    assert_eq!((status, stdout), (Some(0), dnf));
    let settings = machine.read("/etc/eni-bootstrap/90-site.toml").unwrap();
    assert_eq!(settings, "[pods]\nextra = 1\n");

    let (status, stdout, stderr) = run(&machine, "test-image.sh", &[VERSION]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout.lines().filter(|line| line.starts_with("ok: ")).count(), 14, "{stdout}");

    write(&machine, "/etc/ssh/ssh_host_ed25519_key", "");
    let cleaned = run(&machine, "clean-image.sh", &[]);
    assert_eq!(cleaned, (Some(0), String::new(), String::new()));
    assert_eq!(machine.read("/etc/machine-id").unwrap(), "");
    assert!(!machine.path("/etc/ssh/ssh_host_ed25519_key").exists());
    machine.order().assert_never_started("eni-bootstrap.service");
}

#[test]
fn test_image_reports_every_failed_check() {
    let Some((_fixture, machine)) = build_instance("image_wrong") else { return };
    write(&machine, "/etc/eni-bootstrap/90-site.toml", "[pods]\nmaximum = 1\n");
    write(&machine, "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml", "");
    machine.stdout_of(&["mkdir", UPLOAD]);
    let unit = "/usr/lib/systemd/system/eni-bootstrap.service";
    let text = machine.read(unit).unwrap();
    write(&machine, unit, &text.replace("Type=oneshot", "Type=once"));
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    let (status, _, stderr) = run(&machine, "test-image.sh", &["9.9.9"]);
    assert_eq!(status, Some(1));
    let failed: Vec<_> = stderr.lines().filter_map(|it| it.strip_prefix("FAILED: ")).collect();
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
        "{stderr}"
    );
    let version = format!("  expected: eni-bootstrap 9.9.9\n  actual: eni-bootstrap {VERSION}\n");
    assert!(stderr.contains(&version), "{stderr}");
    assert!(stderr.contains("unknown key \"maximum\""), "{stderr}");
}

/// Runs the steps of a phase of the component as Image Builder does. Stops at the first failed step.
/// Returns the result of the last step that ran.
fn phase(machine: &Machine, name: &str, sha256: &str) -> (Option<i32>, String, String) {
    let parameters = [
        ("Package", "s3://packages/eni-bootstrap.rpm"),
        ("PackageSha256", sha256),
        ("PackageVersion", VERSION),
    ];
    let mut last = None;
    for step in steps(&component(), name) {
        if step["action"] == "S3Download" {
            write(machine, step["inputs"][0]["destination"].as_str().unwrap(), PACKAGE);
            continue;
        }
        write(machine, "/root/input.sh", &commands(&step, &parameters));
        let result = result(machine.run(&["bash", "/root/input.sh"]));
        let failed = result.0 != Some(0);
        last = Some(result);
        if failed {
            break;
        }
    }
    last.unwrap()
}

#[test]
fn image_builder_component_installs_only_a_package_with_the_given_checksum() {
    let Some((_fixture, machine)) = build_instance("image_builder") else { return };
    write(&machine, "/root/package", PACKAGE);
    let sum = machine.stdout_of(&["sha256sum", "/root/package"]);
    let sum = sum.split(' ').next().unwrap();
    let another = "1".repeat(64);
    let (status, stdout, stderr) = phase(&machine, "build", &another);
    let error = format!(
        "error: failed to verify the checksum of s3://packages/eni-bootstrap.rpm
  caused by: SHA-256 is \"{sum}\", expected \"{another}\"
  help: do not install this file; correct PackageSha256, or upload the right file
"
    );
    assert_eq!((status, stdout, stderr), (Some(1), String::new(), error));
    assert!(!machine.path("/tmp/eni-bootstrap.rpm").exists());

    let (status, stdout, stderr) = phase(&machine, "build", sum);
    let dnf = "dnf install --assumeyes --disablerepo=* /tmp/eni-bootstrap.rpm\n";
    assert_eq!((status, stdout.as_str()), (Some(0), dnf), "{stderr}");
    assert!(!machine.path("/tmp/eni-bootstrap.rpm").exists());
    let (status, _, stderr) = phase(&machine, "validate", sum);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
}

/// The instance that Image Builder starts to test the image has no cluster configuration, so
/// eni-bootstrap fails and blocks the kubelet.
#[test]
fn test_phase_passes_on_an_instance_without_a_cluster() {
    let Some(node) = Node::new("image_test", Al2023) else { return };
    let Some(imds) = metadata_mock(instance("t3.medium", "us-west-2a", "")) else { return };
    node.use_imds(&imds);
    let machine = node.boot();
    let (status, stdout, stderr) = phase(&machine, "test", "");
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("error: "), "{stdout}");
}
