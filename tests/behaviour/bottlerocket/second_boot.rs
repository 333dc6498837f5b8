//! Settings of an earlier boot, and settings that others configured.

use crate::support::bottlerocket::{COMMIT, Host, PATCH, RECORD, as_planned, lines, ready};
use crate::support::node::error;
use serde_json::{Value, json};

/// The settings of an earlier boot as another instance type.
fn on_another_type(seed: &mut Value) {
    seed["kubernetes"]["max-pods"] = json!(58);
    seed["kubernetes"]["kube-reserved"] =
        json!({ "cpu": "80m", "ephemeral-storage": "1Gi", "memory": "893Mi" });
    seed["kubernetes"]["node-labels"] = json!({ "k8s.amazonaws.com/eniConfig": "us-west-2a" });
}

/// The record of that boot.
const OF_ANOTHER_TYPE: &str =
    "# Written by eni-bootstrap before the kubelet starts, and again at every boot.
max-pods = 58

[kube-reserved]
cpu = \"80m\"
ephemeral-storage = \"1Gi\"
memory = \"893Mi\"
";

#[test]
fn our_max_pods_of_an_earlier_boot_does_not_count_as_existing() {
    for policy in ["override", "respect", "lower"] {
        let host = Host::with(on_another_type);
        host.node.file(RECORD, OF_ANOTHER_TYPE);
        let ended = host.node.run(["run", &format!("--pods-policy={policy}")]);
        ready(&ended);
        assert_eq!(host.kubelet(), as_planned());
        assert_eq!(host.changing(), [PATCH, COMMIT]);
        assert_eq!(
            host.settings.live()["kubernetes"]["kube-reserved"],
            json!({ "cpu": "70m", "ephemeral-storage": "1Gi", "memory": "475Mi" })
        );
        assert!(!ended.stderr.contains("sets max-pods to"), "{}", ended.stderr);
    }
}

#[test]
fn the_policy_decides_on_the_max_pods_of_the_user() {
    for (policy, label, value, expected, line) in [
        (
            "override",
            "team",
            "",
            "20",
            "plan: settings.kubernetes sets max-pods to 110; ours, 20, wins: pods.policy = \"override\"",
        ),
        ("respect", "team", "", "110", "plan: settings.kubernetes sets max-pods to 110; so do we"),
        (
            "lower",
            "eks.amazonaws.com/nodegroup",
            "",
            "20",
            "plan: settings.kubernetes sets max-pods to 110 (managed node group); ours, 20, wins: pods.policy = \"lower\"",
        ),
    ] {
        let host = Host::with(|seed| {
            seed["kubernetes"]["max-pods"] = json!(110);
            seed["kubernetes"]["node-labels"] = json!({ label: value });
        });
        let ended = host.node.run(["run", &format!("--pods-policy={policy}")]);
        ready(&ended);
        assert_eq!(host.kubelet().0, expected);
        assert!(lines(&ended, "plan").contains(&line), "{}", ended.stderr);
    }
}

#[test]
fn the_kube_reserved_of_the_user_is_kept_with_respect() {
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
    // A quantity that Bottlerocket accepts, but eni-bootstrap cannot parse.
    let host = Host::with(|seed| {
        seed["kubernetes"]["kube-reserved"] = json!({ "memory": "1e9" });
    });
    let ended = host.node.run(["run", "--pods-policy=respect"]);
    assert_eq!(ended.status, Some(78));
    assert_eq!(
        error(&ended),
        "error: no plan fits this machine\n  \
         caused by: existing settings.kubernetes.kube-reserved.memory is invalid\n  \
         caused by: \"1e9\" is not a quantity (such as 100m, 475Mi or 1Gi)\n  \
         help: correct the value (for example 500Mi), set the resource in [reserve], or set pods.policy = \"override\"\n"
    );
}

#[test]
fn an_invalid_record_is_a_warning() {
    let host = Host::new();
    let ours = OF_ANOTHER_TYPE.lines().next().unwrap();
    host.node.file(RECORD, &format!("{ours}\nmax-pods = \"many\"\n"));
    let ended = host.run();
    ready(&ended);
    let warnings = lines(&ended, "warning");
    let path = host.node.root().join(RECORD);
    let expected = format!(
        "warning: {} is passed over: invalid type: string \"many\", expected u32",
        path.display()
    );
    assert!(warnings.contains(&expected.as_str()), "{warnings:?}");
}

#[test]
fn undo_removes_the_record_and_keeps_the_settings() {
    let host = Host::new();
    ready(&host.run());
    let ended = host.node.run(["undo"]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (
            Some(0),
            "apply: /.bottlerocket/bootstrap-containers/current/eni-bootstrap.toml removed\n\
             warning: Bottlerocket's settings stay as they are: its API takes none away. A node without them is a new one\n"
        )
    );
    assert_eq!(host.node.read(RECORD), None);
}
