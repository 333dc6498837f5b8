//! Nodes that download eni-bootstrap by user data: successful and failed downloads.

use crate::support::boot::LABELS;
use crate::support::boot::download_node::{DownloadNode, SCRIPT, VERSION};
use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::node::Family::{Al2, Al2023};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;

/// The download script that user data writes.
const FETCH: &str = "/usr/local/sbin/eni-bootstrap-fetch";
/// The unit that user data writes.
const UNIT: &str = "/etc/systemd/system/eni-bootstrap.service";
/// The change that ends the download after the first attempt.
const SHORT_DOWNLOAD: (&str, &str) = ("\ndownload_timeout=300 ", "\ndownload_timeout=2 ");

const CHECKSUM_HELP: &str =
    "do not run this file; correct the SHA-256 in user data, or upload the right file";
const RETRY_HELP: &str =
    "make sure that the node can reach this URL, then run `systemctl start nodeadm-run` to retry";

/// Returns the configuration of the kubelet with eni-bootstrap. The user data sets neither max-pods nor
/// labels.
fn configured() -> EffectiveKubelet {
    EffectiveKubelet::new(20, "475Mi", LABELS)
}

/// Returns the configuration of the kubelet without eni-bootstrap.
fn unconfigured() -> EffectiveKubelet {
    EffectiveKubelet::new(29, "none", "")
}

#[test]
fn downloads_the_program_once_and_configures_the_kubelet_on_every_boot() {
    let Some(mut node) = DownloadNode::new("download", Al2023, &[]) else { return };
    let machine = node.boot();
    machine.order().assert_order(&["cloud-final.service", "nodeadm-run.service"]);
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), configured());
    assert_eq!(node.installed(), ["eni-bootstrap"]);
    let (installed, kubelet) = (node.inode(), machine.property("kubelet", "MainPID"));

    // A manual second run changes nothing, and the kubelet keeps running. User data replaces the download
    // script atomically: an executable that is open for writing cannot run ("Text file busy"), and the
    // unit may run it at any time.
    let fetch = || fs::metadata(machine.path(FETCH)).unwrap().ino();
    let before = fetch();
    machine.stdout_of(&[SCRIPT]);
    assert_ne!(fetch(), before);
    machine.stdout_of(&[FETCH]);
    assert_eq!(node.installed(), ["eni-bootstrap"]);
    assert_eq!((node.inode(), machine.property("kubelet", "MainPID")), (installed, kubelet));
    machine.power_off();

    // The next boot does not need the server.
    node.server = None;
    let machine = node.boot();
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), configured());
    assert_eq!(node.inode(), installed);
}

#[test]
fn wrong_checksum_blocks_the_kubelet_on_every_boot() {
    let Some(node) = DownloadNode::new("download_other_file", Al2023, &[]) else { return };
    node.expect_wrong_checksum();
    for _boot in ["first", "second"] {
        let error = node.checksum_error();
        let machine = node.boot_with_failed_download("nodeadm-run.service", &error, CHECKSUM_HELP);
        machine.order().assert_never_started("nodeadm-run.service");
        machine.power_off();
        // cloud-init runs the script only on the first boot.
        node.fixture.node.raw_user_script("#!/bin/sh\n");
    }
}

#[test]
fn missing_file_is_reported_and_a_retry_downloads_it() {
    let changes = [SHORT_DOWNLOAD];
    let Some(node) = DownloadNode::new("download_late", Al2023, &changes) else { return };
    let away = node.file.with_file_name("away");
    fs::rename(&node.file, &away).unwrap();
    let cause = format!("{}: curl: (22) The requested URL returned error: 404", node.url);
    let machine = node.boot_with_failed_download("nodeadm-run.service", &cause, RETRY_HELP);
    machine.order().assert_never_started("nodeadm-run.service");
    fs::rename(away, &node.file).unwrap();
    machine.stdout_of(&["systemctl", "start", "nodeadm-run"]);
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    assert_eq!(Kubelet::started(&machine).effective(), configured());
}

#[test]
fn unreachable_server_is_reported() {
    let changes = [SHORT_DOWNLOAD];
    let Some(mut node) = DownloadNode::new("download_unreachable", Al2023, &changes) else {
        return;
    };
    node.server = None;
    let address = node.url.trim_start_matches("https://").split('/').next().unwrap();
    let address = address.replace(':', " port ");
    let cause = format!(
        "{}: curl: (7) Failed to connect to {address} after N ms: Couldn't connect to server",
        node.url
    );
    node.boot_with_failed_download("nodeadm-run.service", &cause, RETRY_HELP);
}

