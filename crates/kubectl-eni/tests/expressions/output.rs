//! Whole outputs, for the settings of several clusters.

use crate::expressions::program::{expect_golden, json, with_settings};
use serde_json::{Value, json};

/// The name of a golden file, the settings of the nodes, and further arguments.
const CLUSTERS: [(&str, &str, &[&str]); 9] = [
    ("defaults.txt", "cni.custom-networking = false", &[]),
    ("custom-networking.txt", "pods.ceiling = \"none\"", &[]),
    ("prefixes.txt", "cni.custom-networking = false\ncni.prefix-delegation = true", &[]),
    (
        "custom-networking-prefixes.txt",
        "cni.prefix-delegation = true",
        &["--instance-type", "m7g.*", "--instance-type", "c7g.medium"],
    ),
    ("security-groups.txt", "cni.pod-eni = true", &["--for", "karpenter"]),
    (
        "security-groups-prefixes.txt",
        "cni.custom-networking = false\ncni.prefix-delegation = true\ncni.pod-eni = true\ncni.version = \"1.19.0\"",
        &["--for", "karpenter,nodeadm"],
    ),
    (
        "multi-nic.txt",
        "cni.custom-networking = false\ncni.multi-nic = true\nreserve.memory = \"1Gi\"\nreserve.cpu = \"100m\"",
        &["--for", "karpenter"],
    ),
    (
        "ipv6.txt",
        "cni.custom-networking = false\ncni.prefix-delegation = true\ncni.ip-family = \"ipv6\"",
        &[],
    ),
    (
        "bottlerocket.txt",
        "cni.max-eni = 3\ncni.minimum-ip-target = 60\npods.extra = 1",
        &["--for", "bottlerocket", "--instance-type", "m5.*", "--instance-type", "hpc6id.32xlarge"],
    ),
];

#[test]
fn the_output_fits_100_columns_and_is_as_in_the_golden_files() {
    for (name, settings, arguments) in CLUSTERS {
        let (status, stdout, stderr) = with_settings(settings, arguments);
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{name}");
        expect_golden(name, &stdout);
        for line in stdout.lines() {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
}

/// The output for one tool is a document that can be pasted, and has the same expressions as the JSON output.
#[test]
fn the_snippets_are_yaml_and_toml() {
    let settings = "cni.prefix-delegation = true\ncni.pod-eni = true";
    let output = |tool: &str, arguments: &[&str]| {
        let arguments = [&["--for", tool], arguments].concat();
        (with_settings(settings, &arguments).1, json(settings, &arguments)[tool].clone())
    };
    let (yaml, json) = output("karpenter", &[]);
    let class: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(class["spec"]["kubelet"]["maxPods"], json["max-pods"]);
    assert_eq!(class["spec"]["kubelet"]["kubeReserved"], json["kube-reserved"]);
    assert_eq!(json["feature-gate"], "NodeClassCEL");
    let (yaml, json) = output("nodeadm", &[]);
    let config: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(config["apiVersion"], "node.eks.aws/v1alpha1");
    assert_eq!(config["spec"]["kubelet"]["maxPodsExpression"], json["max-pods-expression"]);
    let (toml, json) = output("bottlerocket", &["--instance-type", "m5.large"]);
    let settings: toml::Table = toml.parse().unwrap();
    assert_eq!(settings["settings"]["kubernetes"]["max-pods"].as_integer(), Some(110));
    assert_eq!(json, json!([{ "max-pods": 110, "instance-types": ["m5.large"] }]));
}

#[test]
fn the_json_output_has_documented_keys() {
    let output =
        json("cni.pod-eni = true", &["--instance-type", "t3.*", "--instance-type", "c7g.medium"]);
    let keys =
        |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&output),
        "all-instance-types bottlerocket ceiling cni diagnostics instance-types karpenter nodeadm source without-capacity"
    );
    assert_eq!(output["source"], "settings");
    assert_eq!(output["ceiling"], "recommended");
    assert_eq!(output["instance-types"], 8);
    assert_eq!(output["all-instance-types"], false);
    assert_eq!(output["without-capacity"], json!(["c7g.medium"]));
    assert_eq!(
        keys(&output["karpenter"]),
        "by-name differences feature-gate kube-reserved max-pods reserved-enis"
    );
    assert_eq!(output["karpenter"]["kube-reserved"], json!({ "memory": "255 + 11 * max_pods" }));
    assert_eq!(
        keys(&output["karpenter"]["reserved-enis"]),
        "differences differences-without-ceiling value"
    );
    assert_eq!(keys(&output["nodeadm"]), "differences max-pods-expression");
}

#[test]
fn failures_have_a_message_and_a_help() {
    let missing = crate::expressions::program::expressions(&["--settings", "/nonexistent/a.toml"]);
    let message =
        "error: failed to read /nonexistent/a.toml: No such file or directory (os error 2)\n";
    assert_eq!(missing.0, Some(64));
    assert!(missing.2.contains("/nonexistent/a.toml"), "{message} {}", missing.2);
    for (settings, arguments, status, expected) in [
        ("", &["--for", "bottlerocket"][..], 64, "Bottlerocket needs max-pods as a number"),
        ("", &["--instance-type", "m5.lrage"], 64, "did you mean `m5.large`?"),
        (
            "",
            &["--instance-type", "zz9.*"],
            64,
            "no instance type in the embedded table matches \"zz9.*\"",
        ),
        ("", &["--instance-type", "m5.["], 64, "pattern \"m5.[\" is invalid"),
        ("cni.imds-only = true", &[], 78, "max-pods depends on each instance"),
        ("cni.max-eni = 1", &[], 78, "no selected instance type has capacity for pods"),
        ("pods.celing = \"none\"", &[], 78, "did you mean `ceiling`?"),
    ] {
        let (code, stdout, stderr) = with_settings(settings, arguments);
        assert_eq!((code, stdout.as_str()), (Some(status), ""), "{settings}: {stderr}");
        assert!(stderr.contains(expected), "{expected}: {stderr}");
        assert!(stderr.contains("help") || stderr.contains("hint"), "{stderr}");
    }
}
