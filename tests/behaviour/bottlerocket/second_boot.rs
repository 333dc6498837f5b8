//! Settings of an earlier boot, and settings that the user configured.

use crate::support::bottlerocket::{COMMIT, Host, PATCH, RECORD, as_planned, lines, ready};
use crate::support::node::error;
use eni_bootstrap_sandbox::Fault;
use serde_json::{Value, json};

/// Adds the settings of an earlier boot with another instance type.
fn add_earlier_settings(seed: &mut Value) {
    seed["kubernetes"]["max-pods"] = json!(58);
    seed["kubernetes"]["kube-reserved"] =
        json!({ "cpu": "80m", "ephemeral-storage": "1Gi", "memory": "893Mi" });
    seed["kubernetes"]["node-labels"] = json!({ "k8s.amazonaws.com/eniConfig": "us-west-2a" });
}

/// The record of that boot.
const EARLIER_RECORD: &str =
    "# eni-bootstrap writes this file at every boot, before the kubelet starts.
max-pods = 58

[kube-reserved]
cpu = \"80m\"
ephemeral-storage = \"1Gi\"
memory = \"893Mi\"
";

#[test]
fn the_computed_max_pods_of_an_earlier_boot_is_not_an_existing_value() {
    for policy in ["override", "respect", "lower"] {
        let host = Host::with(add_earlier_settings);
        host.node.file(RECORD, EARLIER_RECORD);
        let output = host.node.run(["run", &format!("--pods-policy={policy}")]);
        ready(&output);
        assert_eq!(host.kubelet(), as_planned());
        assert_eq!(host.changing(), [PATCH, COMMIT]);
        assert_eq!(
            host.settings.live()["kubernetes"]["kube-reserved"],
            json!({ "cpu": "70m", "ephemeral-storage": "1Gi", "memory": "475Mi" })
        );
        assert!(!output.stderr.contains("sets max-pods to"), "{}", output.stderr);
    }
}

/// Version 0.1.0 did not record its labels.
#[test]
fn an_eniconfig_label_of_version_0_1_0_under_another_key_is_not_a_label_of_the_user() {
    let key = "example.com/eni";
    let host = Host::with(|seed| {
        add_earlier_settings(seed);
        seed["kubernetes"]["node-labels"] = json!({ key: "us-west-2a", "team": "blue" });
    });
    host.node.file(RECORD, EARLIER_RECORD);
    host.api.set_aws_node(Some(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENI_CONFIG_LABEL_DEF", key),
    ]));
    for name in ["prod", "test"] {
        host.api.apply(&format!("{name}-us-west-2a"), json!({ "subnet": "subnet-0a" }));
        let run = || host.node.run(["run", &format!("--eni-config-name={name}-{{zone}}")]);
        // A run that fails before the commit leaves its record behind.
        host.settings.faults().fail_next_matching("PATCH ", 1, Fault::Status(400));
        assert_ne!(run().status, Some(0));
        host.settings.faults().clear();
        let output = run();
        ready(&output);
        assert!(!output.stderr.contains("settings.kubernetes.node-labels"), "{}", output.stderr);
        let live = host.settings.live()["kubernetes"]["node-labels"].clone();
        assert_eq!(
            (&live[key], &live["team"]),
            (&json!(format!("{name}-us-west-2a")), &json!("blue"))
        );
        let label = format!("\"{key}\" = \"{name}-us-west-2a\"\n");
        assert!(host.node.read(RECORD).unwrap().contains(&label));
    }
}

