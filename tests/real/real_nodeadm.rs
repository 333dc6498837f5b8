//! Runs the real nodeadm with the drop-in of eni-bootstrap and a different NodeConfig in user data:
//! the kubelet gets the planned configuration.
//!
//! The order is that of a boot: `nodeadm-config.service`, `eni-bootstrap run`,
//! `nodeadm-run.service`.

use crate::support::kubelet::Kubelet;
use crate::support::node::{DROP_IN, Node, RunOutput, ready_api, run_output};
use crate::support::real_parts::{Nodeadm, nodeadm};
use eni_bootstrap_sandbox::KubernetesApi;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The CNI modes without a ceiling, so that their max-pods differ.
const MODES: [&[&str]; 4] = [
    &["--cni-custom-networking=false"],
    &["--cni-custom-networking"],
    &["--cni-custom-networking=false", "--cni-prefix-delegation"],
    &["--cni-custom-networking", "--cni-prefix-delegation"],
];
const SETTINGS: [&str; 2] = ["--cni-source=settings", "--pods-ceiling=none"];
/// The label for which user data has another value.
const ZONE: &str = "topology.kubernetes.io/zone";
/// The default of nodeadm.
const FALLBACK: u32 = 110;

/// The kubelet configuration in user data, with values that no mode plans.
const USER_DATA: &str = r#"  kubelet:
    maxPodsExpression: max_pods + 1
    config:
      maxPods: 77
      podPidsLimit: 4096
      kubeReserved:
        memory: 1Mi
        pid: "1000"
    flags:
      - --node-labels=team=blue,topology.kubernetes.io/zone=other-zone
      - --v=4
"#;

fn assert_success(output: &RunOutput) {
    assert_eq!(output.status, Some(0), "{}{}", output.stdout, output.stderr);
}

/// Returns the kubelet configuration of `plan`.
fn planned(node: &Node, flags: &[&str]) -> Value {
    let plan = node.run(["plan", "--output=json"].iter().chain(flags));
    assert_success(&plan);
    serde_json::from_str::<Value>(&plan.stdout).unwrap()["kubelet"].take()
}

/// The kubelet configuration that nodeadm has written.
#[derive(Debug, PartialEq)]
pub struct KubeletState {
    /// `config.json` of nodeadm.
    pub own: Value,
    /// `config.json` with the drop-ins and flags merged over it.
    pub effective: Value,
    /// The labels of the Node object.
    pub labels: BTreeMap<String, String>,
}

/// An instance after nodeadm-config.service.
pub struct Boot {
    pub node: Node,
    nodeadm: Nodeadm,
    _api: KubernetesApi,
}

impl Boot {
    /// Returns an instance whose NodeConfig in user data ends with the section `kubelet`.
    pub fn of(instance_type: &str, cpus: u32, kubelet: &str) -> Option<Self> {
        let api = ready_api();
        let nodeadm = nodeadm(instance_type, cpus, &(api.node_config() + kubelet))?;
        let node = Node::al2023().with("--imds-endpoint", nodeadm.imds());
        assert_success(&run_output(nodeadm.config_service(node.root())));
        Some(Self { node, nodeadm, _api: api })
    }

    /// Returns a c5.large with [`USER_DATA`] in user data, after `eni-bootstrap run`.
    fn with_drop_in() -> Option<Self> {
        let boot = Self::of("c5.large", 2, USER_DATA)?;
        assert_success(&boot.node.run(["run"]));
        Some(boot)
    }

    pub fn run_service(&self) -> RunOutput {
        run_output(self.nodeadm.run_service(self.node.root()))
    }

    /// Reads the files of nodeadm as the kubelet's unit and the kubelet do.
    pub fn kubelet_state(&self) -> KubeletState {
        let environment = self.node.read("etc/eks/kubelet/environment").unwrap();
        let arguments = environment
            .lines()
            .find_map(|line| line.strip_prefix("NODEADM_KUBELET_ARGS="))
            .unwrap();
        let arguments = arguments.split(' ').map(str::to_owned).collect();
        let kubelet = Kubelet::read(arguments, self.node.root());
        let mut effective = kubelet.config.clone();
        effective["maxPods"] = kubelet.max_pods().into();
        effective["kubeReserved"] = kubelet.kube_reserved();
        KubeletState { labels: kubelet.labels(), own: kubelet.main_file, effective }
    }
}

