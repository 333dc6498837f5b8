//! The network interfaces and their addresses, with the calculation of max-pods below them.

mod calculation;

use super::result::Plan;
use super::svg::{Anchor, Area, Drawing, MARGIN, Size, label_width, shortened};
use calculation::{draw_terms, line, terms};
use eni_core::domain::capacity::{Capacity, InterfaceRow, InterfaceUse};
use eni_core::domain::plural::counted;
use std::fmt::Write as _;

/// The height of a line of text, in pixels.
const LINE: u64 = 18;
/// The largest width of a cell, and its height, in pixels.
const WIDEST_CELL: u64 = 16;
const CELL: u64 = 14;
/// The maximum number of cells in a row. No instance type has more addresses on a network interface.
const MOST_CELLS: u64 = 64;
/// The cells in a row of attached addresses, and the maximum number of such rows. The largest instance types have 24
/// network interfaces with 63 addresses for pods, which need 31 rows.
const ATTACHED_CELLS: u64 = 50;
const MOST_ATTACHED_ROWS: u64 = 40;

/// Returns the drawing. With `has_title`, it starts with the title.
pub(super) fn interfaces(plan: &Plan, size: Size, has_title: bool) -> Drawing {
    let mut drawing = Drawing::new(size);
    if has_title {
        drawing.y += LINE;
        drawing.text((MARGIN, drawing.y), Anchor::Start, "title", &title(plan));
        drawing.y += 10;
    }
    let rows = rows(&plan.capacity);
    draw_rows(&mut drawing, &rows);
    legend(&mut drawing, &plan.capacity, &rows);
    draw_terms(&mut drawing, &terms(plan));
    drawing
}

/// Returns the title.
pub(super) fn title(plan: &Plan) -> String {
    let (instance, values) = (&plan.instance, &plan.limits.values);
    format!(
        "{}: {} with {} each, max-pods {}",
        instance.type_name,
        counted(values.interfaces, "network interface"),
        counted(values.ipv4_per_interface, "IPv4 address"),
        plan.max_pods_in_force
    )
}

/// Returns the content of the drawing as text.
pub(super) fn description(plan: &Plan) -> String {
    let rows = rows(&plan.capacity);
    let rows = rows.iter().filter(|row| !row.text.is_empty());
    let mut sentences: Vec<String> =
        rows.map(|row| format!("{}: {}.", row.name, row.text)).collect();
    sentences.extend(terms(plan).iter().map(|term| line(term) + "."));
    sentences.join(" ")
}

/// The name of the row of the other network cards.
const OTHERS: &str = "others";

/// A row of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    kind: RowKind,
    /// The cells, including the one of the primary address.
    cells: u64,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowKind {
    /// The first address is the primary one, and the others serve pods.
    Pods,
    /// All cells serve pods.
    Attached,
    /// One /80 prefix.
    Prefix,
    /// Present, but without addresses for pods.
    Excluded,
    /// Not used.
    Unused,
}

fn rows(capacity: &Capacity) -> Vec<Row> {
    let cells = u64::from(capacity.slots_per_interface) + 1;
    let mut rows: Vec<Row> = capacity
        .interface_rows()
        .map(|row @ InterfaceRow { number, purpose }| Row {
            name: format!("ENI {number}"),
            kind: match purpose {
                InterfaceUse::Pods => RowKind::Pods,
                InterfaceUse::Ipv6Prefix => RowKind::Prefix,
                InterfaceUse::CustomNetworking
                | InterfaceUse::ExcludedSubnet
                | InterfaceUse::Trunk
                | InterfaceUse::Reserved => RowKind::Excluded,
                InterfaceUse::NotCreated | InterfaceUse::MaxEni | InterfaceUse::NotNeeded => {
                    RowKind::Unused
                }
            },
            cells,
            text: capacity.describe(row),
        })
        .collect();
    if capacity.counts_attached_only() {
        rows.extend(attached_rows(capacity));
    }
    let others = capacity.interfaces_without_row();
    if others > 0 {
        let text = format!("and {}", counted(others, "other interface"));
        rows.push(Row { name: "…".to_owned(), kind: RowKind::Unused, cells: 1, text });
    }
    if capacity.other_cards > 0 {
        let addresses = capacity.slots_per_interface.saturating_mul(capacity.addresses_per_slot);
        let text = format!(
            "{} on other network cards, {} each",
            capacity.other_cards,
            counted(addresses, "address")
        );
        let name = OTHERS.to_owned();
        rows.push(Row { name, kind: RowKind::Pods, cells, text });
    }
    rows
}

/// Returns the addresses or prefixes of all attached network interfaces.
fn attached_rows(capacity: &Capacity) -> Vec<Row> {
    let slots = capacity.attached_addresses.unwrap_or(0) / capacity.addresses_per_slot.max(1);
    let slot = if capacity.addresses_per_slot > 1 { "prefix" } else { "address" };
    let text = match capacity.attached_addresses {
        Some(_) => format!("{} for pods", counted(slots, slot)),
        None => "addresses of the attached network interfaces unknown".to_owned(),
    };
    let slots = u64::from(slots).min(ATTACHED_CELLS * MOST_ATTACHED_ROWS);
    let mut rows = Vec::new();
    for row in 0..slots.div_ceil(ATTACHED_CELLS).max(1) {
        let start = row * ATTACHED_CELLS;
        let name = if start == 0 { "attached" } else { "" }.to_owned();
        let text = if start == 0 { text.clone() } else { String::new() };
        let cells = ATTACHED_CELLS.min(slots - start);
        rows.push(Row { name, kind: RowKind::Attached, cells, text });
    }
    rows
}

