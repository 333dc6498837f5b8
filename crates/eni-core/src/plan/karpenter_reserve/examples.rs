//! Compares the plan of eni-bootstrap with Karpenter's own plan, for the examples and every instance
//! type in the embedded table.

use super::super::{Plan, PlanError, plan};
use super::model::{Kubelet, Planned};
use super::node::karpenter_node;
use crate::diagnostic::{Code, Severity};
use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::{Capacity, CapacityOptions};
use crate::domain::cni::{Addressing, Cni};
use crate::domain::instance_limits::{InstanceLimits, Row, embedded, embedded_rows};
use crate::domain::reserved::{self, RESOURCES, amount};
use crate::settings::{RetryLimit, Settings, Wait};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The instance types with only one network interface: with custom networking, no pod gets an address.
const ONE_INTERFACE: [&str; 1] = ["hpc6id.32xlarge"];

const CUSTOM_NETWORKING: (&str, &str) = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
const PREFIXES: (&str, &str) = ("ENABLE_PREFIX_DELEGATION", "true");
const WARM: (&str, &str) = ("WARM_PREFIX_TARGET", "1");

/// An example with the cluster that it is made for.
#[derive(Clone)]
struct Example {
    kubelet: Kubelet,
    settings: Settings,
    aws_node: AwsNode,
    reserved_enis: i64,
}

impl Example {
    /// Reads `examples/karpenter/NAME.yaml`, for an aws-node DaemonSet with `environment`.
    fn read(name: &str, environment: &[(&str, &str)], reserved_enis: i64) -> Self {
        let path = format!("../../examples/karpenter/{name}.yaml");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let (class, pool) = text.split_once("\n---\n").unwrap();
        let [class, pool]: [Value; 2] =
            [class, pool].map(|text| serde_saphyr::from_str(text).unwrap());
        // Architectures and zones have no effect on the plan. A further requirement could exclude
        // instance types that are compared below.
        let requirements = &pool["spec"]["template"]["spec"]["requirements"];
        let keys: Vec<&Value> =
            requirements.as_array().unwrap().iter().map(|it| &it["key"]).collect();
        assert_eq!(keys, ["kubernetes.io/arch", "topology.kubernetes.io/zone"], "{name}");
        let user_data = class["spec"]["userData"].as_str().unwrap();
        let (_, cloud_config) = user_data.split_once("#cloud-config\n").unwrap();
        let (cloud_config, _) = cloud_config.split_once("--BOUNDARY--").unwrap();
        let cloud_config: Value = serde_saphyr::from_str(cloud_config).unwrap();
        let file = &cloud_config["write_files"][0];
        let (path, content) = (file["path"].as_str().unwrap(), file["content"].as_str().unwrap());
        let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self {
            kubelet: Kubelet::new(
                class["spec"].get("kubelet").cloned().unwrap_or_else(|| json!({})),
            ),
            settings: Settings::from_toml(Path::new(path), content).unwrap(),
            aws_node: AwsNode::read(&owned.collect::<BTreeMap<_, _>>(), "amazon-k8s-cni:v1.23.2"),
            reserved_enis,
        }
    }

    /// Returns the examples for custom networking, for prefixes, and for both.
    fn all() -> [Self; 3] {
        [
            Self::read("custom-networking", &[CUSTOM_NETWORKING], 1),
            Self::read("prefixes", &[PREFIXES, WARM], 0),
            Self::read("custom-networking-prefixes", &[CUSTOM_NETWORKING, PREFIXES, WARM], 1),
        ]
    }

    /// Returns Karpenter's plan, and that of eni-bootstrap on the node that Karpenter launches.
    fn plans(&self, name: &str, row: &Row) -> (Planned, Result<Plan, PlanError>) {
        let planned = self.kubelet.planned(name, row, self.reserved_enis);
        let facts = karpenter_node(name, "", &planned.kubelet);
        let plan = plan(&facts, &self.settings, Some(&self.aws_node));
        (planned, plan)
    }

