//! What each code means for the node, and how to fix it. `docs/troubleshooting.md` is generated from these texts.
//!
//! The module exists only in tests, so that no binary contains the texts.

mod aws_node;
mod eni_config;
mod max_pods;
mod node;
mod subnet;

use super::Code;

/// The texts about a code, in Markdown. Each string is one line of a doc comment.
pub(crate) struct Guide {
    pub code: Code,
    /// Why the condition matters for the node.
    pub effect: &'static [&'static str],
    /// How to fix it, with commands to paste.
    pub fix: &'static [&'static str],
}

/// Defines the guides of a file: each code with its effect and its fix as doc comments.
macro_rules! guides {
    ($($code:ident effect $(#[doc = $effect:literal])+ fix $(#[doc = $fix:literal])+)+) => {
        pub(super) const GUIDES: &[Guide] = &[
            $(Guide {
                code: crate::diagnostic::Code::$code,
                effect: &[$($effect),+],
                fix: &[$($fix),+],
            },)+
        ];
    };
}
use guides;

const FILES: [&[Guide]; 5] =
    [max_pods::GUIDES, node::GUIDES, aws_node::GUIDES, eni_config::GUIDES, subnet::GUIDES];

/// Returns every guide of a code; more than one is an error.
pub(crate) fn of(code: Code) -> Vec<&'static Guide> {
    FILES.into_iter().flatten().filter(|it| it.code == code).collect()
}

/// Returns the lines of a doc comment as Markdown.
pub(crate) fn markdown(lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

mod tests {
    use super::*;
    use crate::sources::repository;
    use std::fs;

    /// Returns what is missing in the guides of a code.
    fn problem(code: Code) -> Option<String> {
        let name = code.name();
        let guides = of(code);
        let [guide] = guides.as_slice() else {
            return Some(format!("{name}: {} guides in diagnostic/guide/", guides.len()));
        };
        let (effect, fix) = (markdown(guide.effect), markdown(guide.fix));
        if effect.len() < 30 || !effect.ends_with('.') {
            return Some(format!("{name}: the effect is no complete sentence"));
        }
        let has_command = fix.contains("```sh\n") || fix.contains("```toml\n");
        if !has_command && !fix.contains("No action is necessary") {
            return Some(format!(
                "{name}: the fix has no command and is not \"No action is necessary\""
            ));
        }
        if fix.matches("```").count() % 2 == 1 {
            return Some(format!("{name}: a code block has no end"));
        }
        None
    }

    #[test]
    fn every_code_has_one_complete_guide() {
        let problems: Vec<String> = Code::ALL.iter().copied().filter_map(problem).collect();
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn every_settings_block_is_valid() {
        for guide in FILES.into_iter().flatten() {
            let fix = markdown(guide.fix);
            for block in fix.split("```toml\n").skip(1) {
                let text = block.split("```").next().unwrap_or_default();
                let parsed = crate::settings::Settings::from_toml("guide.toml".as_ref(), text);
                assert!(parsed.is_ok(), "{}: {parsed:?}", guide.code.name());
            }
        }
    }

    #[test]
    fn every_named_file_of_the_repository_exists() {
        for guide in FILES.into_iter().flatten() {
            let fix = markdown(guide.fix);
            let words = fix.split(|it: char| it.is_whitespace() || "`(),".contains(it));
            for word in words.map(|it| it.trim_start_matches("file://")) {
                if word.starts_with("packaging/") {
                    assert!(fs::exists(repository(word)).unwrap(), "{word}");
                }
            }
        }
    }
}
