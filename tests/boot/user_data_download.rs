//! Nodes that fetch the program by user data: from the download to the kubelet, or to the reason why
//! there is none.

use crate::support::boot::LABELS;
use crate::support::boot::kubelet::{InForce, Kubelet};
use crate::support::boot::launched::{Launched, SCRIPT, VERSION};
use crate::support::boot::node::Family::{Al2, Al2023};
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// What the script leaves to fetch the program.
const FETCH: &str = "/usr/local/sbin/eni-bootstrap-fetch";

const DO_NOT_RUN_IT: &str =
    "do not run this file; correct the SHA-256 in user data, or upload the right file";
const TRY_AGAIN: &str =
    "make sure that the node can reach this URL, then run `systemctl start nodeadm-run` to retry";

/// What the kubelet is to run with: user data sets no figure and no label of its own.
fn ours() -> InForce {
    InForce::new(20, "475Mi", LABELS)
}

/// What it would run with without us.
fn the_images() -> InForce {
    InForce::new(29, "none", "")
}

#[test]
fn a_node_fetches_the_program_once_and_starts_its_kubelet_with_our_figure_on_every_boot() {
    let Some(mut node) = Launched::new("download", Al2023, &[]) else { return };
    let machine = node.boot();
    machine.order().was(&["cloud-final.service", "nodeadm-run.service"]);
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
    assert_eq!(node.installed(), ["eni-bootstrap"]);
    let (installed, kubelet) = (node.inode(), machine.property("kubelet", "MainPID"));

    // Once more by hand: nothing changes, and the kubelet goes on. What fetches is put there whole: a
    // program that is open for writing cannot be run ("Text file busy"), and the unit may be about to.
    let fetch = || fs::metadata(machine.path(FETCH)).unwrap().ino();
    let before = fetch();
    machine.says(&[SCRIPT]);
    assert_ne!(fetch(), before);
    machine.says(&[FETCH]);
    assert_eq!(node.installed(), ["eni-bootstrap"]);
    assert_eq!((node.inode(), machine.property("kubelet", "MainPID")), (installed, kubelet));
    machine.power_off();

    // The next boot is as good without the server.
    node.server = None;
    let machine = node.boot();
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
    assert_eq!(node.inode(), installed);
}

#[test]
fn a_file_with_another_checksum_is_not_run_and_no_boot_starts_the_kubelet() {
    let Some(node) = Launched::new("download_other_file", Al2023, &[]) else { return };
    node.expects_another();
    for _ in ["the first boot", "a later one"] {
        let machine = node.boots_in_vain("nodeadm-run.service", &node.other_file(), DO_NOT_RUN_IT);
        machine.order().never_started("nodeadm-run.service");
        machine.power_off();
        // cloud-init runs it once.
        node.site.node.whole_user_script("#!/bin/sh\n");
    }
}

#[test]
fn a_file_that_is_not_there_is_said_and_fetched_when_it_is() {
    let Some(node) = Launched::new("download_late", Al2023, &[]) else { return };
    let away = node.file.with_file_name("away");
    fs::rename(&node.file, &away).unwrap();
    let because = format!("{}: curl: (22) The requested URL returned error: 404", node.url);
    let machine = node.boots_in_vain("nodeadm-run.service", &because, TRY_AGAIN);
    machine.order().never_started("nodeadm-run.service");
    fs::rename(away, &node.file).unwrap();
    machine.says(&["systemctl", "start", "nodeadm-run"]);
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
}

#[test]
fn a_server_that_cannot_be_reached_is_said() {
    let change = [("\ndownload_timeout=300 ", "\ndownload_timeout=2 ")];
    let Some(mut node) = Launched::new("download_unreachable", Al2023, &change) else { return };
    node.server = None;
    let at = node.url.trim_start_matches("http://").split('/').next().unwrap();
    let at = at.replace(':', " port ");
    let because = format!(
        "{}: curl: (7) Failed to connect to {at} after N ms: Couldn't connect to server",
        node.url
    );
    node.boots_in_vain("nodeadm-run.service", &because, TRY_AGAIN);
}