fn draw_rows(drawing: &mut Drawing, rows: &[Row]) {
    let most = rows.iter().map(|row| row.cells).max().unwrap_or(1).clamp(1, MOST_CELLS);
    let text = rows.iter().map(|row| label_width(&row.text)).max().unwrap_or(0);
    let (left, cell) = match drawing.size {
        Size::Wide => {
            let left = MARGIN + 72;
            let space = drawing.right().saturating_sub(left + 14 + text).max(most * 6);
            (left, (space / most).min(WIDEST_CELL))
        }
        Size::Narrow => (MARGIN, ((drawing.right() - MARGIN) / most).clamp(5, WIDEST_CELL)),
    };
    for row in rows {
        let (top, end) = (drawing.y + 4, left + most * cell);
        if drawing.size == Size::Wide {
            drawing.text((MARGIN, top + 11), Anchor::Start, "strong", &row.name);
            drawing.text((end + 14, top + 11), Anchor::Start, "", &row.text);
            draw_cells(drawing, row, (left, top), (most, cell));
            drawing.y = top + CELL + 4;
        } else {
            // The legend explains the cells.
            let text = match row.text.strip_suffix(" for pods") {
                Some(text) if row.kind == RowKind::Pods => text,
                _ => &row.text,
            };
            let text = if row.name == OTHERS { text } else { &format!("{} {text}", row.name) };
            let text = shortened(text, (drawing.right() - MARGIN) * 10 / 73);
            drawing.text((MARGIN, top + 11), Anchor::Start, "", &text);
            draw_cells(drawing, row, (left, top + LINE - 2), (most, cell));
            drawing.y = top + LINE + CELL + 6;
        }
    }
}

fn draw_cells(drawing: &mut Drawing, row: &Row, (x, y): (u64, u64), (most, cell): (u64, u64)) {
    let count = row.cells.min(most);
    let area = |x, cells| Area { x, y, width: cells * cell, height: CELL };
    let (class, lines) = match row.kind {
        RowKind::Pods | RowKind::Attached => ("pods", "lines"),
        RowKind::Prefix => ("pods", ""),
        RowKind::Excluded => ("none", "hatch"),
        RowKind::Unused => ("unused", ""),
    };
    if count > 0 {
        drawing.rectangle(area(x, count), class, "");
    }
    let mut path = String::new();
    match row.kind {
        RowKind::Pods | RowKind::Attached => {
            for number in 1..count {
                let _ = write!(path, "M{} {y}v{CELL}", x + number * cell);
            }
        }
        RowKind::Excluded => {
            for number in 0..count {
                let _ = write!(path, "M{} {}l{cell} -{CELL}", x + number * cell, y + CELL);
            }
        }
        RowKind::Prefix | RowKind::Unused => {}
    }
    if !path.is_empty() {
        drawing.path(&path, lines);
    }
    match row.kind {
        RowKind::Pods => drawing.rectangle(area(x, 1), "primary", ""),
        RowKind::Prefix if count * cell > label_width("/80") + 4 => {
            drawing.text((x + count * cell / 2, y + 11), Anchor::Middle, "", "/80");
        }
        _ => {}
    }
}

fn legend(drawing: &mut Drawing, capacity: &Capacity, rows: &[Row]) {
    let has = |kind| rows.iter().any(|row| row.kind == kind);
    let slot = match capacity.addresses_per_slot {
        1 => "address for a pod".to_owned(),
        many => format!("prefix of {many} addresses for pods"),
    };
    drawing.y += LINE + 6;
    let mut x = MARGIN;
    for (is_drawn, class, text) in [
        (has(RowKind::Pods), "primary", "primary address"),
        (has(RowKind::Pods) || has(RowKind::Attached), "pods", &slot),
        (has(RowKind::Prefix), "pods", "/80 IPv6 prefix"),
        (has(RowKind::Excluded), "none", "no addresses for pods"),
        (has(RowKind::Unused), "unused", "not used"),
    ] {
        if !is_drawn {
            continue;
        }
        let width = 20 + label_width(text) + 18;
        if x + width > drawing.right() && x > MARGIN {
            (x, drawing.y) = (MARGIN, drawing.y + LINE);
        }
        let area = Area { x, y: drawing.y - 11, width: 14, height: CELL };
        drawing.rectangle(area, class, "");
        if class == "none" {
            drawing.path(&format!("M{x} {}l14 -{CELL}", drawing.y + 3), "hatch");
        }
        drawing.text((x + 20, drawing.y), Anchor::Start, "", text);
        x += width;
    }
}

#[cfg(test)]
mod tests;
