//! The rows of bars that overlap in time, and the positions of their labels.

use super::lanes::Bar;
use crate::report::svg::{label_width, shortened};

/// A lane has at most this number of rows with labels, and twice as many without.
const MOST_ROWS: u64 = 20;
/// The smallest width of a bar, and the distance between a bar or a label and the next label, in pixels.
const NARROWEST: u64 = 3;
const GAP: u64 = 5;
/// A shorter text is of no use.
const SHORTEST_LABEL: u64 = 8;

/// The conversion of times to horizontal positions in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub left: u64,
    pub width: u64,
    pub from: u64,
    pub to: u64,
}

impl Scale {
    /// Returns the position of a time. A time outside of the scale is at its edge.
    pub(super) fn x(self, time: u64) -> u64 {
        let span = u128::from(self.to.saturating_sub(self.from).max(1));
        let offset = u128::from(time.clamp(self.from, self.to.max(self.from)) - self.from);
        self.left + u64::try_from(offset * u128::from(self.width) / span).unwrap_or(self.width)
    }

    fn right(self) -> u64 {
        self.left + self.width
    }
}

/// The position of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub x: u64,
    pub text: String,
    pub is_inside: bool,
}

/// The position of a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub x: u64,
    pub width: u64,
    pub row: u64,
    pub label: Option<Label>,
}

impl Placed {
    /// Returns the part of the row that the bar and its label use. Bars may touch, but there is a gap beside a label.
    fn used(&self) -> (u64, u64) {
        let (left, right) = (self.x, self.x + self.width);
        let Some(label) = &self.label else { return (left, right) };
        let end = label.x + label_width(&label.text);
        (
            if label.x < left { label.x.saturating_sub(GAP) } else { left },
            if end > right { end + GAP } else { right },
        )
    }
}

/// Returns the position of each bar, and the number of rows. With `in_one_row`, bars may overlap and only a label
/// that fits in its bar is drawn.
pub(super) fn place(bars: &[Bar], scale: Scale, in_one_row: bool) -> (Vec<Placed>, u64) {
    if !in_one_row {
        for (with_labels, most) in [(true, MOST_ROWS), (false, 2 * MOST_ROWS)] {
            if let Some(placed) = rows(bars, scale, with_labels, most) {
                return placed;
            }
        }
    }
    let placed = bars.iter().map(|bar| {
        let (x, width) = extent(bar, scale);
        let label = Label { x: x + 4, text: bar.label.clone(), is_inside: true };
        let label = (label_width(&bar.label) + 8 <= width).then_some(label);
        Placed { x, width, row: 0, label }
    });
    (placed.collect(), 1)
}

/// Returns the position of each bar so that no bars overlap, and the number of rows; `None` if they need more than
/// `most` rows. A row has a limited number of bars, so the time for a large file is limited, too.
fn rows(bars: &[Bar], scale: Scale, with_labels: bool, most: u64) -> Option<(Vec<Placed>, u64)> {
    let mut used: Vec<Vec<(u64, u64)>> = Vec::new();
    let mut all = Vec::new();
    for bar in bars {
        let (x, width) = extent(bar, scale);
        let label = if with_labels { label(&bar.label, scale, (x, width)) } else { None };
        let mut placed = Placed { x, width, row: 0, label };
        let (from, to) = placed.used();
        let is_free =
            |row: &Vec<(u64, u64)>| row.iter().all(|(start, end)| from >= *end || to <= *start);
        let row = used.iter().position(is_free).unwrap_or(used.len());
        placed.row = u64::try_from(row).ok().filter(|row| *row < most)?;
        match used.get_mut(row) {
            Some(of_row) => of_row.push((from, to)),
            None => used.push(vec![(from, to)]),
        }
        all.push(placed);
    }
    Some((all, u64::try_from(used.len()).ok()?))
}

/// Returns the left edge and the width of a bar.
fn extent(bar: &Bar, scale: Scale) -> (u64, u64) {
    let (start, end) = (scale.x(bar.start), scale.x(bar.end));
    let width = end.saturating_sub(start).max(NARROWEST);
    (start.min(scale.right().saturating_sub(width)), width)
}

