//! The facts of a node that Karpenter launched, for tests.

use crate::facts::Facts;
use crate::facts::fixture::facts;
use crate::host::user_data::NodeConfigKubelet;
use crate::host::{HostKind, Image, detect, existing_config, user_data};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

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

/// Returns the part of the kubelet in `user_data`. Many instance types have the same user data, so each thread parses a
/// text once.
fn parsed(user_data: String) -> NodeConfigKubelet {
    thread_local! {
        static PARSED: RefCell<HashMap<String, NodeConfigKubelet>> = RefCell::default();
    }
    let parse = |text: &String| user_data::node_config(text.as_bytes()).unwrap().unwrap().kubelet;
    PARSED.with_borrow_mut(|all| match all.entry(user_data) {
        Entry::Occupied(entry) => entry.get().clone(),
        Entry::Vacant(entry) => {
            let kubelet = parse(entry.key());
            entry.insert(kubelet).clone()
        }
    })
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
    let kubelet = parsed(user_data(operator, kubelet));
    let facts = facts(instance_type);
    let instance_type = &facts.instance.instance_type;
    let existing = existing_config(&image, HostKind::Nodeadm, instance_type, Some(&kubelet));
    Facts { host: detect(HostKind::Nodeadm, &image).unwrap(), existing, ..facts }
}
