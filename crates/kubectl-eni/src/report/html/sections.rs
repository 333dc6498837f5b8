//! The pictures and the tables of the page.

use super::markup::{self, Column, Section, facts, paragraph, prose, symbol, table};
use crate::report::result::{CniConfig, Plan, Report};
use crate::report::svg::{Drawing, Size, escaped};
use crate::report::terms::{cni_base, limits_source, sourced_terms};
use crate::report::time::duration;
use crate::report::{interfaces, timeline};
use eni_core::diagnostic::Severity;
use eni_core::run_result::{EniConfigResult, RunResult};
use std::collections::BTreeSet;

/// Returns the sections that have content.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    let result = &report.result;
    let mut sections = vec![Section {
        id: "timeline",
        heading: "Boot timeline",
        body: figure(
            "timeline",
            |size| timeline::timeline(report, size, false),
            &timeline::title(report),
            &timeline::description(result),
        ),
    }];
    let mut add = |id, heading, body| sections.push(Section { id, heading, body });
    if let Some(plan) = &report.plan {
        let picture = figure(
            "interfaces",
            |size| interfaces::interfaces(plan, size, false),
            &interfaces::title(plan),
            &interfaces::description(plan),
        );
        add("max-pods", "Network interfaces and max-pods", picture + &calculation(plan));
        add("facts", "Facts", plan_facts(plan));
    }
    if let Some(eni_config) = &result.eni_config {
        add("eniconfig", "ENIConfig", eni_config_facts(eni_config));
    }
    add("files", "Files", files(result));
    add("waits", "Waits", waits(result));
    add("diagnostics", "Diagnostics", diagnostics(result));
    add("requests", "Requests", requests(result));
    sections
}

/// Returns a picture for windows and one for phones. The style hides one of them.
fn figure(id: &str, draw: impl Fn(Size) -> Drawing, title: &str, description: &str) -> String {
    let wide = draw(Size::Wide).inline(id, title, description);
    let narrow = draw(Size::Narrow).inline(&format!("{id}-narrow"), title, description);
    format!(
        "<figure>\n<div class=\"wide\">\n{wide}</div>\n<div class=\"narrow\">\n{narrow}</div>\n</figure>\n"
    )
}

fn calculation(plan: &Plan) -> String {
    let rows = sourced_terms(plan).into_iter().map(|it| [it.name.to_owned(), it.value, it.source]);
    let header = [("term", Column::Text), ("value", Column::Number), ("source", Column::Text)];
    table("Terms of the calculation", header, rows)
}

fn plan_facts(plan: &Plan) -> String {
    let Plan { instance, limits, machine, host, cluster, cni, .. } = plan;
    let or_unknown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let zone = match &instance.zone_id {
        Some(id) => format!("{} ({id})", instance.zone),
        None => instance.zone.clone(),
    };
    let mut items = vec![
        ("instance", instance.id.clone()),
        ("instance type", instance.type_name.clone()),
        ("zone", zone),
        ("region", instance.region.clone()),
        ("VPC", or_unknown(&instance.vpc_id)),
        ("subnet of the node", or_unknown(&instance.subnet_id)),
        ("platform", limits.values.platform.to_string()),
        ("vCPUs", limits.values.vcpus.to_string()),
        ("limits from", limits_source(&limits.source)),
    ];
    if let Some(machine) = machine {
        items.push(("online CPUs", machine.cpus.to_string()));
        items.push(("memory", format!("{} MiB", machine.memory_bytes >> 20)));
    }
    items.extend([
        ("image family", format!("{} ({})", host.kind, host.reason)),
        ("cluster", cluster.clone().unwrap_or_else(|| "not read".to_owned())),
        ("CNI version", or_unknown(&cni.config.version)),
        ("CNI configuration", features(&cni.config)),
        ("CNI configuration from", cni_base(plan).to_owned()),
        ("kubelet arguments", plan.kubelet_arguments.join(" ")),
    ]);
    facts(&items)
}

/// Returns the values of the CNI that are not the default.
fn features(config: &CniConfig) -> String {
    let mut features = vec![config.ip_family.clone()];
    let flags = [
        (config.custom_networking, "custom networking"),
        (config.addressing == "prefixes", "prefix delegation"),
        (config.pod_eni, "security groups for pods"),
        (config.multi_nic, "ENABLE_MULTI_NIC"),
        (config.imds_only, "ENABLE_IMDS_ONLY_MODE"),
        (config.disable_provisioning, "DISABLE_NETWORK_RESOURCE_PROVISIONING"),
    ];
    features.extend(flags.iter().filter(|(is_on, _)| *is_on).map(|(_, name)| (*name).to_owned()));
    let numbers = [
        (config.max_eni.unwrap_or(0), "MAX_ENI"),
        (config.reserved_enis, "reserved network interfaces"),
        (config.minimum_ip_target, "MINIMUM_IP_TARGET"),
        (config.warm_ip_target, "WARM_IP_TARGET"),
    ];
    let set = numbers.iter().filter(|(number, _)| *number > 0);
    features.extend(set.map(|(number, name)| format!("{name} {number}")));
    features.join(", ")
}

