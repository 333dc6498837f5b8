//! The configuration as text that can be pasted: YAML or TOML, and comments.

mod lines;

use super::Report;
use super::bottlerocket::Bottlerocket;
use super::comparison::Difference;
use super::karpenter::{Karpenter, ReservedEnis};
use super::nodeadm::Nodeadm;
use eni_core::diagnostic::Severity;
use eni_core::domain::capacity::Ceiling;
use eni_core::domain::cni::Addressing;
use eni_core::domain::plural::counted;
use eni_core::settings::CniSource;
use lines::{Lines, examples};

/// The number of instance types that a comment lists with their values.
const LISTED: usize = 4;
/// The number of instance types that a comment lists by their names only.
const NAMED: usize = 12;

/// Returns the text, whose lines outside of comments can be pasted.
pub(super) fn text(report: &Report) -> String {
    let mut lines = Lines::default();
    header(&mut lines, report);
    if let Some(karpenter) = &report.karpenter {
        of_karpenter(&mut lines, report, karpenter);
    }
    if let Some(nodeadm) = &report.nodeadm {
        of_nodeadm(&mut lines, report, nodeadm);
    }
    match &report.bottlerocket {
        Some(bottlerocket) => of_bottlerocket(&mut lines, bottlerocket),
        None if report.karpenter.is_some() && report.nodeadm.is_some() => {
            lines.empty();
            lines.comment(
                "Bottlerocket needs a number for each instance type: add --instance-type TYPE.",
            );
        }
        None => {}
    }
    lines.into_text()
}

fn header(lines: &mut Lines, report: &Report) {
    let source = match report.source {
        CniSource::Cluster => "the aws-node DaemonSet",
        CniSource::Settings => "the settings file",
    };
    let version = report.cni.version;
    let version =
        version.map_or_else(|| "unknown version".to_owned(), |it| format!("version {it}"));
    lines.comment(&format!("VPC CNI of {source}, {version}: {}", report.cni));
    let ceiling = match (report.fixed_max_pods, report.ceiling) {
        (Some(value), _) => format!("{value} (pods.max)"),
        (None, Ceiling::Recommended) => {
            "computed, at most 110, or 250 above 30 vCPUs (pods.ceiling)".to_owned()
        }
        (None, Ceiling::At(limit)) => format!("computed, at most {limit} (pods.ceiling)"),
        (None, Ceiling::Unlimited) => {
            "computed, without a limit (pods.ceiling = \"none\")".to_owned()
        }
    };
    lines.comment(&format!("max-pods of the nodes: {ceiling}"));
    lines.comment(&format!("Compared for {}.", compared(report)));
    if !report.without_capacity.is_empty() {
        let names = &report.without_capacity;
        lines.comment(&format!(
            "No capacity for pods on {} of these: {}.",
            names.len(),
            listed(names, NAMED)
        ));
    }
    for diagnostic in &report.diagnostics {
        if diagnostic.severity != Severity::Info {
            lines.comment(&format!("{}: {diagnostic}", diagnostic.severity));
        }
    }
}

fn compared(report: &Report) -> String {
    let count = report.instance_types;
    if report.all_instance_types {
        format!("all {count} instance types in the embedded table")
    } else {
        counted(u64::try_from(count).unwrap_or(u64::MAX), "selected instance type")
    }
}

fn of_karpenter(lines: &mut Lines, report: &Report, karpenter: &Karpenter) {
    lines.heading("Karpenter: EC2NodeClass");
    if let Some(feature_gate) = karpenter.feature_gate {
        lines.item(&format!(
            "Requires Karpenter 1.15 or later with the feature gate {feature_gate} (alpha): set the Helm value settings.awsFeatureGates.nodeClassCEL to true. If it is off, an EC2NodeClass with an expression is not ready."
        ));
    }
    differences(lines, report, &karpenter.differences);
    let count = karpenter.by_name.len();
    if count > 0 {
        lines.item(&format!(
            "Karpenter has no variable for the network interfaces of other network cards (ENABLE_MULTI_NIC), so maxPods contains the values of {count} instance types by name. For an instance type that the table does not contain, it counts only the default card."
        ));
    }
    if report.ceiling != Ceiling::Unlimited && report.fixed_max_pods.is_none() {
        lines.item("maxPods contains pods.ceiling. If you change one of them, change the other.");
    }
    let memory = karpenter.kube_reserved.get("memory");
    if memory.is_some_and(|it| it.contains("max_pods")) {
        lines.item(
            "The memory reserve is in Mi. Karpenter rounds it up to a multiple of 16, and eni-bootstrap keeps the rounded value on the node. On Bottlerocket, kubeReserved is not necessary.",
        );
    } else {
        lines.item(
            "kubeReserved contains the quantities of reserve.* in the settings of eni-bootstrap.",
        );
    }
    reserved_enis(lines, report, karpenter);
    lines.line("spec:");
    lines.line("  kubelet:");
    lines.yaml("    maxPods: ", &karpenter.max_pods);
    lines.line("    kubeReserved:");
    for (resource, value) in &karpenter.kube_reserved {
        lines.yaml(&format!("      {resource}: "), value);
    }
}

