//! An image build with the rpm and the scripts that Packer and EC2 Image Builder run.

use crate::support::boot::Fixture;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::packages::{PackageFormat, VERSION, package_path};
use std::fs;
use std::path::Path;

const UPLOAD: &str = "/root/upload";
/// A stand-in for dnf that installs its last argument with rpm.
const DNF: &str = "#!/bin/sh\nfor file; do :; done\nexec rpm --force-debian --install \"$file\"\n";

/// Runs a script of `ami/` on the node and returns its stdout.
fn run(machine: &Machine, script: &str, argument: &str) -> String {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("ami").join(script);
    let text = fs::read_to_string(text).unwrap();
    machine.stdout_of(&["sh", "-c", &text, script, argument])
}

#[test]
fn instances_of_an_image_with_the_rpm_run_eni_bootstrap() {
    let Some(node) = Node::without_agent("packages_image", Al2023) else { return };
    let Some(()) = PackageFormat::Rpm.copy_to(&node) else { return };
    node.write("usr/bin/dnf", DNF);
    node.write(&format!("{UPLOAD}/90-site.toml"), "[pods]\nextra = 0\n");
    let Some(fixture) = Fixture::with_node(node, Al2023) else { return };
    fixture.create_eni_config();

    let machine = fixture.node.boot();
    machine.wait_until_booted();
    machine.stdout_of(&["chmod", "0755", "/usr/bin/dnf"]);
    let rpm = package_path(PackageFormat::Rpm, VERSION);
    machine.stdout_of(&["cp", &rpm, &format!("{UPLOAD}/eni-bootstrap.rpm")]);
    run(&machine, "install-package.sh", UPLOAD);
    assert!(!machine.path(UPLOAD).exists());
    let stdout = run(&machine, "test-image.sh", VERSION);
    assert_eq!(stdout.lines().filter(|line| line.starts_with("ok: ")).count(), 14, "{stdout}");
    machine.order().assert_never_started("eni-bootstrap.service");
    machine.power_off();
    fixture.boot_configured().power_off();
}
