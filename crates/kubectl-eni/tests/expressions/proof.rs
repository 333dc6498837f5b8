//! Evaluates every expression for every instance type in the embedded table, and compares the result with the
//! max-pods that eni-bootstrap computes on the node.

use crate::expressions::configurations::{
    NamedLimits, configurations, instance_types, max_pods_of_nodes,
};
use crate::expressions::evaluators;
use crate::expressions::program::{json, with_settings};
use eni_bootstrap_real_parts::{karpenter_cel, nodeadm_max_pods};
use eni_core::domain::reserved::{ReserveOverrides, Reserved};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The configurations for which a selected instance type has capacity, with their output as JSON and max-pods of
/// the nodes.
struct Case {
    settings: String,
    output: Value,
    nodes: Vec<Option<u32>>,
}

/// Returns the cases of both evaluators.
fn cases() -> &'static [Case] {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| run_all(&instance_types()));
    &CASES
}

/// Runs the program for each configuration. If no instance type has capacity, the program must fail.
fn run_all(types: &[NamedLimits]) -> Vec<Case> {
    let configurations = configurations();
    let next = AtomicUsize::new(0);
    let run = || {
        let mut cases = Vec::new();
        while let Some(settings) = configurations.get(next.fetch_add(1, Ordering::Relaxed)) {
            let nodes = max_pods_of_nodes(settings, types);
            if nodes.iter().all(Option::is_none) {
                let (status, stdout, _) = with_settings(settings, &[]);
                assert_eq!((status, stdout.as_str()), (Some(78), ""), "{settings}");
                continue;
            }
            let tools = ["--for", "karpenter,nodeadm"];
            cases.push(Case { settings: settings.clone(), output: json(settings, &tools), nodes });
        }
        cases
    };
    let cases: Vec<Case> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert!(cases.len() >= 100, "{}", cases.len());
    cases
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn karpenter_plans_with_the_max_pods_and_the_reserve_of_every_node() {
    let Some(program) = karpenter_cel() else { return };
    let types = &instance_types();
    let cases = cases();
    let mut expressions = Vec::new();
    for Case { output, nodes, .. } in cases {
        assert_eq!(output["karpenter"]["differences"], json!([]));
        let max_pods: Vec<u32> = nodes.iter().map(|it| it.unwrap_or(0)).collect();
        let memory = text(&output["karpenter"]["kube-reserved"]["memory"]);
        expressions.push(json!({ "expression": output["karpenter"]["max-pods"] }));
        expressions
            .push(json!({ "expression": memory, "resource": "memory", "maxPods": max_pods }));
    }
    let results = evaluators::karpenter(&program, types, &expressions);
    for (Case { settings, nodes, .. }, results) in cases.iter().zip(results.chunks(2)) {
        for (index, (name, limits)) in types.iter().enumerate() {
            let [planned, memory] = [&results[0][index], &results[1][index]];
            let Some(node) = nodes[index] else {
                // Karpenter launches no node of this type.
                assert_eq!(planned.as_i64(), Some(0), "{name}: {settings}");
                continue;
            };
            assert_eq!(planned.as_i64(), Some(node.into()), "{name}: {settings}");
            let reserved = Reserved::compute(limits.vcpus, node, &ReserveOverrides::default());
            let mebibytes = |text: &str| text.strip_suffix("Mi").unwrap().parse::<u64>().unwrap();
            let on_node = mebibytes(&reserved.memory.to_string());
            assert_eq!(mebibytes(text(memory)), on_node.next_multiple_of(16), "{name}: {settings}");
        }
    }
}

#[test]
fn nodeadm_sets_the_max_pods_of_every_node_except_the_reported_ones() {
    let Some(program) = nodeadm_max_pods() else { return };
    let types = &instance_types();
    let cases = cases();
    let expressions: Vec<Value> =
        cases.iter().map(|it| it.output["nodeadm"]["max-pods-expression"].clone()).collect();
    let results = evaluators::nodeadm(&program, types, &expressions);
    for (Case { settings, output, nodes }, results) in cases.iter().zip(results) {
        let mut differences = BTreeMap::new();
        for difference in output["nodeadm"]["differences"].as_array().unwrap() {
            let [node, tool] = ["node", "tool"].map(|key| difference[key].as_u64().unwrap());
            differences.insert(text(&difference["instance-type"]), (node, tool));
        }
        for ((name, _), (node, result)) in types.iter().zip(nodes.iter().zip(results)) {
            // nodeadm must not use its default.
            let result = result.as_u64().unwrap_or_else(|| panic!("{name}: {settings}"));
            let Some(node) = node.map(u64::from) else { continue };
            match differences.remove(name.as_str()) {
                None => assert_eq!(result, node, "{name}: {settings}"),
                Some(difference) => {
                    assert_eq!(difference, (node, result), "{name}: {settings}");
                    assert_ne!(result, node, "{name}: {settings}");
                }
            }
        }
        assert_eq!(differences, BTreeMap::new(), "{settings}");
    }
}

/// The output for one instance type is exact in every configuration.
#[test]
fn an_expression_of_nodeadm_for_one_instance_type_is_exact() {
    let Some(program) = nodeadm_max_pods() else { return };
    let types = instance_types();
    let named = |name: &str| types.iter().filter(|it| it.0 == name).cloned().collect::<Vec<_>>();
    for settings in [
        "cni.prefix-delegation = true",
        "cni.custom-networking = false\ncni.pod-eni = true\ncni.max-eni = 3",
        "cni.multi-nic = true\ncni.prefix-delegation = true",
    ] {
        for name in ["t3.medium", "m4.large", "m5.8xlarge", "m5.metal", "p5.48xlarge", "t2.nano"] {
            let limits = named(name);
            let nodes = max_pods_of_nodes(settings, &limits);
            let output = json(settings, &["--for", "nodeadm", "--instance-type", name]);
            assert_eq!(output["nodeadm"]["differences"], json!([]));
            let expression = output["nodeadm"]["max-pods-expression"].clone();
            let results = evaluators::nodeadm(&program, &limits, &[expression]);
            assert_eq!(results, [[json!(nodes[0].unwrap())]], "{name}: {settings}");
        }
    }
}
