//! The lines that begin and end a code block.

/// The opening line of a code block.
#[derive(Debug)]
pub struct Fence {
    indentation: usize,
    ticks: usize,
}

impl Fence {
    /// Parses a line, and returns the fence and the language.
    pub fn parse(line: &str) -> Option<(Self, &str)> {
        let rest = line.trim_start();
        let language = rest.trim_start_matches('`');
        let ticks = rest.len() - language.len();
        let fence = Self { indentation: line.len() - rest.len(), ticks };
        (ticks >= 3 && !language.contains('`')).then_some((fence, language.trim()))
    }

    /// Returns whether `line` ends the block.
    pub fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.ticks && line.bytes().all(|it| it == b'`')
    }

    /// Returns a line of the block without the indentation of the fence.
    pub fn content<'a>(&self, line: &'a str) -> &'a str {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        &line[spaces.min(self.indentation)..]
    }
}
