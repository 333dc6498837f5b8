//! A drawing with rectangles, lines and text, as an SVG file or as a part of an HTML page.

use eni_core::failure::changes_direction;
use std::fmt::Write as _;

/// The colors and fonts. An HTML page contains them once, a file contains its own copy.
pub(super) const STYLE: &str = include_str!("svg.css");

/// The distance to the edge of a drawing, in pixels.
pub(super) const MARGIN: u64 = 8;

/// The width of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// For windows and files.
    Wide,
    /// For phones.
    Narrow,
}

impl Size {
    /// Returns the width in pixels.
    pub(super) fn width(self) -> u64 {
        match self {
            Self::Wide => 960,
            Self::Narrow => 360,
        }
    }
}

/// Which point of a text is at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Rectangles, lines and text. All positions are in pixels from the upper left corner.
#[derive(Debug)]
pub(super) struct Drawing {
    pub size: Size,
    /// The lower edge of what is drawn.
    pub y: u64,
    body: String,
}

impl Drawing {
    /// Returns an empty drawing.
    pub(super) fn new(size: Size) -> Self {
        Self { size, y: MARGIN, body: String::new() }
    }

    /// Returns the right edge without the margin.
    pub(super) fn right(&self) -> u64 {
        self.size.width() - MARGIN
    }

    /// Draws a rectangle. A browser shows `tooltip` under the pointer.
    pub(super) fn rectangle(&mut self, area: Area, class: &str, tooltip: &str) {
        let Area { x, y, width, height } = area;
        let tooltip = escaped(tooltip);
        let _ = write!(
            self.body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"{class}\""
        );
        let _ = if tooltip.is_empty() {
            writeln!(self.body, "/>")
        } else {
            writeln!(self.body, "><title>{tooltip}</title></rect>")
        };
    }

    /// Draws a line with the commands of a path.
    pub(super) fn path(&mut self, commands: &str, class: &str) {
        let _ = writeln!(self.body, "<path d=\"{commands}\" class=\"{class}\"/>");
    }

    /// Writes text whose baseline is at `y`.
    pub(super) fn text(&mut self, (x, y): (u64, u64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\"{anchor} class=\"{class}\">{text}</text>"
        );
    }

    /// Returns the element for an HTML page. `id` must be unique there.
    pub(super) fn inline(&self, id: &str, title: &str, description: &str) -> String {
        let (width, height) = (self.size.width(), self.y + MARGIN);
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg class=\"report\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title\" \
             aria-describedby=\"{id}-desc\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{description}</desc>\n{}</svg>\n",
            self.body
        )
    }

    /// Returns the file.
    pub(super) fn file(&self, title: &str, description: &str) -> String {
        let (width, height) = (self.size.width(), self.y + MARGIN);
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"report\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title\" aria-describedby=\"desc\">\n\
             <title id=\"title\">{title}</title>\n<desc id=\"desc\">{description}</desc>\n\
             <style>\n{STYLE}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" class=\"page\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// The position and size of a rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub x: u64,
    pub y: u64,
    pub width: u64,
    pub height: u64,
}

/// Returns the width of a label in pixels. Labels are monospaced with 12 pixels.
pub(super) fn label_width(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX / 8).saturating_mul(73) / 10
}

/// Returns `text` with at most `most` characters, and an ellipsis if it is longer.
pub(super) fn shortened(text: &str, most: u64) -> String {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Returns `text` for XML and HTML. Control characters, which XML does not allow, and characters that change the
/// direction of text become spaces, except line breaks.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            other if other.is_control() || changes_direction(other) => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_file_cannot_add_markup() {
        assert_eq!(
            escaped("<a b=\"c\" d='e'>&\u{1b}[1m\u{202e}\n"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp; [1m \n"
        );
    }

    #[test]
    fn long_text_ends_with_an_ellipsis() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("äbcdef", 4), "äbc…");
    }
}
