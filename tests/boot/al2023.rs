//! Amazon Linux 2023: a fresh node whose ENIConfig is there, comes, or never comes.

use crate::support::boot::kubelet::{InForce, Kubelet};
use crate::support::boot::node::Family::Al2023;
use crate::support::boot::{LABELS, Site};
use std::fs;
use std::time::Duration;

/// What the kubelet is to run with.
pub fn ours() -> InForce {
    InForce::new(20, "475Mi", &format!("team=blue,{LABELS}"))
}

/// What it would run with without us: user data says so.
pub fn the_images() -> InForce {
    InForce::new(29, "none", "team=blue")
}

#[test]
fn a_fresh_node_starts_its_kubelet_with_our_figure() {
    let Some(site) = Site::new("al2023_fresh", Al2023) else { return };
    site.create_eni_config();
    let machine = site.node.boot();
    machine.booted();
    let order = machine.order();
    order.was(&["nodeadm-config.service", "eni-bootstrap.service", "nodeadm-run.service"]);
    // What cloud-init's write_files leaves in /etc/eni-bootstrap is there by then.
    order.was(&["cloud-init.service", "eni-bootstrap.service", "kubelet.service"]);
    let kubelet = Kubelet::started(&machine);
    assert_eq!(kubelet.in_force(), ours());
    // What a NodeConfig adds comes after what was there: later labels win.
    assert_eq!(kubelet.arguments.last().unwrap(), &format!("--node-labels={LABELS}"));
    let unit = order.unit("eni-bootstrap.service");
    assert_eq!((unit.state.as_str(), unit.result.as_str()), ("active", "success"));
    assert!(
        machine.journal("eni-bootstrap").contains("\nready: the node is ready for the kubelet\n")
    );
}

/// Before v20251023 nodeadm reads no drop-ins: the figure goes to the kubelet's own unit, which
/// nodeadm starts.
#[test]
fn a_node_of_an_older_image_gets_our_figure_by_the_kubelets_unit() {
    let Some(site) = Site::new("al2023_older", Al2023) else { return };
    site.create_eni_config();
    let unit = "etc/systemd/system/nodeadm-run.service";
    let text = fs::read_to_string(site.node.path(unit)).unwrap();
    let older = text.replace(" --config-source file:///etc/eks/nodeadm.d/", "");
    assert_ne!(older, text);
    site.node.write(unit, &older);
    let machine = site.node.boot();
    machine.booted();
    machine.order().was(&["eni-bootstrap.service", "nodeadm-run.service"]);
    let kubelet = Kubelet::started(&machine);
    assert_eq!(kubelet.in_force(), ours());
    let figure = kubelet.arguments.iter().rev().nth(2);
    assert_eq!(
        figure.map(String::as_str),
        Some("--max-pods=20"),
        "with the reserve and labels last"
    );
}

#[test]
fn an_eniconfig_that_comes_late_keeps_the_kubelet_until_then() {
    let Some(site) = Site::new("al2023_late", Al2023) else { return };
    let machine = site.node.boot();
    assert!(site.cluster.wait_for("watch", 1, Duration::from_mins(1)), "{}", machine.console());
    site.create_late(&machine);
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
}
