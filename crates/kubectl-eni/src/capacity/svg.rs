//! The fragmentation of the pod subnets as an SVG picture: one cell for each `/28` block.

use super::report::{Report, SubnetReport};
use super::strip::LEGEND;
use std::fmt::Write as _;

/// Cells in a row.
const COLUMNS: usize = 64;
/// The width and the height of a cell, in pixels.
const CELL: usize = 14;
/// The distance to the edge of the picture.
const MARGIN: usize = 16;
/// The height of a line of text.
const LINE: usize = 20;

/// The colours of the states, in the order of [`LEGEND`]. The letter in each cell has the same meaning.
const COLOURS: [&str; 6] = ["#ffffff", "#cfe8d5", "#5b8def", "#f2c14e", "#8a8a8a", "#d7b8e8"];

/// Returns the picture.
pub(super) fn svg(report: &Report) -> String {
    let mut body = String::new();
    let mut y = MARGIN + LINE;
    let cluster = report.cluster.as_deref().unwrap_or("unknown");
    let title = format!("Pod subnets of cluster {cluster} in {}", report.region);
    text(&mut body, MARGIN, y, "title", &title);
    for ((character, meaning), colour) in LEGEND.iter().zip(COLOURS) {
        y += LINE;
        cell(&mut body, MARGIN, y - CELL + 3, *character, colour);
        text(&mut body, MARGIN + CELL + 8, y, "label", meaning);
    }
    for zone in &report.zones {
        for subnet in &zone.subnets {
            y += 2 * LINE;
            let SubnetReport { id, cidr, free_addresses, free_blocks, .. } = subnet;
            let heading = format!(
                "{} {id} {cidr}: {free_addresses} addresses and {free_blocks} of {} /28 blocks free",
                zone.zone,
                subnet.blocks.len()
            );
            text(&mut body, MARGIN, y, "label", &heading);
            y = blocks(&mut body, y + 8, &subnet.blocks);
        }
    }
    let (width, height) = (2 * MARGIN + COLUMNS * CELL, y + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{title}</title>\n\
         <style>text{{font-family:monospace;fill:#222222}}.title{{font-size:16px}}.label{{font-size:12px}}.cell{{font-size:10px;text-anchor:middle}}rect{{stroke:#666666;stroke-width:1}}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" style=\"fill:#fafafa;stroke:none\"/>\n\
         {body}</svg>\n",
        title = escaped(&title)
    )
}

/// Draws the blocks of a subnet below `top`, and returns the lower edge.
fn blocks(body: &mut String, top: usize, blocks: &str) -> usize {
    for (index, block) in blocks.chars().enumerate() {
        let known = LEGEND.iter().zip(COLOURS).find(|((character, _), _)| *character == block);
        let colour = known.map_or("#ffffff", |(_, colour)| colour);
        let (x, y) = (MARGIN + index % COLUMNS * CELL, top + index / COLUMNS * CELL);
        cell(body, x, y, block, colour);
    }
    top + blocks.len().div_ceil(COLUMNS) * CELL
}

fn cell(body: &mut String, x: usize, y: usize, block: char, colour: &str) {
    let _ = writeln!(
        body,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" fill=\"{colour}\"/>"
    );
    text(body, x + CELL / 2, y + CELL - 4, "cell", &block.to_string());
}

fn text(body: &mut String, x: usize, y: usize, class: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(body, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{text}</text>");
}

/// Returns `text` for XML. Control characters, which XML does not allow, are removed.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|it| !it.is_control()) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_other_systems_is_escaped() {
        assert_eq!(escaped("a<b>&\"c\u{1b}\""), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
