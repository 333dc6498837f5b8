//! The facts of a node that Karpenter launched, for tests.

use crate::facts::Facts;
use crate::facts::fixture::facts;
use crate::host::{HostKind, Image, detect, existing_config, user_data};
use serde_json::Value;

/// Returns the user data of an AL2023 node: the part of the operator in the `EC2NodeClass`, which may be
/// empty, and the `NodeConfig` that Karpenter adds. `kubelet` is `spec.kubelet` of the `EC2NodeClass` with
/// the values for one instance type.
///
/// Source: `pkg/providers/amifamily/bootstrap/nodeadm.go`, aws/karpenter-provider-aws.
fn user_data(operator: &str, kubelet: &Value) -> String {
    let mut config = kubelet.clone();
    config["registerWithTaints"] =
        serde_json::json!([{ "effect": "NoExecute", "key": "karpenter.sh/unregistered" }]);
    format!(
        "MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"//\"

--//
Content-Type: application/node.eks.aws

{operator}
--//
Content-Type: application/node.eks.aws

# Karpenter Generated NodeConfig
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster: {{apiServerEndpoint: https://example.com, certificateAuthority: Y2E=, cidr: 10.100.0.0/16, name: prod}}
  containerd: {{}}
  instance: {{localStorage: {{}}}}
  kubelet:
    config: {config}
    flags:
    - --node-labels=\"karpenter.k8s.aws/ec2nodeclass=pods,karpenter.sh/capacity-type=spot,karpenter.sh/nodepool=pods\"

--//--
"
    )
}

/// Returns the facts of an AL2023 node that Karpenter launched.
pub(in crate::plan) fn karpenter_node(
    instance_type: &str,
    operator: &str,
    kubelet: &Value,
) -> Facts {
    let mut image = Image::default();
    image.insert_file(
        "/etc/systemd/system/nodeadm-run.service",
        "[Service]\nExecStart=/usr/bin/nodeadm init --config-source file:///etc/eks/nodeadm.d/\n",
    );
    let text = user_data(operator, kubelet);
    let config = user_data::node_config(text.as_bytes()).unwrap().unwrap();
    let facts = facts(instance_type);
    let instance_type = &facts.instance.instance_type;
    let existing = existing_config(&image, HostKind::Nodeadm, instance_type, Some(&config.kubelet));
    Facts { host: detect(HostKind::Nodeadm, &image).unwrap(), existing, ..facts }
}
