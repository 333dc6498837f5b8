//! What the documents say is what the program does.

use eni_bootstrap::cli::command_line;
use eni_core::error::ExitCode;
use eni_core::settings::{Layer, Settings};
use std::fs;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The cells of every table row in the README whose table begins with the column `first`.
fn rows(first: &str) -> Vec<Vec<String>> {
    let readme = text("README.md");
    let mut lines = readme.lines().skip_while(|line| !line.starts_with(&format!("| {first} |")));
    assert_ne!(lines.next(), None, "no table with the column {first}");
    let cells = |line: &str| -> Vec<String> {
        // A cell may hold an escaped bar.
        let line = line.replace("\\|", "\u{0}");
        let cells = line.trim().trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('\u{0}', "|").replace('`', "")).collect()
    };
    lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// Key, flag and variable of every setting.
fn settings() -> Vec<[String; 3]> {
    let commands = command_line();
    let run = commands.find_subcommand("run").unwrap();
    let of_setting = |id: &str| id.contains('.') || id == "labels";
    let arguments = run.get_arguments().filter(|argument| of_setting(argument.get_id().as_str()));
    let named = arguments.map(|argument| {
        let flag = format!("--{}", argument.get_long().unwrap());
        let variable = argument.get_env().unwrap().to_str().unwrap().to_owned();
        [argument.get_id().to_string(), flag, variable]
    });
    named.collect()
}

#[test]
fn the_readme_names_every_exit_status_in_the_programs_words() {
    let said: Vec<Vec<String>> = ExitCode::ALL
        .iter()
        .map(|code| vec![code.number().to_string(), code.meaning().to_owned()])
        .collect();
    assert_eq!(rows("status"), said);
}

#[test]
fn the_readme_names_every_setting_with_its_flag_and_variable() {
    let said: Vec<[String; 3]> = rows("key")
        .into_iter()
        .map(|row| [row[0].clone(), row[1].clone(), row[2].clone()])
        .collect();
    assert_eq!(said, settings());
}

#[test]
fn a_settings_flag_and_variable_follow_from_its_key() {
    for [key, flag, variable] in settings() {
        let dashed = key.replace('.', "-");
        assert_eq!(flag, format!("--{dashed}"));
        assert_eq!(variable, format!("ENI_BOOTSTRAP_{}", dashed.replace('-', "_").to_uppercase()));
    }
}

#[test]
fn the_shipped_settings_say_every_key_and_change_nothing() {
    let name = "packaging/50-defaults.toml";
    let shipped = text(name);
    let layer = Layer::from_toml(Path::new(name), &shipped).unwrap();
    assert_eq!(Settings::from_layer(layer), Settings::from_layer(Layer::default()));
    for [key, ..] in settings() {
        let (section, key) = key.split_once('.').unwrap_or((&key, ""));
        let body = shipped.split(&format!("\n[{section}]\n")).nth(1);
        let body = body.unwrap_or_else(|| panic!("no [{section}] in {name}"));
        let body = body.split("\n[").next().unwrap();
        let told = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
        assert!(key.is_empty() || body.lines().any(told), "no {key} in [{section}] of {name}");
    }
}

#[test]
fn the_readmes_examples_of_max_pods_print_what_it_says() {
    let readme = text("README.md");
    let mut lines = readme.lines().peekable();
    let mut tried = 0;
    while let Some(line) = lines.next() {
        let Some(command) = line.trim().strip_prefix("$ eni-bootstrap max-pods ") else { continue };
        let expected = lines.next().unwrap_or_default().trim();
        let arguments = ["max-pods"].into_iter().chain(command.split_whitespace());
        let ended = crate::support::node::Node::empty().run(arguments);
        assert_eq!(ended.stdout.trim_end(), expected, "{command}: {}", ended.stderr);
        tried += 1;
    }
    assert!(tried >= 4, "only {tried} examples");
}

#[test]
fn the_changelog_has_room_for_what_comes() {
    assert!(text("CHANGELOG.md").contains("\n## Unreleased\n"));
}
