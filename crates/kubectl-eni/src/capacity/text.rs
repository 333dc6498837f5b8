//! The report as text for a terminal.

use super::report::{
    Cases, FirstFull, FixKind, Growth, Report, SubnetReport, ZoneLoss, ZoneReport,
};
use super::strip;
use crate::output::{table, wrapped};
use eni_core::domain::plural::counted;
use std::collections::BTreeMap;

/// Returns the lines of the report.
pub(super) fn text(report: &Report) -> String {
    let cluster = report.cluster.as_deref().unwrap_or("unknown");
    let mut lines = vec![format!("Cluster {cluster} in {}: {}", report.region, report.cni)];
    if report.ignored_nodes > 0 {
        let nodes = counted(report.ignored_nodes, "node");
        lines.push(format!("The VPC CNI does not run on {nodes}, not counted below"));
    }
    lines.extend(types(report));
    lines.extend(subnets(report));
    lines.extend(more_nodes(report));
    lines.extend(report.first_full.as_ref().map(first_full).into_iter().flatten());
    lines.extend(report.growth.as_ref().map(growth).into_iter().flatten());
    lines.extend(zone_loss(report));
    lines.extend(fixes(report));
    for (title, texts) in [("NOTES", &report.notes), ("SKIPPED", &report.skipped)] {
        if !texts.is_empty() {
            lines.extend(heading(title));
            lines.extend(texts.iter().map(|text| format!("  {text}")));
        }
    }
    for diagnostic in &report.diagnostics {
        let line = format!("{}: {diagnostic}", diagnostic.severity);
        lines.extend([String::new(), wrapped("", "", &line).trim_end().to_owned()]);
    }
    lines.join("\n") + "\n"
}

fn heading(text: &str) -> [String; 2] {
    [String::new(), text.to_owned()]
}