#[test]
fn the_policy_selects_the_computed_max_pods_or_the_one_of_the_user() {
    for (policy, label, value, expected, line) in [
        (
            "override",
            "team",
            "",
            "20",
            "plan: settings.kubernetes sets max-pods to 110; the computed value 20 takes precedence (pods.policy = \"override\")",
        ),
        (
            "respect",
            "team",
            "",
            "110",
            "plan: settings.kubernetes sets max-pods to 110; this value is kept (pods.policy = \"respect\")",
        ),
        (
            "lower",
            "eks.amazonaws.com/nodegroup",
            "",
            "20",
            "plan: settings.kubernetes sets max-pods to 110 (managed node group); the computed value 20 takes precedence (pods.policy = \"lower\")",
        ),
    ] {
        let host = Host::with(|seed| {
            seed["kubernetes"]["max-pods"] = json!(110);
            seed["kubernetes"]["node-labels"] = json!({ label: value });
        });
        let output = host.node.run(["run", &format!("--pods-policy={policy}")]);
        ready(&output);
        assert_eq!(host.kubelet().0, expected);
        assert!(lines(&output, "plan").contains(&line), "{}", output.stderr);
    }
}

#[test]
fn policy_respect_keeps_the_kube_reserved_of_the_user() {
    let seed = |seed: &mut Value| {
        seed["kubernetes"]["kube-reserved"] = json!({ "memory": "1Gi" });
    };
    let host = Host::with(seed);
    ready(&host.node.run(["run", "--pods-policy=respect", "--reserve-cpu=100m"]));
    assert_eq!(
        host.settings.live()["kubernetes"]["kube-reserved"],
        json!({ "cpu": "100m", "ephemeral-storage": "1Gi", "memory": "1Gi" })
    );
    let host = Host::with(seed);
    ready(&host.run());
    assert_eq!(
        host.settings.live()["kubernetes"]["kube-reserved"],
        json!({ "cpu": "70m", "ephemeral-storage": "1Gi", "memory": "475Mi" })
    );
    // A quantity that Bottlerocket accepts, but the kubelet cannot parse.
    let host = Host::with(|seed| {
        seed["kubernetes"]["kube-reserved"] = json!({ "memory": "1..5Gi" });
    });
    let output = host.node.run(["run", "--pods-policy=respect"]);
    assert_eq!(output.status, Some(78));
    assert_eq!(
        error(&output),
        "error: failed to compute the node configuration\n  \
         caused by: kube-reserved memory in settings.kubernetes is invalid\n  \
         caused by: \"1..5Gi\" is not a quantity (such as 100m, 475Mi or 1Gi)\n  \
         help: correct the value (for example 500Mi), or set the resource in [reserve]\n"
    );
}

#[test]
fn a_kube_reserved_with_a_decimal_exponent_is_kept() {
    let host = Host::with(|seed| {
        seed["kubernetes"]["kube-reserved"] = json!({ "memory": "1e9" });
    });
    ready(&host.node.run(["run", "--pods-policy=respect"]));
    assert_eq!(host.settings.live()["kubernetes"]["kube-reserved"]["memory"], "1e9");
}

#[test]
fn an_invalid_record_is_a_warning() {
    let host = Host::new();
    let header = EARLIER_RECORD.lines().next().unwrap();
    host.node.file(RECORD, &format!("{header}\nmax-pods = \"many\"\n"));
    let output = host.run();
    ready(&output);
    let warnings = lines(&output, "warning");
    let path = host.node.root().join(RECORD);
    let expected = format!(
        "warning: host: {} skipped: invalid type: string \"many\", expected u32",
        path.display()
    );
    assert!(warnings.contains(&expected.as_str()), "{warnings:?}");
}

#[test]
fn undo_removes_the_record_and_keeps_the_settings() {
    let host = Host::new();
    ready(&host.run());
    let output = host.node.run(["undo"]);
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            Some(0),
            "apply: /.bottlerocket/bootstrap-containers/current/eni-bootstrap.toml removed\n\
             apply: /.bottlerocket/bootstrap-containers/current/eni-bootstrap-last-run.json removed\n\
             warning: undo: Bottlerocket's settings are unchanged, because its API cannot remove settings; replace the node to remove them\n"
        )
    );
    assert_eq!(host.node.read(RECORD), None);
}
