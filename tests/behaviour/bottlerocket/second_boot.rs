//! What an earlier boot or somebody else has set.

use crate::support::bottlerocket::{COMMIT, Host, PATCH, RECORD, as_planned, lines, ready};
use crate::support::node::error;
use serde_json::{Value, json};

/// The first boot's values, on a machine that is another type now.
fn on_another_type(seed: &mut Value) {
    seed["kubernetes"]["max-pods"] = json!(58);
    seed["kubernetes"]["kube-reserved"] =
        json!({ "cpu": "80m", "ephemeral-storage": "1Gi", "memory": "893Mi" });
    seed["kubernetes"]["node-labels"] = json!({ "k8s.amazonaws.com/eniConfig": "us-west-2a" });
}

/// What the agent itself had written then.
const OF_ANOTHER_TYPE: &str =
    "# Written by eni-bootstrap before the kubelet starts, and again at every boot.
max-pods = 58

[kube-reserved]
cpu = \"80m\"
ephemeral-storage = \"1Gi\"
memory = \"893Mi\"
";

#[test]
fn our_own_figure_of_another_boot_is_nobody_elses() {
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
fn a_users_figure_is_settled_by_the_policy() {
    for (policy, owner, whose, expected, settled) in [
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
            seed["kubernetes"]["node-labels"] = json!({ owner: whose });
        });
        let ended = host.node.run(["run", &format!("--pods-policy={policy}")]);
        ready(&ended);
        assert_eq!(host.kubelet().0, expected);
        assert!(lines(&ended, "plan").contains(&settled), "{}", ended.stderr);
    }
}

#[test]
fn a_users_reserve_is_kept_under_respect() {
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
    // A quantity that Bottlerocket takes, and we do not read.
    let host = Host::with(|seed| {
        seed["kubernetes"]["kube-reserved"] = json!({ "memory": "1e9" });
    });
    let ended = host.node.run(["run", "--pods-policy=respect"]);
    assert_eq!(ended.status, Some(78));
    assert_eq!(
        error(&ended),
        "error: no plan fits this machine\n  \
         because: settings.kubernetes.kube-reserved.memory cannot be kept\n  \
         because: \"1e9\" is not a quantity (such as 100m, 475Mi or 1Gi)\n  \
         help: write it as a quantity such as 500Mi, set it in [reserve], or use pods.policy = \"override\"\n"
    );
}

#[test]
fn a_record_that_cannot_be_read_is_said() {
    let host = Host::new();
    let ours = OF_ANOTHER_TYPE.lines().next().unwrap();
    host.node.file(RECORD, &format!("{ours}\nmax-pods = \"many\"\n"));
    let ended = host.run();
    ready(&ended);
    let passed_over = lines(&ended, "warning");
    let path = host.node.root().join(RECORD);
    let expected = format!(
        "warning: {} is passed over: invalid type: string \"many\", expected u32",
        path.display()
    );
    assert!(passed_over.contains(&expected.as_str()), "{passed_over:?}");
}

#[test]
fn undo_forgets_and_says_what_stays() {
    let host = Host::new();
    ready(&host.run());
    let ended = host.node.run(["undo"]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (
            Some(0),
            "apply: /.bottlerocket/bootstrap-containers/current/eni-bootstrap.toml is removed\n\
             warning: Bottlerocket's settings stay as they are: its API takes none away. A node without them is a new one\n"
        )
    );
    assert_eq!(host.node.read(RECORD), None);
}
