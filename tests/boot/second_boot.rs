//! A node that boots again: nothing has changed, its type has, or the boot before was cut short.

use super::al2023::{ours, the_images};
use crate::support::boot::Site;
use crate::support::boot::kubelet::{InForce, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::boot::{LABELS, user_data};
use crate::support::golden::files_under;
use crate::support::node::DROP_IN;
use crate::support::real_parts::{instance, metadata_mock};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

/// Which file it is, and when it was written.
fn written(node: &Node) -> (u64, SystemTime) {
    let file = fs::metadata(node.path(DROP_IN)).unwrap();
    (file.ino(), file.modified().unwrap())
}

/// Boots, looks at the kubelet, and powers off.
fn boot(node: &Node, look: impl FnOnce(&Machine)) -> Kubelet {
    let machine = node.boot();
    machine.booted();
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    let kubelet = Kubelet::started(&machine);
    look(&machine);
    machine.power_off();
    kubelet
}

#[test]
fn a_second_boot_writes_nothing() {
    let Some(site) = Site::new("second_boot", Al2023) else { return };
    site.create_eni_config();
    let first = boot(&site.node, |_| ());
    let file = written(&site.node);
    let second = boot(&site.node, |machine| {
        let journal = machine.journal("eni-bootstrap");
        assert!(journal.contains("90-eni-bootstrap.yaml unchanged\n"), "{journal}");
    });
    assert_eq!(written(&site.node), file);
    assert_eq!(first.in_force(), ours());
    assert_eq!(second.arguments, first.arguments);
    assert_eq!(second.in_force(), first.in_force());
}

#[test]
fn a_node_that_comes_back_as_another_type_gets_its_figure() {
    let Some(site) = Site::new("another_type", Al2023) else { return };
    site.create_eni_config();
    assert_eq!(boot(&site.node, |_| ()).in_force(), ours());
    let data = user_data(&site.cluster, Al2023);
    let imds = metadata_mock(instance("m5.xlarge", "us-west-2a", data)).unwrap();
    site.node.use_imds(&imds);
    let larger = boot(&site.node, |_| ());
    // 3 interfaces of 14 addresses for pods, and 2 on the host's network.
    let expected = InForce::new(44, "739Mi", &format!("team=blue,{LABELS}"));
    assert_eq!(larger.in_force(), expected);
}

#[test]
fn a_node_that_the_agent_was_taken_off_boots_as_its_image_does() {
    let Some(site) = Site::new("taken_off", Al2023) else { return };
    site.create_eni_config();
    let ours_then = boot(&site.node, |machine| {
        machine.says(&["systemctl", "disable", "eni-bootstrap"]);
        machine.says(&["eni-bootstrap", "undo"]);
    });
    assert_eq!(ours_then.in_force(), ours());
    let machine = site.node.boot();
    machine.booted();
    machine.order().never_started("eni-bootstrap.service");
    assert_eq!(Kubelet::started(&machine).in_force(), the_images());
}

#[test]
fn an_agent_that_is_killed_leaves_no_kubelet_and_no_half_file_and_the_next_boot_succeeds() {
    let Some(site) = Site::new("killed", Al2023) else { return };
    let machine = site.node.boot();
    assert!(site.cluster.wait_for("watch", 1, Duration::from_mins(1)), "{}", machine.console());
    machine.says(&["systemctl", "kill", "--kill-who=main", "--signal=KILL", "eni-bootstrap"]);
    machine.booted();
    let order = machine.order();
    let unit = order.unit("eni-bootstrap.service");
    assert_eq!((unit.state.as_str(), unit.result.as_str()), ("failed", "signal"));
    order.never_started("nodeadm-run.service");
    order.never_started("kubelet.service");
    machine.power_off();
    let drop_ins = site.node.path("etc/eks/nodeadm.d");
    assert_eq!(files_under(&drop_ins), ["90-eni-bootstrap.yaml"], "and no draft");
    let file = written(&site.node);

    site.create_eni_config();
    assert_eq!(boot(&site.node, |_| ()).in_force(), ours());
    assert_eq!(written(&site.node), file, "it was whole");
}
