//! Karpenter's own plan of a node, for tests.
//!
//! Source: `pods`, `ENILimitedPods`, `kubeReservedResources` and `resolveMaxPods`,
//! `pkg/providers/instancetype/types.go`, and `formatResourceResult`, `pkg/cel/environment.go`,
//! aws/karpenter-provider-aws.

use crate::domain::instance_limits::Row;
use crate::domain::quantity::Quantity;
use cel::{Context, Program, Value as Cel};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What Karpenter plans for one instance type with an AL2023 `EC2NodeClass`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Planned {
    pub pods: i64,
    /// kube-reserved by resource.
    pub reserved: BTreeMap<String, Quantity>,
    /// `kubelet.config` in the user data of the node, with numbers in place of expressions.
    pub kubelet: Value,
}

/// `spec.kubelet` of an `EC2NodeClass`.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Kubelet {
    config: Value,
    /// The compiled expressions by their text.
    programs: BTreeMap<String, Rc<Program>>,
}

impl Kubelet {
    pub(in crate::plan) fn new(config: Value) -> Self {
        let reserved = config["kubeReserved"].as_object().into_iter().flat_map(|map| map.values());
        let texts = reserved.filter(|it| it.as_str().unwrap().parse::<Quantity>().is_err());
        let texts = texts.chain([&config["maxPods"]]).filter_map(Value::as_str);
        let program = |text: &str| (text.to_owned(), Rc::new(Program::compile(text).unwrap()));
        let programs = texts.map(program).collect();
        Self { config, programs }
    }

    /// Returns the plan for an instance type. `reserved_enis` is the option of the controller.
    pub(in crate::plan) fn planned(&self, name: &str, row: &Row, reserved_enis: i64) -> Planned {
        let Self { config: kubelet, programs } = self;
        let default_pods = eni_limited_pods(row, reserved_enis);
        let evaluate = |text: &str, max_pods| evaluate(&programs[text], name, row, max_pods);
        let max_pods = match &kubelet["maxPods"] {
            Value::Null => default_pods,
            Value::String(expression) => evaluate(expression, default_pods),
            number => number.as_i64().unwrap(),
        };
        let pods = match kubelet["podsPerCore"].as_i64() {
            Some(per_core) if per_core > 0 => max_pods.min(per_core * i64::from(row.vcpus)),
            _ => max_pods,
        };
        let mut resolved = kubelet.clone();
        resolved["maxPods"] = json!(pods);
        let computed = [
            ("cpu", format!("{}m", cpu(row.vcpus))),
            ("memory", format!("{}Mi", 11 * eni_limited_pods(row, 0) + 255)),
            ("ephemeral-storage", "1Gi".to_owned()),
        ];
        let computed =
            computed.map(|(resource, text)| (resource.to_owned(), text.parse().unwrap()));
        let mut plan = Planned { pods, reserved: computed.into(), kubelet: Value::Null };
        for (resource, value) in kubelet["kubeReserved"].as_object().into_iter().flatten() {
            let text = value.as_str().unwrap();
            let text = if programs.contains_key(text) {
                let value = unsigned(evaluate(text, pods));
                match resource.as_str() {
                    "cpu" => format!("{}m", value.next_multiple_of(10)),
                    "memory" => format!("{}Mi", value.next_multiple_of(16)),
                    _ => format!("{value}Gi"),
                }
            } else {
                text.to_owned()
            };
            plan.reserved.insert(resource.clone(), text.parse().unwrap());
            resolved["kubeReserved"][resource] = json!(text);
        }
        Planned { kubelet: resolved, ..plan }
    }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap()
}

fn eni_limited_pods(row: &Row, reserved_enis: i64) -> i64 {
    let usable = (i64::from(row.interfaces) - reserved_enis).max(0);
    if usable == 0 { 0 } else { usable * (i64::from(row.ipv4_per_interface) - 1) + 2 }
}

/// Karpenter multiplies floating-point numbers and drops the fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as in Karpenter")]
fn cpu(vcpus: u32) -> u64 {
    let cpu = f64::from(vcpus) * 1_000.0;
    let bands =
        [(0.0, 1e3, 0.06), (1e3, 2e3, 0.01), (2e3, 4e3, 0.005), (4e3, 2_147_483_648.0, 0.0025)];
    let reached = bands.into_iter().filter(|(start, ..)| cpu >= *start);
    reached.map(|(start, end, share)| ((cpu.min(end) - start) * share) as u64).sum()
}

fn evaluate(program: &Program, instance_type: &str, row: &Row, max_pods: i64) -> i64 {
    let mut context = Context::default();
    context.add_function("min", |one: i64, other: i64| one.min(other)).unwrap();
    context.add_function("max", |one: i64, other: i64| one.max(other)).unwrap();
    for (name, value) in [
        ("vcpus", row.vcpus.into()),
        ("default_enis", row.interfaces.into()),
        ("ips_per_eni", row.ipv4_per_interface.into()),
        ("max_pods", max_pods),
    ] {
        context.add_variable_from_value(name, value);
    }
    context.add_variable_from_value("instance_type", instance_type);
    let result = program.execute(&context).unwrap();
    let Cel::Int(result) = result else { panic!("{result:?}") };
    result
}

#[test]
fn the_model_rounds_as_karpenter_does() {
    let row = crate::domain::instance_limits::embedded(&"m5.large".parse().unwrap()).unwrap().row();
    let planned = |kubelet| {
        let Planned { pods, reserved, kubelet } =
            Kubelet::new(kubelet).planned("m5.large", &row, 1);
        let texts =
            reserved.into_iter().map(|(resource, quantity)| format!("{resource}={quantity}"));
        (pods, texts.collect::<Vec<_>>().join(" "), kubelet)
    };
    assert_eq!(
        planned(json!({
            "maxPods": "min(110, default_enis * vcpus)",
            "kubeReserved": { "cpu": "70 + 1", "memory": "255 + 11 * max_pods", "ephemeral-storage": "1 + 1" },
        })),
        (
            6,
            "cpu=80m ephemeral-storage=2Gi memory=336Mi".to_owned(),
            json!({
                "maxPods": 6,
                "kubeReserved": { "cpu": "80m", "memory": "336Mi", "ephemeral-storage": "2Gi" },
            })
        )
    );
    assert_eq!(
        planned(json!({ "podsPerCore": 4, "kubeReserved": { "cpu": "1" } })),
        (
            8,
            "cpu=1 ephemeral-storage=1Gi memory=574Mi".to_owned(),
            json!({ "podsPerCore": 4, "maxPods": 8, "kubeReserved": { "cpu": "1" } })
        )
    );
}