/// Boots an instance with [`USER_DATA`] in user data in each mode. `each_max_pods` are the planned
/// values, and `is_known` is whether nodeadm finds the limits of the instance type.
fn boots(instance_type: &str, cpus: u32, each_max_pods: [u32; 4], is_known: bool) {
    for (flags, max_pods) in MODES.into_iter().zip(each_max_pods) {
        let case = format!("{instance_type} {flags:?}");
        let Some(boot) = Boot::of(instance_type, cpus, USER_DATA) else { return };
        let before = boot.kubelet_state();
        let nodeadm_max_pods = if is_known { each_max_pods[0] + 1 } else { FALLBACK };
        assert_eq!(
            (&before.own["maxPods"], &before.effective["maxPods"]),
            (&json!(nodeadm_max_pods), &json!(77)),
            "{case}"
        );
        assert_eq!(before.labels, labels(&[("team", "blue"), (ZONE, "other-zone")]), "{case}");

        let flags = [&SETTINGS, flags].concat();
        assert_success(&boot.node.run(["run"].iter().chain(&flags)));
        let planned = planned(&boot.node, &flags);
        assert_eq!(planned["max-pods"], max_pods, "{case}");
        assert_success(&boot.run_service());

        let mut expected = before;
        if is_known {
            // With the planned max-pods, nodeadm computes the same kubeReserved.
            expected.own["maxPods"] = planned["max-pods"].clone();
            expected.own["kubeReserved"] = planned["kube-reserved"].clone();
        }
        // The planned values, and everything else from user data.
        expected.effective["maxPods"] = planned["max-pods"].clone();
        expected.effective["kubeReserved"] = planned["kube-reserved"].clone();
        expected.effective["kubeReserved"]["pid"] = "1000".into();
        expected.labels = serde_json::from_value(planned["node-labels"].clone()).unwrap();
        expected.labels.extend(labels(&[("team", "blue")]));
        let after = boot.kubelet_state();
        assert_eq!(capacity_of(&after.own), capacity_of(&expected.own), "{case}");
        assert_eq!(capacity_of(&after.effective), capacity_of(&expected.effective), "{case}");
        assert_eq!(after, expected, "{case}");
        assert_eq!(after.labels[ZONE], "us-west-2a", "{case}");
        assert_eq!(after.effective["podPidsLimit"], 4096, "{case}");
    }
}

