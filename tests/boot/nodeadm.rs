//! Amazon Linux 2023 with the real nodeadm, which configures the kubelet and starts it over D-Bus.

use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::node::Family::Al2023;
use crate::support::boot::{Fixture, user_data};
use crate::support::real_parts::{
    NODEADM_INPUT_FILES, instance, metadata_mock, moto, nodeadm_program, with_ec2_instance_id,
};
use std::fs;

#[test]
fn real_nodeadm_starts_the_kubelet_configured() {
    let (Some(program), Some(ec2)) = (nodeadm_program(), moto()) else { return };
    let Some(fixture) = Fixture::new("nodeadm", Al2023) else { return };
    fixture.create_eni_config();
    // Replaces the stand-in script.
    fs::copy(program, fixture.node.path("usr/bin/nodeadm")).unwrap();
    for (path, contents) in NODEADM_INPUT_FILES {
        fixture.node.write(path, contents);
    }
    let c5_large = instance("c5.large", "us-west-2a", user_data(&fixture.cluster, Al2023));
    let Some(imds) = metadata_mock(with_ec2_instance_id(ec2, c5_large)) else { return };
    fixture.node.use_imds(&imds);
    let endpoint = format!("[Service]\nEnvironment=AWS_ENDPOINT_URL_EC2={}\n", ec2.endpoint);
    for unit in ["nodeadm-config.service", "nodeadm-run.service"] {
        fixture.node.drop_in(unit, "60-ec2", &endpoint);
    }
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    let order = machine.order();
    order.assert_order(&["nodeadm-config.service", "eni-bootstrap.service", "nodeadm-run.service"]);
    order.assert_order(&["eni-bootstrap.service", "kubelet.service"]);
    assert_eq!(order.unit("nodeadm-run.service").result, "success");
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
}
