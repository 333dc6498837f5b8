//! Whole runs on nodes with an existing max-pods. `tests/scenarios` covers the other places that can
//! configure it.

use crate::support::node::{DROP_IN, Node, imds_with, ready_api, with_imds};
use eni_bootstrap_sandbox::{Imds, KubernetesApi};
use serde_json::{Value, json};

/// Returns a node with `kubelet` under `spec.kubelet` in its NodeConfig.
fn with_kubelet(api: &KubernetesApi, kubelet: &str) -> (Node, Imds) {
    let imds = imds_with(format!("{}  kubelet:\n{kubelet}", api.node_config()));
    (with_imds(&imds), imds)
}

/// Runs eni-bootstrap, and returns the lines about the existing max-pods.
fn lines(node: &Node, arguments: &[&str]) -> Vec<String> {
    let output = node.run(["run"].iter().chain(arguments));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let lines = output.stderr.lines().filter(|line| line.contains("max-pods to"));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_policy_selects_the_max_pods_of_user_data_or_the_computed_one() {
    let api = ready_api();
    let kubelet = "    config:\n      maxPods: 110\n    flags:\n      - --node-labels=eks.amazonaws.com/nodegroup=blue\n";
    let (node, _imds) = with_kubelet(&api, kubelet);
    assert_eq!(
        lines(&node, &[]),
        [
            "plan: user data sets max-pods to 110 (managed node group); the computed value 20 takes precedence (pods.policy = \"override\")"
        ]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
    assert!(!written.contains("--max-pods"), "no flag to override: {written}");
    assert_eq!(
        lines(&node, &["--pods-policy", "respect"]),
        [
            "plan: user data sets max-pods to 110 (managed node group); this value is kept (pods.policy = \"respect\")",
            "warning: plan: max-pods 110 exceeds the capacity of this node, which is 20 pods; additional pods stay in ContainerCreating without an IP address; set max-pods to 20 or less"
        ]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 110\n"), "{written}");
    assert!(written.contains("memory: \"1465Mi\""), "kube-reserved follows max-pods: {written}");
}

#[test]
fn a_later_flag_overrides_the_flag_in_user_data() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    flags: [--max-pods=17]\n");
    assert_eq!(
        lines(&node, &[]),
        [
            "plan: a kubelet flag in user data sets max-pods to 17; the computed value 20 takes precedence (pods.policy = \"override\")"
        ]
    );
    let written = node.read(DROP_IN).unwrap();
    assert!(written.ends_with("\n      - \"--max-pods=20\"\n"), "{written}");
    assert_eq!(
        lines(&node, &["--pods-policy", "lower"]),
        [
            "plan: a kubelet flag in user data sets max-pods to 17; this value is kept (pods.policy = \"lower\")"
        ]
    );
}

#[test]
fn a_flag_overrides_a_drop_in_file_of_the_kubelet() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    maxPodsExpression: max_pods - 1\n");
    node.file("etc/kubernetes/kubelet/config.json.d/40-nodeadm.conf", "{\"maxPods\": 77}");
    node.file("etc/kubernetes/kubelet/config.json.d/50-site.conf", "{\"maxPods\": 5}");
    let existing = "/etc/kubernetes/kubelet/config.json.d/50-site.conf sets max-pods to 5";
    assert_eq!(
        lines(&node, &[]),
        [format!(
            "plan: {existing}; the computed value 20 takes precedence (pods.policy = \"override\")"
        )]
    );
    assert!(node.read(DROP_IN).unwrap().contains("      - \"--max-pods=20\"\n"));
    let lower = node.run(["run", "--pods-policy", "lower"]);
    for line in [
        &format!("plan: {existing}; this value is kept (pods.policy = \"lower\")\n"),
        "warning: plan: pods.policy = \"lower\" ignores maxPodsExpression \"max_pods - 1\" in user data, because only nodeadm can evaluate it; set kubelet.config.maxPods in user data to a number, or set pods.policy = \"override\"\n",
    ] {
        assert!(lower.stderr.contains(line), "{line} in {}", lower.stderr);
    }
}

#[test]
fn a_different_max_pods_of_karpenter_is_a_warning() {
    let api = ready_api();
    let kubelet = "    config: {maxPods: 29}\n    flags: ['--node-labels=karpenter.sh/capacity-type=spot,karpenter.sh/nodepool=blue']\n";
    let (node, _imds) = with_kubelet(&api, kubelet);
    assert_eq!(
        lines(&node, &[]),
        [
            "warning: plan: user data sets max-pods to 29 (Karpenter); the computed value 20 takes precedence (pods.policy = \"override\"), but Karpenter schedules pods with its own value; set RESERVED_ENIS=1 on the Karpenter controller; or set kubelet.maxPods: 20 in the EC2NodeClass, if it has only this instance type"
        ]
    );
}

#[test]
fn the_log_and_the_plan_contain_the_reserve_that_karpenter_plans() {
    let api = ready_api();
    let kubelet =
        "    config: {maxPods: 110}\n    flags: ['--node-labels=karpenter.sh/nodepool=blue']\n";
    let (node, _imds) = with_kubelet(&api, kubelet);
    let prefixes = ["--cni-prefix-delegation", "--eni-config-verify=false"];
    let both = "Karpenter plans kube-reserved memory=574Mi (255Mi + 11Mi × 29 pods: all network interfaces, without prefixes); max-pods 110 needs 1465Mi; the node reserves 574Mi (reserve.basis = \"auto\")";
    let run = node.run(["run"].iter().chain(&prefixes));
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("\nplan: {both}\n")), "{}", run.stderr);
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("memory: \"574Mi\""), "{written}");

    let text = node.run(["plan"].iter().chain(&prefixes)).stdout;
    assert!(text.contains(both), "{text}");
    let json = node.run(["plan", "--output", "json"].iter().chain(&prefixes)).stdout;
    let plan: Value = serde_json::from_str(&json).unwrap();
    let diagnostics = plan["diagnostics"].as_array().unwrap();
    let diagnostic = json!({ "code": "reserve-karpenter", "severity": "info", "subject": "kube-reserved", "text": both });
    assert!(diagnostics.contains(&diagnostic), "{diagnostics:?}");

    let by_max_pods = ["run", "--reserve-basis", "max-pods"];
    let run = node.run(by_max_pods.iter().chain(&prefixes));
    let warning = "warning: plan: Karpenter plans kube-reserved memory=574Mi (255Mi + 11Mi × 29 pods: all network interfaces, without prefixes); max-pods 110 needs 1465Mi; the node reserves 1465Mi (reserve.basis = \"max-pods\"), so pods that Karpenter schedules may not fit; set kubeReserved.memory: 1465Mi in the EC2NodeClass, or set reserve.basis = \"auto\"\n";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
}

