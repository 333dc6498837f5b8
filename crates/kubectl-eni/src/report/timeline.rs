//! The boot timeline: phases, requests and waits on an axis of time.
//!
//! ```text
//! timeline  draws the panels, the axes and the bars
//! panel     the sections of time that are drawn
//! place     the rows and the labels of the bars
//! lanes     the bars of each lane
//! critical  the requests that determine the duration
//! ```

mod critical;
mod lanes;
mod panel;
mod place;

pub(super) use critical::critical_path;

use super::result::Report;
use super::svg::{Anchor, Area, Drawing, MARGIN, Size, label_width};
use super::time::{duration, tick_step};
use eni_core::domain::plural::counted;
use eni_core::run_result::{Outcome, RunResult};
use lanes::{Bar, Kind, Lane, lanes};
use panel::{Panel, panels};
use place::{Placed, Scale, place};
use std::fmt::Write as _;

/// The height of a row of bars, of a bar, and of a line of text, in pixels.
const ROW: u64 = 20;
const BAR: u64 = 14;
const LINE: u64 = 18;

/// Returns the drawing. With `has_title`, it starts with the title.
pub(super) fn timeline(report: &Report, size: Size, has_title: bool) -> Drawing {
    let mut drawing = Drawing::new(size);
    if has_title {
        drawing.y += LINE;
        drawing.text((MARGIN, drawing.y), Anchor::Start, "title", &title(report));
        drawing.y += 6;
    }
    let lanes = lanes(&report.result);
    legend(&mut drawing, &lanes);
    for panel in panels(&report.result) {
        draw_panel(&mut drawing, &panel, &lanes);
    }
    drawing
}

/// Returns the title.
pub(super) fn title(report: &Report) -> String {
    let outcome = match report.result.outcome {
        Outcome::Ready => "ready",
        Outcome::Failed => "failed",
    };
    format!("Boot of {}: {outcome} after {}", report.node(), duration(report.result.duration_us))
}