#[test]
fn a_file_of_another_version_is_not_installed() {
    let change = [(&*format!("version={VERSION}\nurl="), "version=9.9.9\nurl=")];
    let change = [change[0], ("/$version/", &format!("/{VERSION}/"))];
    let Some(node) = Launched::new("download_other_version", Al2023, &change) else { return };
    let machine = node.boot();
    machine.console_until("Dependency failed for nodeadm-run.service");
    let expected = format!(
        "error: failed to install eni-bootstrap 9.9.9\n  caused by: {} is not version 9.9.9: `--version` printed \"eni-bootstrap {VERSION}\"\n  help: set the version and the SHA-256 of the same release in user data\n",
        node.url
    );
    assert_eq!(machine.console_of("eni-bootstrap-fetch"), expected);
    assert_eq!(node.installed(), Vec::<String>::new());
}

/// As the comment in the script says.
#[test]
fn a_node_may_be_told_to_start_its_kubelet_whatever_comes_of_the_download() {
    let change = [("\nExecStartPre=+", "\nExecStartPre=-+"), ("\nExecStart=/", "\nExecStart=-/")];
    let Some(node) = Launched::new("download_fail_open", Al2023, &change) else { return };
    node.expects_another();
    let machine = node.boot();
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    machine.console_until("failed to install eni-bootstrap");
    assert_eq!(Kubelet::started(&machine).in_force(), the_images());
    assert_eq!(node.installed(), Vec::<String>::new());
}

#[test]
fn a_script_that_fails_itself_does_not_start_the_kubelet() {
    let Some(node) = Launched::new("download_no_room", Al2023, &[]) else { return };
    fs::create_dir_all(node.site.node.path("usr/local/sbin/eni-bootstrap-fetch")).unwrap();
    let machine = node.boot();
    assert_eq!(machine.order().unit("cloud-final.service").result, "exit-code");
    machine.order().never_started("nodeadm-run.service");
    machine.order().never_started("kubelet.service");
}

#[test]
fn on_al2_bootstrap_sh_starts_the_kubelet_with_our_figure() {
    let Some(mut node) = Launched::new("download_al2", Al2, &[]) else { return };
    let boot = |node: &Launched| {
        let machine = node.boot();
        machine.order().was(&["eni-bootstrap.service", "kubelet.service"]);
        let in_force = Kubelet::started(&machine).in_force();
        machine.power_off();
        in_force
    };
    assert_eq!(boot(&node), ours());
    let installed = node.inode();
    // From now on the kubelet is enabled, and bootstrap.sh is not called again.
    node.server = None;
    node.site.node.whole_user_script("#!/bin/sh\n");
    assert_eq!(boot(&node), ours());
    assert_eq!(node.inode(), installed);
}

/// A managed node group's call of `bootstrap.sh` is a part of its own, which cloud-init runs whatever
/// has come of the one before.
#[test]
fn on_al2_the_kubelet_does_not_start_whoever_calls_bootstrap_sh() {
    let Some(node) = Launched::new("download_al2_other_file", Al2, &[]) else { return };
    node.expects_another();
    let script = node.script();
    let (ours, call) = script.split_once("# A managed node group").unwrap();
    let (_, call) = call.split_once("\n/etc/eks/bootstrap.sh").unwrap();
    node.site.node.whole_user_script(ours);
    let part = "etc/eks/the-groups-own-part";
    node.site.node.write(part, &format!("#!/bin/sh\n/etc/eks/bootstrap.sh{call}"));
    node.site.node.drop_in(
        "cloud-final.service",
        "60-parts",
        &format!("[Service]\nExecStart=\nExecStart=/bin/sh -c '{SCRIPT}; sh /{part}'\n"),
    );
    let machine = node.boots_in_vain("kubelet.service", &node.other_file(), DO_NOT_RUN_IT);
    assert_eq!(machine.order().unit("cloud-final.service").result, "exit-code");
}
