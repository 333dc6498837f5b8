//! An image made of the rpm, by the scripts that Packer and EC2 Image Builder run.

use super::life::boots_with_us;
use super::package::{Form, VERSION, place};
use crate::support::boot::Site;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use std::fs;
use std::path::Path;

const UPLOAD: &str = "/root/upload";
/// Amazon Linux's dnf, as far as it is asked here: it hands a file to rpm.
const DNF: &str = "#!/bin/sh\nfor file; do :; done\nexec rpm --force-debian --install \"$file\"\n";

/// Runs a script of `ami/` from a copy, as Packer does.
fn run(machine: &Machine, script: &str, argument: &str) -> String {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("ami").join(script);
    let text = fs::read_to_string(text).unwrap();
    machine.says(&["sh", "-c", &text, script, argument])
}

#[test]
fn the_rpm_makes_an_image_whose_instances_wait_for_us() {
    let Some(node) = Node::without_us("packages_image", Al2023) else { return };
    let Some(()) = Form::Rpm.bring(&node) else { return };
    node.write("usr/bin/dnf", DNF);
    node.write(&format!("{UPLOAD}/90-site.toml"), "[pods]\nextra = 0\n");
    let Some(site) = Site::of(node, Al2023) else { return };
    site.create_eni_config();

    let machine = site.node.boot();
    machine.booted();
    machine.says(&["chmod", "0755", "/usr/bin/dnf"]);
    let rpm = place(Form::Rpm, VERSION);
    machine.says(&["cp", &rpm, &format!("{UPLOAD}/eni-bootstrap.rpm")]);
    run(&machine, "install-package.sh", UPLOAD);
    assert!(!machine.path(UPLOAD).exists());
    let said = run(&machine, "test-image.sh", VERSION);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok: ")).count(), 14, "{said}");
    machine.order().never_started("eni-bootstrap.service");
    machine.power_off();
    boots_with_us(&site).power_off();
}
