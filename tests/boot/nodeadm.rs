//! Amazon Linux 2023 with nodeadm itself, which configures and starts the kubelet over D-Bus.

use super::al2023::ours;
use super::kubelet::Kubelet;
use super::node::Family::Al2023;
use super::{Site, user_data};
use crate::real_parts::{instance, metadata_mock, moto, nodeadm_program};
use std::fs;

/// What it reads of an image. It asks for versions where these files are not there, and writes
/// nothing for a kubelet whose credential provider is missing.
const IMAGE: [(&str, &str); 3] = [
    ("etc/eks/kubelet-version.txt", "Kubernetes v1.34.2-eks-ecaa3a6\n"),
    ("etc/eks/containerd-version.txt", "containerd github.com/containerd/containerd/v2 2.1.5\n"),
    ("etc/eks/image-credential-provider/ecr-credential-provider", ""),
];

#[test]
fn nodeadm_itself_starts_the_kubelet_with_our_figure() {
    let (Some(program), Some(ec2)) = (nodeadm_program(), moto()) else { return };
    let Some(site) = Site::new("nodeadm", Al2023) else { return };
    site.create_eni_config();
    // In the place of the stand-in.
    fs::copy(program, site.node.path("usr/bin/nodeadm")).unwrap();
    for (path, contents) in IMAGE {
        site.node.write(path, contents);
    }
    // EC2 names the node, so it has to know the instance; of which type does not matter there.
    let launch =
        "Action=RunInstances&ImageId=ami-12c6146b&InstanceType=t3.medium&MinCount=1&MaxCount=1";
    let id = ec2.account().ask("ec2", launch, "instanceId");
    let mut config = instance("c5.large", "us-west-2a", user_data(&site.cluster, Al2023));
    config["metadata"]["values"]["instance-id"] = id.as_str().into();
    config["dynamic"]["values"]["instance-identity-document"]["instanceId"] = id.into();
    let Some(imds) = metadata_mock(config) else { return };
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
