//! Shortens reasons that many lines of the text output repeat, such as the one for missing AWS credentials.

use eni_core::diagnostic::Severity;
use eni_core::diagnostic::checklist::Line;
use std::collections::BTreeSet;

/// Shorter reasons are repeated.
const SHORT: usize = 60;

/// Replaces the reason of a skipped check with `(as above)` if an earlier line contains the same reason.
pub(super) fn shortened(mut lines: Vec<Line>) -> Vec<Line> {
    let mut reasons = BTreeSet::new();
    for line in lines.iter_mut().filter(|it| it.diagnostic.severity == Severity::Skipped) {
        let text = &mut line.diagnostic.text;
        let Some((what, reason)) = text.split_once(": ") else { continue };
        if reason.len() > SHORT && !reasons.insert(reason.to_owned()) {
            *text = format!("{what} (as above)");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::diagnostic::{Code, Diagnostic};

    #[test]
    fn only_the_first_of_equal_long_reasons_is_complete() {
        let long = "a reason of many words ".repeat(4);
        let skipped = |text: String| Diagnostic::skipped(Code::SubnetNotChecked, text, None).into();
        let lines = vec![
            skipped(format!("no response for a: {long}")),
            skipped(format!("no response for b: {long}")),
            skipped("no response for c: refused".to_owned()),
            skipped("no response for d: refused".to_owned()),
            Diagnostic::failed(Code::SubnetFull, format!("e: {long}"), "").into(),
        ];
        let texts = shortened(lines).into_iter().map(|it| it.diagnostic.text);
        assert_eq!(
            texts.collect::<Vec<_>>(),
            [
                format!("no response for a: {long}"),
                "no response for b (as above)".to_owned(),
                "no response for c: refused".to_owned(),
                "no response for d: refused".to_owned(),
                format!("e: {long}"),
            ]
        );
    }
}