#[test]
fn another_version_is_not_installed() {
    let change = [(&*format!("version={VERSION}\nurl="), "version=9.9.9\nurl=")];
    let change = [change[0], ("/$version/", &format!("/{VERSION}/"))];
    let Some(node) = DownloadNode::new("download_other_version", Al2023, &change) else { return };
    let machine = node.boot();
    machine.wait_for_console("Dependency failed for nodeadm-run.service");
    let expected = format!(
        "error: failed to install eni-bootstrap 9.9.9\n  caused by: {} is not version 9.9.9: `--version` printed \"eni-bootstrap {VERSION}\"\n  help: set the version and the SHA-256 of the same release in user data\n",
        node.url
    );
    assert_eq!(machine.console_lines_of("eni-bootstrap-fetch"), expected);
    assert_eq!(node.installed(), Vec::<String>::new());
}

/// The change that the comment in the script describes.
#[test]
fn fail_open_starts_the_kubelet_after_a_failed_download() {
    let change = [("\nExecStartPre=+", "\nExecStartPre=-+"), ("\nExecStart=/", "\nExecStart=-/")];
    let Some(node) = DownloadNode::new("download_fail_open", Al2023, &change) else { return };
    node.expect_wrong_checksum();
    let machine = node.boot();
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    machine.wait_for_console("failed to install eni-bootstrap");
    assert_eq!(Kubelet::started(&machine).effective(), unconfigured());
    assert_eq!(node.installed(), Vec::<String>::new());
}

#[test]
fn failing_user_data_script_blocks_the_kubelet() {
    let Some(node) = DownloadNode::new("download_no_room", Al2023, &[]) else { return };
    fs::create_dir_all(node.fixture.node.path("usr/local/sbin/eni-bootstrap-fetch")).unwrap();
    let machine = node.boot();
    assert_eq!(machine.order().unit("cloud-final.service").result, "exit-code");
    machine.order().assert_never_started("nodeadm-run.service");
    machine.order().assert_never_started("kubelet.service");
}

#[test]
fn al2_bootstrap_sh_starts_the_kubelet_configured_on_every_boot() {
    let Some(mut node) = DownloadNode::new("download_al2", Al2, &[]) else { return };
    let boot = |node: &DownloadNode| {
        let machine = node.boot();
        machine.order().assert_order(&["eni-bootstrap.service", "kubelet.service"]);
        let effective = Kubelet::started(&machine).effective();
        machine.power_off();
        effective
    };
    assert_eq!(boot(&node), configured());
    let installed = node.inode();
    // The kubelet is now enabled, and bootstrap.sh does not run again.
    node.server = None;
    node.fixture.node.raw_user_script("#!/bin/sh\n");
    assert_eq!(boot(&node), configured());
    assert_eq!(node.inode(), installed);
}

/// A managed node group calls `bootstrap.sh` in a separate part of the user data. cloud-init runs it even
/// if an earlier part fails.
#[test]
fn al2_failed_download_blocks_the_kubelet_if_another_part_calls_bootstrap_sh() {
    let Some(node) = DownloadNode::new("download_al2_other_file", Al2, &[]) else { return };
    node.expect_wrong_checksum();
    let script = node.script();
    let (download, call) = script.split_once("# A managed node group").unwrap();
    let (_, call) = call.split_once("\n/etc/eks/bootstrap.sh").unwrap();
    node.fixture.node.raw_user_script(download);
    let part = "etc/eks/part-of-the-node-group";
    node.fixture.node.write(part, &format!("#!/bin/sh\n/etc/eks/bootstrap.sh{call}"));
    node.fixture.node.drop_in(
        "cloud-final.service",
        "60-parts",
        &format!("[Service]\nExecStart=\nExecStart=/bin/sh -c '{SCRIPT}; sh /{part}'\n"),
    );
    let machine =
        node.boot_with_failed_download("kubelet.service", &node.checksum_error(), CHECKSUM_HELP);
    assert_eq!(machine.order().unit("cloud-final.service").result, "exit-code");
}

/// cloud-init does not run the user-data script again. A copy of it repairs the files.
#[test]
fn empty_files_after_a_power_failure_are_repaired_on_the_next_boot() {
    for (case, family) in [("download_repair", Al2023), ("download_repair_al2", Al2)] {
        let Some(mut node) = DownloadNode::new(case, family, &[]) else { return };
        let machine = node.boot();
        assert_eq!(Kubelet::started(&machine).effective(), configured());
        machine.power_off();
        node.fixture.node.raw_user_script("#!/bin/sh\n");
        node.server = None;
        for file in [UNIT, FETCH] {
            let path = node.fixture.node.path(file);
            let installed = fs::read_to_string(&path).unwrap();
            File::create(&path).unwrap();
            let machine = node.boot();
            // On AL2, systemd starts the kubelet without the empty unit, and the repair restarts it.
            machine.wait_until("configured kubelet", || {
                let arguments = machine.read("/run/kubelet/arguments");
                arguments.is_some_and(|arguments| arguments.contains(LABELS))
            });
            assert_eq!(Kubelet::started(&machine).effective(), configured(), "{case}: {file}");
            machine.order().assert_order(&["eni-bootstrap.service", "kubelet.service"]);
            machine.power_off();
            assert_eq!(fs::read_to_string(&path).unwrap(), installed, "{case}: {file}");
        }
    }
}