/// Returns the number of CPUs of the machine. A CPU quota of the tests does not reduce it.
fn cpus() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    text.lines().filter(|line| line.starts_with("processor")).count()
}

#[test]
fn pods_per_core_limits_the_pods_and_the_memory_reserve() {
    let api = ready_api();
    let (node, _imds) = with_kubelet(&api, "    config: {podsPerCore: 1}\n");
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = output.stderr.lines().find(|line| line.contains("podsPerCore")).unwrap();
    let cpus = cpus();
    assert!(
        warning.starts_with(&format!(
            "warning: plan: user data sets podsPerCore to 1, so the kubelet accepts at most {cpus} pod"
        )),
        "{warning}"
    );
    assert!(warning.contains("; max-pods is 20; remove podsPerCore, or set it to "), "{warning}");
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
    let memory = format!("memory: \"{}Mi\"", 255 + 11 * cpus);
    assert!(written.contains(&memory), "{written}");
    let record = node.read("var/lib/eni-bootstrap/last-run.json").unwrap();
    assert!(record.contains(&format!("\"max-pods\": {cpus}")), "{record}");
    let plan = node.run(["plan", "--output", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(
        (&plan["pods-per-core"], &plan["max-pods-in-force"], &plan["capacity"]["max_pods"]),
        (
            &serde_json::json!({
                "location": "user data", "value": 1, "cpus": cpus, "limit": cpus,
            }),
            &serde_json::json!(cpus),
            &serde_json::json!(20)
        )
    );
}