/// Whether the option of the controller replaces the expression.
fn reserved_enis(lines: &mut Lines, report: &Report, karpenter: &Karpenter) {
    let ReservedEnis { value, differences, differences_without_ceiling } = &karpenter.reserved_enis;
    let scope = "It applies to every node that this controller launches.";
    let text = if differences.is_empty() {
        format!(
            "Instead of expressions, RESERVED_ENIS={value} (Helm value settings.reservedENIs) is enough. {scope}"
        )
    } else if differences_without_ceiling.is_empty() {
        format!(
            "Instead of expressions, RESERVED_ENIS={value} (Helm value settings.reservedENIs) is enough if the settings of eni-bootstrap contain pods.ceiling = \"none\". {scope}"
        )
    } else {
        let (reason, differences) = match report.cni.addressing {
            Addressing::Prefixes => ("Karpenter counts no prefixes", differences),
            Addressing::SecondaryAddresses => {
                ("even with pods.ceiling = \"none\"", differences_without_ceiling)
            }
        };
        format!(
            "RESERVED_ENIS is not enough ({reason}): with RESERVED_ENIS={value}, the plan differs on {} of {} instance types, such as {}.",
            differences.len(),
            report.instance_types,
            examples(differences, LISTED)
        )
    };
    lines.item(&text);
}

fn of_nodeadm(lines: &mut Lines, report: &Report, nodeadm: &Nodeadm) {
    lines.heading("nodeadm: NodeConfig of nodes that Karpenter does not launch");
    lines.item("nodeadm ignores the expression if spec.kubelet.config contains maxPods. It computes kubeReserved from the result of the expression, as the node does.");
    differences(lines, report, &nodeadm.differences);
    if !nodeadm.differences.is_empty() {
        lines.item("The expression cannot read the number of vCPUs and the instance type. It is exact for more instance types if you select only those of the node group with --instance-type.");
    }
    lines.line("apiVersion: node.eks.aws/v1alpha1");
    lines.line("kind: NodeConfig");
    lines.line("spec:");
    lines.line("  kubelet:");
    lines.yaml("    maxPodsExpression: ", &nodeadm.max_pods_expression);
}

/// Lists the instance types on which the tool plans another value than the node.
fn differences(lines: &mut Lines, report: &Report, differences: &[Difference]) {
    if differences.is_empty() {
        let those = if report.without_capacity.is_empty() { "" } else { " with pods" };
        lines.item(&format!(
            "Equal to max-pods of the node on every compared instance type{those}."
        ));
        return;
    }
    let (higher, lower): (Vec<_>, Vec<_>) =
        differences.iter().cloned().partition(|it| it.tool > i64::from(it.node));
    for (word, consequence, part) in [
        ("Lower", "the node can run more pods", lower),
        ("Higher", "some pods stay without an IP address", higher),
    ] {
        if !part.is_empty() {
            lines.item(&format!(
                "{word} than on the node for {} of {} instance types ({consequence}), such as {}.",
                part.len(),
                report.instance_types,
                examples(&part, LISTED)
            ));
        }
    }
}

fn of_bottlerocket(lines: &mut Lines, bottlerocket: &[Bottlerocket]) {
    lines.heading("Bottlerocket: user data of nodes that Karpenter does not launch");
    lines.item("Bottlerocket has no expressions. For a node group with several values, use the lowest. Bottlerocket computes the memory reserve from max-pods, as eni-bootstrap does.");
    for (index, Bottlerocket { max_pods, instance_types }) in bottlerocket.iter().enumerate() {
        if index > 0 {
            lines.empty();
        }
        lines.comment(&listed(instance_types, instance_types.len()));
        lines.line("[settings.kubernetes]");
        lines.line(&format!("max-pods = {max_pods}"));
    }
}

/// Returns the first `most` names.
fn listed(names: &[String], most: usize) -> String {
    let most = most.min(names.len());
    let listed = names[..most].join(", ");
    if most < names.len() { format!("{listed} and {} more", names.len() - most) } else { listed }
}
