//! Compares the documentation with the program.

use eni_bootstrap::cli::command_line;
use eni_core::error::ExitCode;
use eni_core::settings;
use std::fs;
use std::path::Path;

/// Every Markdown page at the top and in `docs`, joined.
fn pages() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> = ["*.md", "docs/*.md"]
        .iter()
        .flat_map(|pattern| glob::glob(root.join(pattern).to_str().unwrap()).unwrap())
        .map(Result::unwrap)
        .collect();
    pages.sort();
    pages.into_iter().map(|page| fs::read_to_string(page).unwrap() + "\n").collect()
}

#[test]
fn a_table_lists_every_exit_code_with_the_meaning_in_the_help() {
    let pages = pages();
    let lines = pages.lines().skip_while(|line| !line.starts_with("| status | meaning"));
    let rows: Vec<&str> = lines.skip(2).take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<String> = ExitCode::ALL
        .iter()
        .map(|code| format!("| {} | {} |", code.number(), code.meaning()))
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn run_has_a_flag_and_a_variable_for_every_setting() {
    let commands = command_line();
    let run = commands.find_subcommand("run").unwrap();
    for setting in settings::all() {
        let argument = run.get_arguments().find(|it| it.get_id() == setting.key.as_str()).unwrap();
        assert_eq!(argument.get_long(), Some(setting.flag.as_str()));
        assert_eq!(argument.get_env().unwrap().to_str(), Some(setting.variable.as_str()));
        let help = argument.get_long_help().unwrap().to_string();
        assert!(help.starts_with(&setting.summary), "{help}");
        assert!(help.contains(&setting.variable), "{help}");
        assert_eq!(help.lines().find(|line| line.chars().count() > 90), None);
    }
}

#[test]
fn the_examples_of_max_pods_print_the_documented_result() {
    let pages = pages();
    let mut lines = pages.lines().peekable();
    let mut examples = 0;
    while let Some(line) = lines.next() {
        let Some(command) = line.trim().strip_prefix("$ eni-bootstrap max-pods ") else { continue };
        let expected = lines.next().unwrap_or_default().trim();
        let arguments = ["max-pods"].into_iter().chain(command.split_whitespace());
        let ended = crate::support::node::Node::empty().run(arguments);
        assert_eq!(ended.stdout.trim_end(), expected, "{command}: {}", ended.stderr);
        examples += 1;
    }
    assert!(examples >= 4, "only {examples} examples");
}

#[test]
fn the_changelog_has_a_section_for_the_next_release() {
    assert!(pages().contains("\n## Unreleased\n"));
}