fn eni_config_facts(eni_config: &EniConfigResult) -> String {
    let EniConfigResult { name, state, subnet, security_groups } = eni_config;
    let groups = match (subnet, &security_groups[..]) {
        (None, []) => "unknown".to_owned(),
        (Some(_), []) => "those of the primary network interface".to_owned(),
        (_, groups) => groups.join(", "),
    };
    facts(&[
        ("name", name.clone()),
        ("state", state.description().to_owned()),
        ("subnet", subnet.clone().unwrap_or_else(|| "unknown".to_owned())),
        ("security groups", groups),
    ])
}

fn files(result: &RunResult) -> String {
    if result.changes.is_empty() {
        return paragraph("The run changed no file.");
    }
    let rows = result.changes.iter().map(|it| [it.target.clone(), it.outcome.name().to_owned()]);
    table("Files and settings", [("target", Column::Code), ("result", Column::Text)], rows)
}

fn waits(result: &RunResult) -> String {
    if result.waits.is_empty() {
        return paragraph("The run did not wait.");
    }
    let header = [
        ("target", Column::Text),
        ("reason", Column::Text),
        ("from", Column::Number),
        ("time", Column::Number),
    ];
    let rows = result.waits.iter().map(|it| {
        [it.target.clone(), it.reason.clone(), duration(it.start_us), duration(it.duration_us)]
    });
    table("States of the waits", header, rows)
}

fn diagnostics(result: &RunResult) -> String {
    let notes = result.diagnostics();
    if notes.is_empty() {
        return paragraph("There are no diagnostics.");
    }
    let items = notes.iter().map(|note| {
        let help = note.help.as_deref().map(markup::help).unwrap_or_default();
        let (severity, code) = (note.severity, escaped(&note.code));
        format!(
            "<li class=\"note {class}\"><p><span class=\"severity\"><span aria-hidden=\"true\">{symbol}</span> {severity}</span> <code>{code}</code> <span class=\"subject\">{subject}</span></p><p>{text}</p>{help}</li>\n",
            class = severity_class(note.severity),
            symbol = symbol(note.severity),
            subject = escaped(&note.subject),
            text = prose(&note.text),
        )
    });
    format!("<ul class=\"notes\">\n{}</ul>\n", items.collect::<String>())
}

/// Returns the class of a severity in the style sheet.
fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Failed => "bad",
        Severity::Warning => "warning",
        Severity::Ok => "good",
        Severity::Skipped | Severity::Info => "neutral",
    }
}

fn requests(result: &RunResult) -> String {
    if result.requests.is_empty() {
        return paragraph("The run sent no request.");
    }
    let critical: BTreeSet<usize> = timeline::critical_path(&result.requests).into_iter().collect();
    let header = [
        ("service", Column::Text),
        ("operation", Column::Code),
        ("from", Column::Number),
        ("time", Column::Number),
        ("result", Column::Text),
        ("critical path", Column::Text),
    ];
    let mut order: Vec<usize> = (0..result.requests.len()).collect();
    order.sort_by_key(|index| result.requests.get(*index).map(|it| it.start_us));
    let rows = order.into_iter().filter_map(|index| {
        let it = result.requests.get(index)?;
        let mark = if it.has_failed() { "✕ " } else { "" };
        Some([
            it.service.name().to_owned(),
            it.operation.clone(),
            duration(it.start_us),
            duration(it.duration_us),
            format!("{mark}{}", it.result),
            if critical.contains(&index) { "◆ yes".to_owned() } else { String::new() },
        ])
    });
    table("Requests in the order of their start", header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_of_the_cni_is_a_feature() {
        let default = CniConfig {
            version: None,
            addressing: "secondary-addresses".to_owned(),
            custom_networking: false,
            pod_eni: false,
            max_eni: Some(0),
            reserved_enis: 0,
            ip_family: "ipv4".to_owned(),
            multi_nic: false,
            minimum_ip_target: 0,
            warm_ip_target: 0,
            imds_only: false,
            disable_provisioning: false,
        };
        assert_eq!(features(&default), "ipv4");
        let all = CniConfig {
            version: None,
            addressing: "prefixes".to_owned(),
            custom_networking: true,
            pod_eni: true,
            max_eni: Some(4),
            reserved_enis: 1,
            ip_family: "ipv4".to_owned(),
            multi_nic: true,
            minimum_ip_target: 30,
            warm_ip_target: 5,
            imds_only: true,
            disable_provisioning: true,
        };
        assert_eq!(
            features(&all),
            "ipv4, custom networking, prefix delegation, security groups for pods, ENABLE_MULTI_NIC, \
             ENABLE_IMDS_ONLY_MODE, DISABLE_NETWORK_RESOURCE_PROVISIONING, MAX_ENI 4, reserved network interfaces 1, \
             MINIMUM_IP_TARGET 30, WARM_IP_TARGET 5"
        );
    }
}
