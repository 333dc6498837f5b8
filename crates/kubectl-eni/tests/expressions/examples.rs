//! The examples for Karpenter contain the expressions that the program generates.

use crate::expressions::program::json;
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn the_examples_contain_the_generated_expressions() {
    for (name, settings) in [
        ("prefixes", "cni.custom-networking = false\ncni.prefix-delegation = true"),
        ("custom-networking-prefixes", "cni.prefix-delegation = true"),
    ] {
        let path = format!("../../examples/karpenter/{name}.yaml");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let (class, _) = text.split_once("\n---\n").unwrap();
        let class: Value = serde_saphyr::from_str(class).unwrap();
        let generated = &json(settings, &["--for", "karpenter"])["karpenter"];
        let kubelet = &class["spec"]["kubelet"];
        assert_eq!(kubelet["maxPods"], generated["max-pods"], "{name}");
        assert_eq!(kubelet["kubeReserved"], generated["kube-reserved"], "{name}");
    }
}

/// The example with `RESERVED_ENIS` is right without a ceiling, which its settings contain.
#[test]
fn the_example_without_expressions_has_the_generated_option() {
    let option =
        &json("pods.ceiling = \"none\"", &["--for", "karpenter"])["karpenter"]["reserved-enis"];
    assert_eq!(option["value"], 1);
    assert_eq!(option["differences"], Value::Array(Vec::new()));
}
