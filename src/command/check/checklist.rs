//! The list, for a person and for a program.

use super::Line;
use serde_json::json;
use std::fmt::Write as _;

/// One line a check, aligned, and what to do below it; those of one ENIConfig under its name.
pub(super) fn text(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.finding.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut of: Option<&String> = None;
    for line in lines {
        if line.of.as_ref() != of {
            of = line.of.as_ref();
            if let Some(name) = of {
                let _ = writeln!(text, "\n{name}");
            }
        }
        let finding = &line.finding;
        let _ = writeln!(text, "{:8} {:width$}  {}", finding.verdict, finding.check, finding.says);
        if let Some(help) = &finding.help {
            let _ = writeln!(text, "{:8} {:width$}  → {help}", "", "");
        }
    }
    text
}

/// `{"checks": […]}`, each with verdict, check, says and, where there is something to do, help.
pub(super) fn json(lines: &[Line]) -> String {
    format!("{:#}\n", json!({ "checks": lines }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::domain::finding::Finding;

    fn lines() -> Vec<Line> {
        let line = |of: Option<&str>, finding| Line { of: of.map(str::to_owned), finding };
        vec![
            line(None, Finding::ok("aws-node", "custom networking")),
            line(
                Some("us-west-2a"),
                Finding::fails("subnet", "there is no subnet subnet-1", "name another"),
            ),
            line(Some("us-west-2a"), Finding::skipped("security groups", "no answer", None)),
        ]
    }

    #[test]
    fn a_list_is_aligned_and_says_what_to_do() {
        assert_eq!(
            text(&lines()),
            "ok       aws-node         custom networking\n\
             \n\
             us-west-2a\n\
             fails    subnet           there is no subnet subnet-1\n\
             \u{20}                         → name another\n\
             skipped  security groups  no answer\n"
        );
    }

    #[test]
    fn the_same_for_a_program() {
        let parsed: serde_json::Value = serde_json::from_str(&json(&lines())).unwrap();
        assert_eq!(
            parsed,
            json!({ "checks": [
                { "verdict": "ok", "check": "aws-node", "says": "custom networking" },
                { "of": "us-west-2a", "verdict": "fails", "check": "subnet",
                  "says": "there is no subnet subnet-1", "help": "name another" },
                { "of": "us-west-2a", "verdict": "skipped", "check": "security groups",
                  "says": "no answer" },
            ]})
        );
    }
}
