//! The first boot of an Amazon Linux 2023 node.

use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::node::Family::Al2023;
use crate::support::boot::{Fixture, LABELS};
use std::fs;
use std::time::Duration;

#[test]
fn first_boot_configures_the_kubelet() {
    let Some(fixture) = Fixture::new("al2023_fresh", Al2023) else { return };
    fixture.create_eni_config();
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    let order = machine.order();
    order.assert_order(&["nodeadm-config.service", "eni-bootstrap.service", "nodeadm-run.service"]);
    // cloud-init has written the settings files in /etc/eni-bootstrap by then.
    order.assert_order(&["cloud-init.service", "eni-bootstrap.service", "kubelet.service"]);
    let kubelet = Kubelet::started(&machine);
    assert_eq!(kubelet.effective(), EffectiveKubelet::configured());
    // nodeadm appends the flags of drop-ins. The last value of a label applies.
    assert_eq!(kubelet.arguments.last().unwrap(), &format!("--node-labels={LABELS}"));
    let unit = order.unit("eni-bootstrap.service");
    assert_eq!((unit.state.as_str(), unit.result.as_str()), ("active", "success"));
    assert!(
        machine.journal("eni-bootstrap").contains("\nready: the node is ready for the kubelet\n")
    );
}

/// Before v20251023 nodeadm does not read drop-ins. eni-bootstrap configures kubelet.service instead,
/// which nodeadm starts.
#[test]
fn image_without_nodeadm_drop_ins_configures_the_kubelet_unit() {
    let Some(fixture) = Fixture::new("al2023_older", Al2023) else { return };
    fixture.create_eni_config();
    let unit = "etc/systemd/system/nodeadm-run.service";
    let text = fs::read_to_string(fixture.node.path(unit)).unwrap();
    let older = text.replace(" --config-source file:///etc/eks/nodeadm.d/", "");
    assert_ne!(older, text);
    fixture.node.write(unit, &older);
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
    let kubelet = Kubelet::started(&machine);
    assert_eq!(kubelet.effective(), EffectiveKubelet::configured());
    // After max-pods come kube-reserved and the labels.
    let max_pods = kubelet.arguments.iter().rev().nth(2);
    assert_eq!(max_pods.map(String::as_str), Some("--max-pods=20"));
}

#[test]
fn kubelet_starts_only_after_the_eniconfig_is_created() {
    let Some(fixture) = Fixture::new("al2023_late", Al2023) else { return };
    let machine = fixture.node.boot();
    assert!(fixture.cluster.wait_for("watch", 1, Duration::from_mins(5)), "{}", machine.console());
    fixture.create_eni_config_late(&machine);
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
}
