//! The second boot of a node: unchanged, with another instance type, after `undo`, or after the first run
//! was killed.

use crate::boot::timeout::fail_open;
use crate::support::boot::Fixture;
use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::boot::{LABELS, user_data};
use crate::support::golden::files_under;
use crate::support::node::DROP_IN;
use crate::support::real_parts::{instance, metadata_mock};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

/// Returns the inode and the modification time of the drop-in.
fn identity(node: &Node) -> (u64, SystemTime) {
    let file = fs::metadata(node.path(DROP_IN)).unwrap();
    (file.ino(), file.modified().unwrap())
}

/// Boots the node, reads the kubelet configuration, runs `check`, and powers off.
fn boot(node: &Node, check: impl FnOnce(&Machine)) -> Kubelet {
    let machine = node.boot();
    machine.wait_until_booted();
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    let kubelet = Kubelet::started(&machine);
    check(&machine);
    machine.power_off();
    kubelet
}

#[test]
fn second_boot_writes_nothing() {
    let Some(fixture) = Fixture::new("second_boot", Al2023) else { return };
    fixture.create_eni_config();
    let first = boot(&fixture.node, |_| ());
    let file = identity(&fixture.node);
    let second = boot(&fixture.node, |machine| {
        let journal = machine.journal("eni-bootstrap");
        assert!(journal.contains("90-eni-bootstrap.yaml unchanged\n"), "{journal}");
    });
    assert_eq!(identity(&fixture.node), file);
    assert_eq!(first.effective(), EffectiveKubelet::configured());
    assert_eq!(second.arguments, first.arguments);
    assert_eq!(second.effective(), first.effective());
}

#[test]
fn changed_instance_type_updates_max_pods() {
    let Some(fixture) = Fixture::new("another_type", Al2023) else { return };
    fixture.create_eni_config();
    assert_eq!(boot(&fixture.node, |_| ()).effective(), EffectiveKubelet::configured());
    let data = user_data(&fixture.cluster, Al2023);
    let imds = metadata_mock(instance("m5.xlarge", "us-west-2a", data)).unwrap();
    fixture.node.use_imds(&imds);
    let larger = boot(&fixture.node, |_| ());
    // 3 network interfaces x 14 addresses for pods, and 2 host-network pods.
    let expected = EffectiveKubelet::new(44, "739Mi", &format!("team=blue,{LABELS}"));
    assert_eq!(larger.effective(), expected);
}

/// Makes the API server unreachable for eni-bootstrap: no proxy listens on this port.
fn cut_off(node: &Node) {
    let proxy = "[Service]\nEnvironment=HTTPS_PROXY=http://127.0.0.1:9\n";
    node.drop_in("eni-bootstrap.service", "60-proxy", proxy);
}

#[test]
fn second_boot_without_the_api_server_starts_the_kubelet() {
    let Some(fixture) = Fixture::new("without_api_server", Al2023) else { return };
    fixture.create_eni_config();
    let first = boot(&fixture.node, |_| ());
    cut_off(&fixture.node);
    fixture.node.settings("[fallback]\nwait = \"1s\"\n");
    let second = boot(&fixture.node, |machine| {
        let journal = machine.journal("eni-bootstrap");
        let recorded = journal.lines().filter(|line| {
            line.starts_with("warning: ") && line.contains(" of the last successful run (")
        });
        assert_eq!(recorded.count(), 2, "{journal}");
    });
    assert_eq!(second.effective(), first.effective());
    assert_eq!(second.effective(), EffectiveKubelet::configured());
}

/// The instance type has changed, the API server is unreachable, and the unit fails open.
#[test]
fn fail_open_does_not_use_the_values_of_another_instance_type() {
    let Some(fixture) = Fixture::new("fail_open_another_type", Al2023) else { return };
    fixture.create_eni_config();
    assert_eq!(boot(&fixture.node, |_| ()).effective(), EffectiveKubelet::configured());
    let data = user_data(&fixture.cluster, Al2023);
    let imds = metadata_mock(instance("m5.xlarge", "us-west-2a", data)).unwrap();
    fixture.node.use_imds(&imds);
    cut_off(&fixture.node);
    fixture.node.settings("[eni-config]\nwait = \"1s\"\n");
    fixture.node.drop_in("eni-bootstrap.service", "fail-open", &fail_open());
    let second = boot(&fixture.node, |machine| {
        assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "69");
    });
    assert_eq!(second.effective(), EffectiveKubelet::unconfigured());
}

#[test]
fn undo_restores_the_image_configuration() {
    let Some(fixture) = Fixture::new("undo", Al2023) else { return };
    fixture.create_eni_config();
    let first = boot(&fixture.node, |machine| {
        machine.stdout_of(&["systemctl", "disable", "eni-bootstrap"]);
        machine.stdout_of(&["eni-bootstrap", "undo"]);
    });
    assert_eq!(first.effective(), EffectiveKubelet::configured());
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    machine.order().assert_never_started("eni-bootstrap.service");
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::unconfigured());
}

#[test]
fn killed_run_blocks_the_kubelet_and_the_next_boot_succeeds() {
    let Some(fixture) = Fixture::new("killed", Al2023) else { return };
    let machine = fixture.node.boot();
    assert!(fixture.cluster.wait_for("watch", 1, Duration::from_mins(5)), "{}", machine.console());
    machine.stdout_of(&["systemctl", "kill", "--kill-who=main", "--signal=KILL", "eni-bootstrap"]);
    machine.wait_until_booted();
    let order = machine.order();
    let unit = order.unit("eni-bootstrap.service");
    assert_eq!((unit.state.as_str(), unit.result.as_str()), ("failed", "signal"));
    order.assert_never_started("nodeadm-run.service");
    order.assert_never_started("kubelet.service");
    machine.power_off();
    let drop_ins = fixture.node.path("etc/eks/nodeadm.d");
    assert_eq!(files_under(&drop_ins), ["90-eni-bootstrap.yaml"], "no temporary file is left");
    let file = identity(&fixture.node);

    fixture.create_eni_config();
    assert_eq!(boot(&fixture.node, |_| ()).effective(), EffectiveKubelet::configured());
    assert_eq!(identity(&fixture.node), file, "the file was complete");
}
