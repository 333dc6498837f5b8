//! Amazon Linux 2023 with nodeadm itself, which configures and starts the kubelet over D-Bus.

use super::al2023::ours;
use crate::support::boot::kubelet::Kubelet;
use crate::support::boot::node::Family::Al2023;
use crate::support::boot::{Site, user_data};
use crate::support::real_parts::{
    NODEADM_READS, instance, known_to_ec2, metadata_mock, moto, nodeadm_program,
};
use std::fs;

#[test]
fn nodeadm_itself_starts_the_kubelet_with_our_figure() {
    let (Some(program), Some(ec2)) = (nodeadm_program(), moto()) else { return };
    let Some(site) = Site::new("nodeadm", Al2023) else { return };
    site.create_eni_config();
    // In the place of the stand-in.
    fs::copy(program, site.node.path("usr/bin/nodeadm")).unwrap();
    for (path, contents) in NODEADM_READS {
        site.node.write(path, contents);
    }
    let c5_large = instance("c5.large", "us-west-2a", user_data(&site.cluster, Al2023));
    let Some(imds) = metadata_mock(known_to_ec2(ec2, c5_large)) else { return };
    site.node.use_imds(&imds);
    let endpoint = format!("[Service]\nEnvironment=AWS_ENDPOINT_URL_EC2={}\n", ec2.endpoint);
    for unit in ["nodeadm-config.service", "nodeadm-run.service"] {
        site.node.drop_in(unit, "60-ec2", &endpoint);
    }
    let machine = site.node.boot();
    machine.booted();
    let order = machine.order();
    order.was(&["nodeadm-config.service", "eni-bootstrap.service", "nodeadm-run.service"]);
    order.was(&["eni-bootstrap.service", "kubelet.service"]);
    assert_eq!(order.unit("nodeadm-run.service").result, "success");
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
}
