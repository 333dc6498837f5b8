//! The values of the user and those of eni-bootstrap, over several boots.

use crate::support::bottlerocket::{Host, RECORD, TIME_LIMIT, USER_DATA, lines, ready};
use crate::support::node::error;
use eni_bootstrap_sandbox::{Applier, Fault};
use serde_json::{Value, json};

const POLICIES: [&str; 3] = ["override", "respect", "lower"];

/// Runs eni-bootstrap with this policy, and returns the live value of `pointer` in
/// `settings.kubernetes`.
fn boot(host: &Host, policy: &str, pointer: &str) -> Value {
    ready(&host.node.run(["run", &format!("--pods-policy={policy}")]));
    host.settings.live().pointer(&format!("/kubernetes/{pointer}")).unwrap().clone()
}

/// Returns the live value after each of three boots. The user sets `value` before boot `set_before`,
/// which starts at 0; `value` is an object in `settings.kubernetes`.
fn three_boots(policy: &str, pointer: &str, value: &Value, set_before: usize) -> Vec<Value> {
    let host = Host::new();
    let after_boot = |number| {
        if number == set_before {
            host.settings.set(&json!({ "kubernetes": value }));
        }
        boot(&host, policy, pointer)
    };
    let mut values: Vec<Value> = (0..3).map(after_boot).collect();
    if set_before == 3 {
        host.settings.set(&json!({ "kubernetes": value }));
        values.push(boot(&host, policy, pointer));
    }
    values
}

#[test]
fn policy_respect_keeps_max_pods_of_the_user_over_three_boots() {
    let boots =
        |set_before| three_boots("respect", "max-pods", &json!({ "max-pods": 110 }), set_before);
    assert_eq!(boots(0), [110, 110, 110].map(Value::from));
    assert_eq!(boots(1), [20, 110, 110].map(Value::from));
    assert_eq!(boots(2), [20, 20, 110].map(Value::from));
    assert_eq!(boots(3), [20, 20, 20, 110].map(Value::from));
}

#[test]
fn policy_lower_keeps_a_lower_max_pods_of_the_user_over_three_boots() {
    let boots = |max_pods: u32, set_before| {
        three_boots("lower", "max-pods", &json!({ "max-pods": max_pods }), set_before)
    };
    assert_eq!(boots(8, 0), [8, 8, 8].map(Value::from));
    assert_eq!(boots(8, 1), [20, 8, 8].map(Value::from));
    assert_eq!(boots(8, 3), [20, 20, 20, 8].map(Value::from));
    assert_eq!(boots(110, 0), [20, 20, 20].map(Value::from));
    assert_eq!(boots(110, 1), [20, 20, 20].map(Value::from));
    assert_eq!(boots(110, 3), [20, 20, 20, 20].map(Value::from));
}

#[test]
fn policy_lower_replaces_its_own_max_pods_after_a_value_of_the_user_was_kept() {
    // Boot 1 keeps 8. The user then removes the limit by setting another value.
    let host = Host::new();
    host.settings.set(&json!({ "kubernetes": { "max-pods": 8 } }));
    assert_eq!(boot(&host, "lower", "max-pods"), 8);
    host.settings.set(&json!({ "kubernetes": { "max-pods": 110 } }));
    assert_eq!(boot(&host, "lower", "max-pods"), 20);
    assert_eq!(boot(&host, "respect", "max-pods"), 20, "the value of eni-bootstrap");
}

#[test]
fn policy_override_replaces_max_pods_of_the_user_over_three_boots() {
    for set_before in 0..4 {
        let values = three_boots("override", "max-pods", &json!({ "max-pods": 110 }), set_before);
        assert_eq!(values, vec![Value::from(20); values.len()]);
    }
}

#[test]
fn policy_respect_keeps_each_kube_reserved_of_the_user_over_three_boots() {
    for (resource, value, computed) in
        [("cpu", "200m", "70m"), ("ephemeral-storage", "2Gi", "1Gi"), ("memory", "1Gi", "475Mi")]
    {
        let pointer = format!("kube-reserved/{resource}");
        let reserved = json!({ "kube-reserved": { resource: value } });
        let boots = |policy, set_before| three_boots(policy, &pointer, &reserved, set_before);
        assert_eq!(boots("respect", 0), [value, value, value]);
        assert_eq!(boots("respect", 1), [computed, value, value]);
        assert_eq!(boots("respect", 3), [computed, computed, computed, value]);
        for policy in ["override", "lower"] {
            assert_eq!(boots(policy, 0), [computed; 3]);
            assert_eq!(boots(policy, 1), [computed; 3]);
            assert_eq!(boots(policy, 3), [computed; 4]);
        }
    }
}

