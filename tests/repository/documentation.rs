//! Compares the documentation with the program.

use eni_bootstrap::cli::command_line;
use eni_core::failure::ExitCode;
use eni_core::settings;
use std::fs;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns `README.md`, `SECURITY.md` and every Markdown file under `docs`, relative to the repository.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "SECURITY.md".to_owned()];
    let mut directories = vec!["docs".to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(path(&directory)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{directory}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                directories.push(name);
            } else if Path::new(&name).extension().is_some_and(|it| it == "md") {
                pages.push(name);
            }
        }
    }
    pages.sort();
    pages
}

/// Returns the cells of each row of the table in `page` whose first column is `first`.
fn rows(page: &str, first: &str) -> Vec<Vec<String>> {
    let page_text = text(page);
    let header = format!("| {first} |");
    let mut lines = page_text.lines().skip_while(|line| !line.starts_with(&header));
    assert_ne!(lines.next(), None, "{page} has no table with the column {first}");
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim().trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    };
    lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// Returns the lines of a Markdown text outside of its code blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    text.lines().filter(is_prose).collect()
}

/// Returns the target of each link in a Markdown text.
fn links(text: &str) -> Vec<String> {
    let lines = prose(text).join("\n");
    let targets = lines.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// Returns the anchors that GitHub gives the headings of a Markdown text.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn exit_codes_page_matches_the_program() {
    let expected: Vec<Vec<String>> = ExitCode::ALL
        .iter()
        .map(|code| vec![code.number().to_string(), code.meaning().to_owned()])
        .collect();
    assert_eq!(rows("docs/exit-codes.md", "status"), expected);
}

#[test]
fn run_has_a_flag_and_a_variable_for_every_setting() {
    let mut commands = command_line();
    commands.build();
    let run = commands.find_subcommand("run").unwrap();
    for setting in settings::all() {
        let argument = run.get_arguments().find(|it| it.get_id() == setting.key.as_str()).unwrap();
        assert_eq!(argument.get_long(), Some(setting.flag.as_str()));
        assert_eq!(argument.get_env().unwrap().to_str(), Some(setting.variable.as_str()));
        let help = argument.get_long_help().unwrap().to_string();
        assert!(help.starts_with(&setting.documentation().summary), "{help}");
        assert!(help.contains(&setting.variable), "{help}");
        assert_eq!(help.lines().find(|line| line.chars().count() > 90), None);
    }
}

#[test]
fn relative_links_point_to_existing_files_and_headings() {
    let mut broken = Vec::new();
    for page in pages() {
        let directory = Path::new(&page).parent().unwrap();
        for link in links(&text(&page)) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { path(&page) } else { path("").join(directory).join(file) };
            let is_found = if anchor.is_empty() {
                target.exists()
            } else {
                fs::read_to_string(&target)
                    .is_ok_and(|text| anchors(&text).iter().any(|it| it == anchor))
            };
            if !is_found {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn changelog_has_an_unreleased_section() {
    assert!(text("CHANGELOG.md").contains("\n## Unreleased\n"));
}