/// Returns the content of the timeline as text.
pub(super) fn description(result: &RunResult) -> String {
    let phases: Vec<String> = result
        .phases
        .iter()
        .map(|phase| format!("{} {}", phase.name.name(), duration(phase.duration_us)))
        .collect();
    let mut text = format!("Phases: {}.", list(&phases));
    let count = u64::try_from(result.requests.len()).unwrap_or(u64::MAX);
    let _ = write!(text, " {}", counted(count, "request"));
    let failures = result.requests.iter().filter(|it| it.has_failed()).count();
    if failures > 0 {
        let _ = write!(text, ", {failures} failed");
    }
    let critical = critical_path(&result.requests);
    if !critical.is_empty() {
        let _ = write!(
            text,
            ". Critical path: {} with {} in total",
            counted(u64::try_from(critical.len()).unwrap_or(u64::MAX), "request"),
            duration(critical_us(result, &critical))
        );
    }
    let waits: Vec<String> = result
        .waits
        .iter()
        .map(|wait| format!("{} for {}", wait.reason, duration(wait.duration_us)))
        .collect();
    if !waits.is_empty() {
        let _ = write!(text, ". Waits: {}", list(&waits));
    }
    text + "."
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// Returns the time of the requests on the critical path.
fn critical_us(result: &RunResult, critical: &[usize]) -> u64 {
    let requests = critical.iter().filter_map(|index| result.requests.get(*index));
    requests.fold(0, |sum, request| sum.saturating_add(request.duration_us))
}

/// Explains the kinds of bars that occur.
fn legend(drawing: &mut Drawing, lanes: &[Lane]) {
    let bars = || lanes.iter().flat_map(|lane| &lane.bars);
    let mut x = MARGIN;
    drawing.y += LINE;
    let mut entry = |drawing: &mut Drawing, class: &str, text: &str| {
        let width = 20 + label_width(text) + 18;
        if x + width > drawing.right() && x > MARGIN {
            (x, drawing.y) = (MARGIN, drawing.y + LINE);
        }
        drawing.rectangle(area(x, drawing.y - 10, 14, 10), class, "");
        drawing.text((x + 20, drawing.y), Anchor::Start, "", text);
        x += width;
    };
    for kind in Kind::ALL {
        if bars().any(|bar| bar.kind == kind) {
            entry(drawing, kind.class(), kind.meaning());
        }
    }
    if bars().any(|bar| bar.is_critical) {
        entry(drawing, "critical", "◆ critical path");
    }
}

fn draw_panel(drawing: &mut Drawing, panel: &Panel, lanes: &[Lane]) {
    let (left, most_ticks, above) = match drawing.size {
        Size::Wide => (MARGIN + 104, 8, false),
        Size::Narrow => (MARGIN, 4, true),
    };
    let width = drawing.right() - left;
    let scale = Scale { left, width, from: panel.from, to: panel.to };
    drawing.y += LINE + 12;
    drawing.text((MARGIN, drawing.y), Anchor::Start, "heading", &panel.title);
    let top = drawing.y + LINE + 8;
    let rows: Vec<(&Lane, Vec<Bar>, Vec<Placed>, u64)> = lanes
        .iter()
        .filter_map(|lane| {
            let bars = panel.bars(&lane.bars);
            let (placed, rows) = place(&bars, scale, panel.is_overview && lane.is_crowded());
            (!bars.is_empty()).then_some((lane, bars, placed, rows))
        })
        .collect();
    let heading = if above { LINE } else { 0 };
    let height: u64 = rows.iter().map(|(_, _, _, rows)| rows * ROW + heading + 8).sum();
    draw_axis(drawing, scale, (top, top + height), tick_step(panel.to - panel.from, most_ticks));
    drawing.y = top;
    for (lane, bars, placed, rows) in rows {
        let baseline = drawing.y + 15;
        drawing.text((MARGIN, baseline), Anchor::Start, "strong", lane.name);
        drawing.y += heading + 4;
        for (bar, placed) in bars.iter().zip(placed) {
            draw_bar(drawing, bar, placed);
        }
        drawing.y += rows * ROW + 4;
        let line = format!("M{MARGIN} {}H{}", drawing.y, drawing.right());
        drawing.path(&line, "grid");
    }
}

/// Draws the vertical lines at round times, and their labels above `top`.
fn draw_axis(drawing: &mut Drawing, scale: Scale, (top, bottom): (u64, u64), step: u64) {
    let span = scale.to - scale.from;
    let mut lines = String::new();
    for offset in (0..=span / step).map(|number| number * step) {
        let x = scale.x(scale.from + offset);
        let _ = write!(lines, "M{x} {top}V{bottom}");
        let sign = if scale.from > 0 && offset > 0 { "+" } else { "" };
        let label = if offset == 0 { "0".to_owned() } else { duration(offset) };
        let label = format!("{sign}{label}");
        let half = label_width(&label) / 2;
        let (x, anchor) = if x < scale.left + half {
            (scale.left, Anchor::Start)
        } else if x + half > drawing.right() {
            (drawing.right(), Anchor::End)
        } else {
            (x, Anchor::Middle)
        };
        drawing.text((x, top - 5), anchor, "muted", &label);
    }
    let (left, right) = (scale.left, scale.left + scale.width);
    drawing.path(&format!("{lines}M{left} {top}H{right}"), "grid");
}

fn draw_bar(drawing: &mut Drawing, bar: &Bar, placed: Placed) {
    let Placed { x, width, row, label } = placed;
    let y = drawing.y + row * ROW + (ROW - BAR) / 2;
    drawing.rectangle(area(x, y, width, BAR), bar.kind.class(), &bar.tooltip());
    if bar.is_critical {
        // Around the bar, so that its color stays visible on a narrow bar.
        drawing.rectangle(area(x.saturating_sub(1), y - 1, width + 2, BAR + 2), "critical", "");
    }
    if let Some(label) = label {
        let class = if label.is_inside { "" } else { "outside" };
        drawing.text((label.x, y + 11), Anchor::Start, class, &label.text);
    } else if bar.kind == Kind::Failed && width >= 10 {
        drawing.text((x + width / 2, y + 11), Anchor::Middle, "", "✕");
    }
}

fn area(x: u64, y: u64, width: u64, height: u64) -> Area {
    Area { x, y, width, height }
}