    /// Compares the plans for every instance type. Returns the names of the types on which Karpenter plans
    /// no pods, and the number of the others.
    fn compare(&self, is_same_memory: bool) -> (Vec<&'static str>, usize) {
        let (mut without_pods, mut compared) = (Vec::new(), 0);
        for (name, row) in embedded_rows() {
            let (planned, plan) = self.plans(name, &row);
            let Ok(plan) = plan else {
                assert_eq!(planned.pods, 0, "{name}: {plan:?}");
                without_pods.push(name);
                continue;
            };
            compared += 1;
            assert_eq!(i64::from(plan.kubelet.max_pods), planned.pods, "{name}");
            for resource in RESOURCES {
                let node = amount(resource, plan.kubelet.kube_reserved.get(resource).unwrap());
                let karpenter = amount(resource, &planned.reserved[resource]);
                assert!(node <= karpenter, "{name}: {resource} {node} > {karpenter}");
                let is_same = is_same_memory || resource != "memory";
                assert!(!is_same || node == karpenter, "{name}: {resource} {node} != {karpenter}");
            }
            let warnings = plan.diagnostics.iter().filter(|it| it.severity == Severity::Warning);
            // Not about Karpenter: a Xen instance type has no prefixes.
            let warnings = warnings.filter(|it| it.code != Code::PrefixesNeedNitro);
            assert_eq!(warnings.count(), 0, "{name}: {:?}", plan.diagnostics);
            assert!(plan.diagnostics.iter().any(|it| it.code == Code::ReserveKarpenter), "{name}");
        }
        (without_pods, compared)
    }
}

#[test]
fn with_custom_networking_karpenter_and_the_node_agree_on_pods_and_the_node_reserves_no_more() {
    let [custom_networking, ..] = Example::all();
    assert_eq!(custom_networking.compare(false), (ONE_INTERFACE.to_vec(), 1_445));
}

#[test]
fn with_prefixes_karpenter_and_the_node_agree_on_pods_and_reserves() {
    let [_, prefixes, _] = Example::all();
    assert_eq!(prefixes.compare(true), (Vec::new(), 1_446));
}

#[test]
fn with_custom_networking_and_prefixes_karpenter_and_the_node_agree_on_pods_and_reserves() {
    let [.., both] = Example::all();
    assert_eq!(both.compare(true), (ONE_INTERFACE.to_vec(), 1_445));
}

/// Karpenter replaces a node that does not register within 15 minutes.
#[test]
fn the_examples_stop_before_karpenter_replaces_the_node() {
    for example in Example::all() {
        let (Wait::For(wait), Some(RetryLimit::For(limit))) =
            (example.settings.eni_config.wait(), example.settings.retry.first_boot)
        else {
            panic!("{:?}", example.settings)
        };
        assert!(wait + limit < Duration::from_mins(15), "{wait:?} + {limit:?}");
    }
}

/// A fixed `kubelet.maxPods` of 110 fits only some instance types.
#[test]
fn a_fixed_value_differs_from_the_node() {
    let prefixes = Cni { addressing: Addressing::Prefixes, ..Cni::default() };
    let pods = embedded_rows().map(|(name, row)| {
        let limits = InstanceLimits::new(&name.parse().unwrap(), row);
        Capacity::compute(&limits, prefixes, CapacityOptions::default()).unwrap().max_pods
    });
    let count = pods.fold([0, 0, 0], |[below, same, above], pods| match pods.cmp(&110) {
        Ordering::Less => [below + 1, same, above],
        Ordering::Equal => [below, same + 1, above],
        Ordering::Greater => [below, same, above + 1],
    });
    assert_eq!(count, [98, 575, 773]);
}

/// The tables in `docs/karpenter.md`.
#[test]
fn the_documentation_contains_the_values() {
    let names = ["t3.medium", "c7g.medium", "m5.large", "m5.4xlarge", "m5.16xlarge", "m5.metal"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/karpenter.md");
    let page = fs::read_to_string(path).unwrap();
    let [custom_networking, prefixes, both] = &Example::all();
    let fixed = Kubelet::new(json!({ "maxPods": 110 }));
    let fixed = &Example { kubelet: fixed, ..prefixes.clone() };
    for name in names {
        let row = embedded(&name.parse().unwrap()).unwrap().row();
        let plan = |example: &Example| {
            let (planned, plan) = example.plans(name, &row);
            (planned, plan.unwrap().kubelet)
        };
        let pods = |example| plan(example).1.max_pods;
        let line = format!(
            "| {name} | {} | {} | {} | {} |\n",
            row.vcpus,
            pods(custom_networking),
            pods(prefixes),
            pods(both)
        );
        assert!(page.contains(&line), "{line}");
        let memory = |example| {
            let (planned, node) = plan(example);
            (planned.reserved["memory"].to_string(), node.kube_reserved.memory.to_string())
        };
        let (plan, custom_networking) = memory(custom_networking);
        let (same, without) = memory(fixed);
        assert_eq!(plan, same, "{name}");
        let formula = reserved::memory(pods(prefixes));
        let (with, same) = memory(prefixes);
        assert_eq!(with, same, "{name}");
        let line =
            format!("| {name} | {plan} | {custom_networking} | {without} | {formula} | {with} |\n");
        assert!(page.contains(&line), "{line}");
    }
}