#[test]
fn a_run_that_failed_does_not_change_the_owner_of_max_pods() {
    // The first run sets 20. The second one, for another max-pods, fails at this request.
    for request in ["PATCH ", "commit_and_apply"] {
        let host = Host::new();
        assert_eq!(boot(&host, "respect", "max-pods"), 20);
        let mut faults = vec![Fault::Drop];
        if request == "commit_and_apply" {
            // The commit succeeds, but the response is lost, and so are all later ones.
            faults.push(Fault::Lost);
        }
        for fault in faults {
            host.settings.faults().fail_always_matching(request, fault.clone());
            let failed = host.node.run(["run", "--pods-policy=respect", "--pods-ceiling=10"]);
            host.settings.faults().clear();
            let live = host.settings.live()["kubernetes"]["max-pods"].clone();
            let is_committed = live == 10;
            assert_eq!(failed.status, Some(if is_committed { 0 } else { 69 }), "{}", failed.stderr);
            let output = host.node.run(["run", "--pods-policy=respect", "--pods-ceiling=12"]);
            ready(&output);
            assert_eq!(host.kubelet().0, "12", "{}", output.stderr);
            assert!(!output.stderr.contains("sets max-pods to"), "{}", output.stderr);
        }
    }
}

#[test]
fn an_apiserver_that_dies_does_not_change_the_owner_of_max_pods() {
    for (request, count) in [("PATCH ", 2), ("commit_and_apply", 2)] {
        let mut host = Host::new();
        assert_eq!(boot(&host, "respect", "max-pods"), 20);
        host.settings.faults().fail_always_matching(request, Fault::Hang);
        let running = host.node.start(["run", "--pods-policy=respect", "--pods-ceiling=10"]);
        assert!(host.settings.wait_for(request, count, TIME_LIMIT));
        host.settings.kill();
        let output = running.end();
        assert_eq!(output.status, Some(69), "{}", output.stderr);
        host.settings.faults().clear();
        host.settings.revive();
        let output = host.node.run(["run", "--pods-policy=respect", "--pods-ceiling=12"]);
        ready(&output);
        assert_eq!(host.kubelet().0, "12", "{}", output.stderr);
        assert_eq!(host.settings.transactions(), Vec::<String>::new());
    }
}

#[test]
fn a_run_that_was_killed_after_the_commit_does_not_change_the_owner_of_max_pods() {
    let host = Host::new();
    assert_eq!(boot(&host, "respect", "max-pods"), 20);
    // The applier is late, so that the run waits after the commit.
    host.settings.set_applier(Applier::Held);
    let mut running = host.node.start(["run", "--pods-policy=respect", "--pods-ceiling=10"]);
    running.until("has not rendered the committed settings");
    drop(running);
    assert_eq!(host.settings.live()["kubernetes"]["max-pods"], 10);
    host.settings.release();
    let output = host.node.run(["run", "--pods-policy=respect"]);
    ready(&output);
    assert_eq!(host.kubelet().0, "20", "{}", output.stderr);
}

#[test]
fn a_lost_record_is_written_again_for_equal_values_and_is_a_warning() {
    let host = Host::new();
    ready(&host.run());
    let record = host.node.read(RECORD).unwrap();
    std::fs::remove_file(host.node.root().join(RECORD)).unwrap();
    let output = host.node.run(["run", "--pods-policy=respect"]);
    ready(&output);
    assert_eq!(
        lines(&output, "warning"),
        [
            "warning: host: /.bottlerocket/bootstrap-containers/current/eni-bootstrap.toml not found, but settings.kubernetes contains labels of an earlier run (was the bootstrap container renamed?); treating values that differ from the computed ones as set by the user"
        ]
    );
    assert_eq!(host.node.read(RECORD).unwrap(), record);
    // The value is that of eni-bootstrap again.
    ready(&host.node.run(["run", "--pods-policy=respect", "--pods-ceiling=12"]));
    assert_eq!(host.kubelet().0, "12");
}