fn capacity_of(config: &Value) -> [&Value; 2] {
    ["maxPods", "kubeReserved"].map(|key| &config[key])
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_c5_large_gets_the_plan_in_every_mode() {
    boots("c5.large", 2, [29, 20, 434, 290], true);
}

#[test]
fn a_t3_medium_gets_the_plan_in_every_mode() {
    boots("t3.medium", 2, [17, 12, 242, 162], true);
}

#[test]
fn an_m5_4xlarge_gets_the_plan_in_every_mode() {
    boots("m5.4xlarge", 16, [234, 205, 3714, 3250], true);
}

/// An instance type with four network cards, of which only the default one counts.
#[test]
fn a_p4d_24xlarge_gets_the_plan_in_every_mode() {
    boots("p4d.24xlarge", 96, [737, 688, 11_762, 10_978], true);
}

/// An instance type that is newer than this nodeadm.
#[test]
fn a_type_that_nodeadm_looks_up_in_ec2_gets_the_plan_in_every_mode() {
    boots("m9g.large", 2, [59, 40, 914, 610], true);
}

/// nodeadm then ignores maxPodsExpression and computes kubeReserved for 110 pods.
#[test]
fn a_type_unknown_to_nodeadm_and_ec2_gets_the_plan_in_every_mode() {
    boots("c7g-flex.large", 2, [29, 20, 434, 290], false);
}

/// Shows why the drop-in is written atomically: nodeadm uses a partial file that it can parse, and
/// fails the boot for one that it cannot.
#[test]
fn a_partial_drop_in_fails_or_is_used_and_a_temporary_file_is_ignored() {
    let Some(boot) = Boot::with_drop_in() else { return };
    let whole = boot.node.read(DROP_IN).unwrap();
    let before = boot.kubelet_state();
    let (half, _) = whole.split_at(whole.find("labels=").unwrap());
    boot.node.file(DROP_IN, half);
    let failed = boot.run_service();
    assert_eq!(failed.status, Some(1), "{}", failed.stderr);
    let cause =
        "config provider at index 1 failed: failed to parse config file 90-eni-bootstrap.yaml: ";
    assert!(failed.stderr.contains(cause), "{}", failed.stderr);
    assert_eq!(boot.kubelet_state(), before);

    let (fewer, _) = whole.split_at(whole.find("    flags:").unwrap());
    boot.node.file(DROP_IN, fewer);
    assert_success(&boot.run_service());
    assert_eq!(
        boot.kubelet_state().labels,
        before.labels,
        "nodeadm uses the partial file without its labels"
    );

    // As after a power failure.
    let draft = DROP_IN.replace("90-", ".90-") + ".eni-bootstrap-partial";
    boot.node.file(&draft, half);
    boot.node.file(DROP_IN, &whole);
    assert_success(&boot.run_service());
    let after = boot.kubelet_state();
    assert_eq!((&after.effective["maxPods"], &*after.labels[ZONE]), (&json!(20), "us-west-2a"));
}

#[test]
fn another_drop_in_takes_precedence_only_by_a_later_name() {
    let Some(boot) = Boot::with_drop_in() else { return };
    let values_with = |name: &str, max_pods: u32| {
        let site = format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config:\n      maxPods: {max_pods}\n    flags: [--node-labels={ZONE}=site]\n"
        );
        boot.node.file(&format!("etc/eks/nodeadm.d/{name}"), &site);
        assert_success(&boot.run_service());
        let state = boot.kubelet_state();
        (state.effective["maxPods"].clone(), state.labels[ZONE].clone())
    };
    assert_eq!(values_with("50-site.yaml", 42), (json!(20), "us-west-2a".to_owned()));
    assert_eq!(values_with("95-site.yaml", 18), (json!(18), "site".to_owned()));
    let output = boot.node.run(["run"]);
    assert_success(&output);
    let reason = "nodeadm reads this file after 90-eni-bootstrap.yaml, so it takes precedence over";
    for value in [
        "/etc/eks/nodeadm.d/95-site.yaml sets max-pods to 18",
        "a kubelet flag in /etc/eks/nodeadm.d/95-site.yaml sets label topology.kubernetes.io/zone=site",
    ] {
        let warning = format!("warning: plan: {value}; {reason} ");
        assert!(output.stderr.contains(&warning), "{warning} in {}", output.stderr);
    }
    assert_success(&boot.run_service());
    // The reserve follows max-pods in force: 255 MiB + 18 × 11 MiB.
    assert_eq!(boot.kubelet_state().effective["kubeReserved"]["memory"], "453Mi");
}

#[test]
fn pods_policy_decides_about_a_flag_in_user_data() {
    let kubelet = format!("{USER_DATA}      - --max-pods=17\n");
    let Some(boot) = Boot::of("c5.large", 2, &kubelet) else { return };
    assert_eq!(
        boot.kubelet_state().effective["maxPods"],
        17,
        "the flag takes precedence over the file"
    );
    for (policy, max_pods, memory) in
        [("override", 20, "475Mi"), ("respect", 17, "1Mi"), ("lower", 17, "442Mi")]
    {
        let policy = format!("--pods-policy={policy}");
        assert_success(&boot.node.run(["run", &policy]));
        let planned = planned(&boot.node, &[&policy]);
        assert_eq!(planned["max-pods"], max_pods, "{policy}");
        assert_success(&boot.run_service());
        let KubeletState { own, effective, .. } = boot.kubelet_state();
        assert_eq!((&own["maxPods"], &effective["maxPods"]), (&json!(max_pods), &json!(max_pods)));
        assert_eq!(planned["kube-reserved"]["memory"], memory, "{policy}");
        // nodeadm computes its own reserve from max-pods. The kubelet keeps the pid of user data.
        assert_eq!(own["kubeReserved"]["memory"], format!("{}Mi", 255 + 11 * max_pods), "{policy}");
        let mut expected = planned["kube-reserved"].clone();
        expected["pid"] = "1000".into();
        assert_eq!(effective["kubeReserved"], expected, "{policy}");
    }
}