/// Returns one number, or both if they differ, the lower one first.
fn range(cases: Cases<u32>) -> String {
    let Cases { best, worst } = cases;
    let (low, high) = (best.min(worst), best.max(worst));
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

fn types(report: &Report) -> Vec<String> {
    let rows = report.instance_types.iter().map(|it| {
        [
            it.name.clone(),
            it.running_nodes.to_string(),
            it.max_pods.to_string(),
            it.interfaces.to_string(),
            it.addresses.to_string(),
            it.blocks.to_string(),
        ]
    });
    let header = ["INSTANCE TYPE", "NODES", "MAX-PODS", "INTERFACES", "ADDRESSES", "/28 BLOCKS"];
    let mut lines = heading("A FULL NODE TAKES FROM THE POD SUBNETS").to_vec();
    lines.extend(table(header, &[1, 2, 3, 4, 5], rows).iter().map(|line| indented(line)));
    lines
}

fn indented(line: &str) -> String {
    format!("  {line}").trim_end().to_owned()
}

fn subnets(report: &Report) -> Vec<String> {
    let mut lines = heading("POD SUBNETS, ONE CHARACTER FOR EACH /28 BLOCK").to_vec();
    for zone in &report.zones {
        let nodes = counted(zone.running_nodes, "node");
        lines.push(format!("  {}: {nodes}", zone.zone));
        if zone.subnets.is_empty() {
            lines.push("    no pod subnet".to_owned());
        }
        lines.extend(zone.subnets.iter().flat_map(subnet));
    }
    let legend = strip::LEGEND.map(|(character, meaning)| format!("{character} {meaning}"));
    for line in legend.chunks(3) {
        lines.push(format!("  {}", line.join("   ")));
    }
    lines
}

fn subnet(subnet: &SubnetReport) -> Vec<String> {
    let SubnetReport { id, cidr, used_by, .. } = subnet;
    let reserved = match subnet.reserved_blocks {
        0 => String::new(),
        count => format!(", {count} of them reserved for prefixes"),
    };
    let at_most = if subnet.hidden_addresses > 0 { "at most " } else { "" };
    let mut lines = vec![
        format!("    {id} {cidr} ({used_by})"),
        format!(
            "      {} of {} addresses free, {at_most}{} of {} /28 blocks free{reserved}",
            subnet.free_addresses,
            subnet.addresses,
            subnet.free_blocks,
            subnet.blocks.len()
        ),
    ];
    let grouped = strip::blocks_per_character(&subnet.blocks);
    if grouped > 1 {
        lines.push(format!(
            "      one character for {grouped} blocks: . all free, # none free, else free tenths"
        ));
    }
    lines.extend(strip::lines(&subnet.blocks).into_iter().map(|line| format!("      {line}")));
    lines
}

fn more_nodes(report: &Report) -> Vec<String> {
    let mut lines = heading("MORE NODES WITH MAX-PODS PODS").to_vec();
    let rows = report.zones.iter().flat_map(zone_rows);
    let header = ["ZONE", "INSTANCE TYPE", "MORE NODES", "RESULT"];
    lines.extend(table(header, &[2], rows).iter().map(|line| indented(line)));
    let differ = |zone: &ZoneReport| zone.more_nodes.iter().any(|it| it.best != it.worst);
    if report.zones.iter().any(differ) {
        lines.push(
            "  Two numbers: EC2 breaks as many free /28 blocks as possible, or as few.".to_owned(),
        );
    }
    lines
}

fn zone_rows(zone: &ZoneReport) -> Vec<[String; 4]> {
    let row = |name: &str, cases: Cases<u32>| {
        let result = match (cases.best, cases.worst) {
            (_, 1..) => "ok",
            _ if zone.can_take_node.is_none() => "unknown",
            (0, _) => "full",
            _ => "may be full",
        };
        [zone.zone.clone(), name.to_owned(), range(cases), result.to_owned()]
    };
    let each = zone.more_nodes.iter();
    let mut rows: Vec<_> =
        each.map(|it| row(&it.instance_type, Cases { best: it.best, worst: it.worst })).collect();
    rows.extend(zone.alternating.map(|cases| row("alternating", cases)));
    rows
}

fn first_full(cases: &Cases<FirstFull>) -> Vec<String> {
    let line = |full: &FirstFull, case: &str| {
        let zone = &full.zone;
        let nodes = counted(full.after_nodes, "new node");
        match (&full.subnet, full.after_nodes) {
            (None, _) => format!("  {zone} has no pod subnet{case}"),
            (Some(subnet), 0) => format!("  {subnet} in {zone} is full now{case}"),
            (Some(subnet), _) => {
                format!("  {subnet} in {zone}, after {nodes} in the cluster{case}")
            }
        }
    };
    let mut lines =
        heading("FIRST SUBNET TO RUN OUT, WITH THE SAME NUMBER OF NEW NODES IN EACH ZONE").to_vec();
    if cases.best == cases.worst {
        lines.push(line(&cases.best, ""));
    } else {
        lines.push(line(&cases.worst, " (worst case)"));
        lines.push(line(&cases.best, " (best case)"));
    }
    lines
}

/// Returns where nodes start, such as `2 in us-west-2a`.
fn each_zone(zones: &BTreeMap<String, u32>) -> Vec<String> {
    zones.iter().map(|(zone, count)| format!("{count} in {zone}")).collect()
}

fn growth(growth: &Growth) -> Vec<String> {
    let nodes = counted(growth.nodes, "new node");
    let mut lines =
        heading(&format!("{} IN ALL ZONES (WORST CASE)", nodes.to_uppercase())).to_vec();
    for zones in each_zone(&growth.by_zone.worst).chunks(4) {
        lines.push(format!("  {}", zones.join(", ")));
    }
    let without_capacity = range(growth.without_capacity);
    if without_capacity != "0" {
        lines.push(format!("  no capacity for {without_capacity} of them"));
    }
    lines
}

fn zone_loss(report: &Report) -> Vec<String> {
    if report.zone_loss.is_empty() {
        return Vec::new();
    }
    let rows = report.zone_loss.iter().flat_map(zone_loss_rows);
    let header = ["LOST ZONE", "NODES", "NO CAPACITY FOR", "NODES MOVE TO (WORST CASE)"];
    let mut lines = heading("LOSS OF A ZONE").to_vec();
    lines.extend(table(header, &[1, 2], rows).iter().map(|line| indented(line)));
    lines
}

/// Returns the rows of a lost zone, with three other zones in each.
fn zone_loss_rows(loss: &ZoneLoss) -> Vec<[String; 4]> {
    let zones: Vec<String> = each_zone(&loss.by_zone.worst);
    let mut rows: Vec<[String; 4]> = Vec::new();
    for some in zones.chunks(3) {
        let mut row = [loss.zone.clone(), loss.nodes.to_string(), range(loss.without_capacity)];
        if !rows.is_empty() {
            row = Default::default();
        }
        let [zone, nodes, without_capacity] = row;
        rows.push([zone, nodes, without_capacity, some.join(", ")]);
    }
    rows
}

fn fixes(report: &Report) -> Vec<String> {
    if report.fixes.is_empty() {
        return Vec::new();
    }
    let mut lines = heading("FIXES").to_vec();
    for fix in &report.fixes {
        let wanted = match &fix.lost_zone {
            Some(zone) => format!("{} of {zone}", counted(fix.wanted_nodes, "node")),
            None => counted(fix.wanted_nodes, "more node"),
        };
        let what = match fix.kind {
            FixKind::CidrReservation => "reserve free blocks for prefixes",
            FixKind::Subnet => "create a subnet",
        };
        let after = counted(fix.worst_after, "more node");
        let verb = if fix.worst_after == 1 { "fits" } else { "fit" };
        lines.push(format!("  {}, for {wanted}: {what}; then at least {after} {verb}", fix.zone));
        lines.push(format!("    {}", fix.command));
        lines.extend(fix.next_step.map(|next_step| format!("    {next_step}")));
    }
    lines
}
