//! The comparison of a Node object with the plan of eni-bootstrap.

use serde_json::Value;
use std::fmt;
use std::io::{self, Write as _};

/// The `systemReserved` of every image, by resource.
pub const RESERVED_FOR_SYSTEM: [(&str, &str); 3] =
    [("cpu", "50m"), ("memory", "64Mi"), ("ephemeral-storage", "512Mi")];
/// The eviction threshold `memory.available` of every image, which is also the kubelet's default.
const EVICTION_MEMORY: &str = "100Mi";
/// The eviction threshold `nodefs.available` of every image, which is also the kubelet's default. The kubelet
/// stores a percentage as a 32-bit float.
///
/// Source: `parsePercentage`, `pkg/kubelet/eviction/helpers.go`, kubernetes/kubernetes.
const EVICTION_STORAGE: f32 = 0.1;

/// A planned value and the value of the Node object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub planned: String,
    pub registered: String,
}

/// The values of a Node object and of the plan.
#[derive(Clone, Debug)]
pub struct Comparison {
    case: String,
    pub rows: Vec<Row>,
}

impl Comparison {
    /// Compares a Node object with the kubelet configuration of `plan`.
    pub fn new(case: &str, plan: &Value, node: &Value) -> Self {
        let (capacity, allocatable) = (&node["status"]["capacity"], &node["status"]["allocatable"]);
        let max_pods = plan["max-pods"].to_string();
        let row = |name: &str, planned: &str, registered: &Value| Row {
            name: name.to_owned(),
            planned: planned.to_owned(),
            registered: registered.as_str().unwrap_or("none").to_owned(),
        };
        let mut rows = vec![
            row("capacity.pods", &max_pods, &capacity["pods"]),
            row("allocatable.pods", &max_pods, &allocatable["pods"]),
        ];
        for (resource, system) in RESERVED_FOR_SYSTEM {
            let amount = |of: &Value| quantity(of[resource].as_str().unwrap());
            let total = amount(capacity);
            let eviction = match resource {
                "memory" => quantity(EVICTION_MEMORY),
                "ephemeral-storage" => eviction_storage(total),
                _ => 0,
            };
            let planned = amount(&plan["kube-reserved"]) + quantity(system) + eviction;
            rows.push(Row {
                name: format!("capacity - allocatable, {resource}"),
                planned: text(resource, planned),
                registered: text(resource, total - amount(allocatable)),
            });
        }
        let labels = plan["node-labels"].as_object().unwrap().iter();
        rows.extend(labels.map(|(label, value)| {
            row(label, value.as_str().unwrap(), &node["metadata"]["labels"][label])
        }));
        Self { case: case.to_owned(), rows }
    }

    /// Returns the value of the Node object in the row `name`.
    pub fn registered(&self, name: &str) -> &str {
        &self.rows.iter().find(|row| row.name == name).unwrap().registered
    }

    /// Replaces the planned value in the row `name`.
    pub fn expect(&mut self, name: &str, planned: &str) {
        let row = self.rows.iter_mut().find(|row| row.name == name).unwrap();
        planned.clone_into(&mut row.planned);
    }

    /// Prints the values, and asserts that they are the same.
    pub fn assert_equal(&self) {
        // Not print!, which the test harness captures.
        io::stdout().write_all(self.to_string().as_bytes()).unwrap();
        assert!(self.rows.iter().all(|row| row.planned == row.registered), "\n{self}");
    }
}

/// Prints a line for each value.
impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { name, planned, registered } in &self.rows {
            let case = &self.case;
            writeln!(formatter, "{case:<54} | {name:<41} | {planned:>13} | {registered:>13}")?;
        }
        Ok(())
    }
}

/// Parses a quantity of Kubernetes, in thousandths.
pub fn quantity(text: &str) -> i64 {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "m" => 1,
        "" => 1000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        other => panic!("unit {other:?} of {text}"),
    };
    digits.parse::<i64>().unwrap() * factor
}

/// Returns the storage that the kubelet keeps free, in thousandths of a byte.
///
/// Source: `GetThresholdQuantity`, `pkg/kubelet/eviction/helpers.go`, kubernetes/kubernetes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the calculation of the kubelet"
)]
fn eviction_storage(capacity: i64) -> i64 {
    ((capacity / 1000) as f64 * f64::from(EVICTION_STORAGE)) as i64 * 1000
}

/// Formats thousandths of a CPU, or of a byte.
fn text(resource: &str, thousandths: i64) -> String {
    match resource {
        "cpu" => format!("{thousandths}m"),
        _ if thousandths % quantity("1Mi") == 0 => format!("{}Mi", thousandths / quantity("1Mi")),
        _ => (thousandths / 1000).to_string(),
    }
}