#[test]
fn values_of_the_user_that_are_replaced_or_kept_are_logged_with_both_values() {
    let user = json!({ "kubernetes": {
        "kube-reserved": { "cpu": "200m", "memory": "2Gi" },
        "node-labels": { "team": "red", "topology.kubernetes.io/zone": "us-west-2b" },
    } });
    for policy in POLICIES {
        let host = Host::new();
        host.settings.set(&user);
        host.node.file(USER_DATA, "[labels]\nteam = \"blue\"\n");
        let output = host.node.run(["run", &format!("--pods-policy={policy}")]);
        ready(&output);
        let plan = lines(&output, "plan");
        let result = |resource: &str, existing: &str, new: &str| match policy {
            "respect" => format!(
                "plan: settings.kubernetes sets kube-reserved {resource}={existing}; this value is kept (pods.policy = \"respect\")"
            ),
            _ => format!(
                "warning: plan: settings.kubernetes sets kube-reserved {resource}={existing}; the computed value {new} takes precedence (pods.policy = \"{policy}\"); set reserve.{resource} = \"{existing}\" to keep this value, or set pods.policy = \"respect\" to keep every existing value"
            ),
        };
        for line in [
            result("cpu", "200m", "70m"),
            result("memory", "2Gi", "475Mi"),
            "warning: plan: settings.kubernetes.node-labels sets label team=red; eni-bootstrap's value blue takes precedence; remove the existing label".to_owned(),
            "warning: plan: settings.kubernetes.node-labels sets label topology.kubernetes.io/zone=us-west-2b; eni-bootstrap's value us-west-2a takes precedence; remove the existing label".to_owned(),
        ] {
            assert!(plan.contains(&line.as_str()), "{line}\nis not in\n{}", output.stderr);
        }
    }
}

#[test]
fn an_old_eniconfig_label_of_an_earlier_run_is_an_error_if_the_cni_would_use_it() {
    let host = Host::new();
    let external = "--eni-config-label=vpc.amazonaws.com/externalEniConfig";
    ready(&host.node.run(["run", external]));
    host.api.apply("prod-us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = host.node.run(["run", "--eni-config-name=prod-{zone}"]);
    assert_eq!(output.status, Some(78), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: failed to compute the node configuration\n  \
         caused by: the CNI would use ENIConfig \"us-west-2a\" instead of \"prod-us-west-2a\": an earlier run set label vpc.amazonaws.com/externalEniConfig, and the Bottlerocket API cannot remove a label\n  \
         help: set eni-config.label = \"vpc.amazonaws.com/externalEniConfig\", so that eni-bootstrap updates this label, or replace the node\n"
    );
    ready(&host.node.run(["run", external, "--eni-config-name=prod-{zone}"]));
    // With the same ENIConfig, or for a label that the CNI does not read, the label is reported.
    let output = host.node.run(["run", "--eni-config-name=prod-{zone}"]);
    ready(&output);
    assert_eq!(
        lines(&output, "warning"),
        [
            "warning: plan: label vpc.amazonaws.com/externalEniConfig=prod-us-west-2a of an earlier run remains in settings.kubernetes.node-labels, because the Bottlerocket API cannot remove a label; replace the node to remove the label"
        ]
    );
}

#[test]
fn an_eniconfig_label_of_the_user_is_the_eniconfig_that_a_run_waits_for_over_three_boots() {
    for key in ["vpc.amazonaws.com/externalEniConfig", "k8s.amazonaws.com/eniConfig"] {
        let host = Host::new();
        host.settings.set(&json!({ "kubernetes": { "node-labels": { key: "other-zone" } } }));
        host.api.delete("us-west-2a");
        host.api.apply("other-zone", json!({ "subnet": "subnet-0a" }));
        for _ in 0..3 {
            let output = host.run();
            ready(&output);
            assert!(
                lines(&output, "plan").contains(&"plan: ENIConfig other-zone"),
                "{}",
                output.stderr
            );
            assert_eq!(host.settings.live()["kubernetes"]["node-labels"][key], "other-zone");
        }
        // A name in the settings conflicts with the label, which the API cannot remove.
        let output = host.node.run(["run", "--eni-config-name=us-west-2a"]);
        assert_eq!(
            (output.status, error(&output)),
            (
                Some(78),
                format!(
                    "error: failed to compute the node configuration\n  caused by: settings.kubernetes.node-labels sets label {key}=other-zone, but eni-config.name gives \"us-west-2a\"\n  help: remove eni-config.name to use the ENIConfig of the label, or set eni-config.policy = \"override\"\n"
                )
                .as_str()
            )
        );
    }
}
