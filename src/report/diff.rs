//! The difference between two texts in the format of `diff -u`.

use imara_diff::{
    Algorithm, BasicLineDiffPrinter, Diff, InternedInput, Token, UnifiedDiffConfig,
    UnifiedDiffPrinter,
};
use std::fmt::{self, Write};

/// Returns the hunks with `context` lines around each change; empty if nothing differs.
#[must_use]
pub fn unified(old: &str, new: &str, context: u32) -> String {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let mut config = UnifiedDiffConfig::default();
    config.context_len(context);
    diff.unified_diff(&Printer(BasicLineDiffPrinter(&input.interner)), config, &input).to_string()
}

/// Prints hunk headers as `diff -u` does: line numbers start at 1, or at 0 for a side without lines.
struct Printer<'a>(BasicLineDiffPrinter<'a, str>);

impl UnifiedDiffPrinter for Printer<'_> {
    fn display_header(
        &self,
        mut text: impl Write,
        start_before: u32,
        start_after: u32,
        len_before: u32,
        len_after: u32,
    ) -> fmt::Result {
        let side = |start: u32, length: u32| match length {
            0 => format!("{start},0"),
            1 => (start + 1).to_string(),
            _ => format!("{},{length}", start + 1),
        };
        writeln!(
            text,
            "@@ -{} +{} @@",
            side(start_before, len_before),
            side(start_after, len_after)
        )
    }

    fn display_context_token(&self, text: impl Write, token: Token) -> fmt::Result {
        self.0.display_context_token(text, token)
    }

    fn display_hunk(&self, text: impl Write, before: &[Token], after: &[Token]) -> fmt::Result {
        self.0.display_hunk(text, before, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_equals_that_of_diff() {
        assert_eq!(unified("a\nb\n", "a\nb\n", 3), "");
        assert_eq!(unified("", "a\nb\n", 3), "@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert_eq!(unified("a\nb\n", "", 3), "@@ -1,2 +0,0 @@\n-a\n-b\n");
        assert_eq!(unified("a\nb\nc\n", "a\nx\nc\n", 3), "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
        assert_eq!(unified("a\nb\nc\n", "a\nx\nc\n", 0), "@@ -2 +2 @@\n-b\n+x\n");
        assert_eq!(unified("a\nc\n", "a\nb\nc\n", 0), "@@ -1,0 +2 @@\n+b\n");
    }
}