/// Returns the label in the bar, to its right or to its left. Uses the first of these positions with enough space.
/// Otherwise, shortens the label.
fn label(text: &str, scale: Scale, (x, width): (u64, u64)) -> Option<Label> {
    let (inside, after) = (width.saturating_sub(8), scale.right().saturating_sub(x + width + GAP));
    let before = x.saturating_sub(scale.left + GAP);
    let needed = label_width(text);
    let at = |is_inside: bool, x: u64, text: String| Some(Label { x, text, is_inside });
    if needed <= inside {
        at(true, x + 4, text.to_owned())
    } else if needed <= after {
        at(false, x + width + GAP, text.to_owned())
    } else if needed <= before {
        at(false, x - GAP - needed, text.to_owned())
    } else {
        let most = inside.max(after).max(before) * 10 / 73;
        let text = shortened(text, most);
        let needed = label_width(&text);
        match most {
            0..SHORTEST_LABEL => None,
            _ if needed <= inside => at(true, x + 4, text),
            _ if needed <= after => at(false, x + width + GAP, text),
            _ => at(false, x.saturating_sub(GAP + needed), text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::timeline::lanes::Kind;

    const SCALE: Scale = Scale { left: 100, width: 800, from: 0, to: 80_000 };

    fn bar(start: u64, end: u64, label: &str) -> Bar {
        let (label, text) = (label.to_owned(), String::new());
        Bar { kind: Kind::Request, start, end, label, text, is_critical: false }
    }

    #[test]
    fn times_outside_of_the_scale_are_at_its_edges() {
        let scale = Scale { from: 40_000, ..SCALE };
        assert_eq!(
            [0, 40_000, 60_000, 80_000, 90_000].map(|time| scale.x(time)),
            [100, 100, 500, 900, 900]
        );
        let empty = Scale { from: 5, to: 5, ..SCALE };
        assert_eq!(empty.x(5), 100);
    }

    #[test]
    fn a_label_is_in_its_bar_or_beside_it() {
        let bars = [
            bar(0, 40_000, "inside"),
            bar(0, 100, "right"),
            bar(79_000, 80_000, "left"),
            bar(79_990, 80_000, ""),
        ];
        let (placed, rows) = place(&bars, SCALE, false);
        let positions: Vec<(u64, u64, u64, u64)> = placed
            .iter()
            .map(|it| (it.x, it.width, it.row, it.label.as_ref().map_or(0, |label| label.x)))
            .collect();
        assert_eq!(
            positions,
            [(100, 400, 0, 104), (100, 3, 1, 108), (890, 10, 0, 856), (897, 3, 1, 901)]
        );
        assert_eq!(rows, 2);
    }

    #[test]
    fn nothing_overlaps_in_a_row() {
        for count in [1, 10, 60, 300_u64] {
            let bars: Vec<Bar> = (0..count)
                .map(|n| {
                    bar(n * 397 % 80_000, n * 397 % 80_000 + n * 53 % 9_000, "daemonsets/aws-node")
                })
                .collect();
            let (placed, rows) = place(&bars, SCALE, false);
            assert_eq!(placed.len(), bars.len());
            assert!(rows <= 40, "{rows}");
            if rows == 1 && count > 1 {
                continue;
            }
            for (index, one) in placed.iter().enumerate() {
                let (from, to) = one.used();
                assert!(from >= 100 - GAP && to <= 900 + GAP && one.row < rows, "{one:?}");
                for other in &placed[index + 1..] {
                    let (start, end) = other.used();
                    assert!(one.row != other.row || from >= end || to <= start);
                }
            }
        }
    }

    #[test]
    fn one_row_has_only_labels_that_fit_in_their_bars() {
        let bars = [bar(0, 40_000, "inside"), bar(100, 200, "outside")];
        let (placed, rows) = place(&bars, SCALE, true);
        assert_eq!(rows, 1);
        let labels: Vec<bool> = placed.iter().map(|it| it.label.is_some()).collect();
        assert_eq!(labels, [true, false]);
    }

    #[test]
    fn bars_that_need_too_many_rows_are_in_one_row() {
        let bars = |count| vec![bar(0, 80_000, "a"); count];
        let rows_of = |count| place(&bars(count), SCALE, false).1;
        assert_eq!([1, 20, 21, 40, 41].map(rows_of), [1, 20, 21, 40, 1]);
        let count_of_labels = |count| {
            let (placed, _) = place(&bars(count), SCALE, false);
            placed.iter().filter(|it| it.label.is_some()).count()
        };
        assert_eq!([20, 21, 41].map(count_of_labels), [20, 0, 41]);
    }

    #[test]
    fn a_label_without_space_is_shortened_or_left_out() {
        let narrow = Scale { left: 0, width: 100, ..SCALE };
        assert_eq!(
            label("a long name of something", narrow, (10, 3)),
            Some(Label { x: 18, text: "a long nam…".to_owned(), is_inside: false })
        );
        assert_eq!(label("a long name of something", Scale { width: 40, ..narrow }, (10, 3)), None);
    }
}
