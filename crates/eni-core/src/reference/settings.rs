//! `docs/reference/settings.md`: every setting with its three names, its values and its default.

use super::{GENERATED, expect, wrapped};
use crate::settings::{Setting, sections};
use std::fmt::Write as _;

const HEAD: &str = "\
[Settings](../settings.md) explains the settings files and their precedence. Every flag is a flag of `run`, `plan`, `wait`, `check`
and `retry`. [settings.schema.json](../../packaging/settings.schema.json) describes the same keys for editors
([how to use it](../settings.md#check-settings-in-an-editor)).
";

#[test]
fn the_settings_are_generated() {
    let mut text = format!("# Reference: settings\n\n{GENERATED}\n{HEAD}");
    text.push_str("\n| key | flag | default |\n|---|---|---|\n");
    for setting in sections().iter().flat_map(|section| &section.settings) {
        let (key, flag) = (&setting.key, &setting.flag);
        let anchor = key.replace('.', "");
        let default = &setting.documentation().default;
        let _ =
            writeln!(text, "| [`{key}`](#{anchor}) | `--{flag}` | {} |", code_if_value(default));
    }
    for section in sections() {
        let _ = write!(text, "\n## Section {}\n", section.name);
        for paragraph in section.details() {
            let _ = write!(text, "\n{}\n", wrapped(&escaped(&paragraph)));
        }
        section.settings.iter().for_each(|setting| describe(&mut text, setting));
    }
    expect("docs/reference/settings.md", &text);
}

/// Appends the section of a setting.
fn describe(text: &mut String, setting: &Setting) {
    let texts = setting.documentation();
    let summary = format!("{}.", escaped(&texts.summary));
    let _ = write!(text, "\n### {}\n\n{}\n", setting.key, wrapped(&summary));
    for paragraph in &texts.details {
        let _ = write!(text, "\n{}\n", wrapped(&escaped(paragraph)));
    }
    let (table, key) = setting.key.split_once('.').unwrap_or((&setting.key, ""));
    let toml = if key.is_empty() {
        "`\"example.com/team\" = \"blue\"` in `[labels]`".to_owned()
    } else {
        format!("`{key} = {}` in `[{table}]`", texts.example)
    };
    text.push_str("\n| name | value |\n|---|---|\n");
    let switch = if setting.switch { ", or the flag without a value for `true`" } else { "" };
    let values = values(setting);
    for (name, value) in [
        ("TOML", toml),
        ("flag", format!("`--{} {}`{switch}", setting.flag, setting.value_name)),
        ("variable", format!("`{}`", setting.variable)),
        ("values", escaped(&values)),
        ("default", code_if_value(&texts.default)),
    ] {
        let _ = writeln!(text, "| {name} | {value} |");
    }
}

fn values(setting: &Setting) -> String {
    let choices = &setting.documentation().choices;
    if !setting.values.is_empty() {
        return setting.values.to_owned();
    }
    if choices.is_empty() {
        return "text".to_owned();
    }
    let choices = choices.iter().map(|(value, meaning)| format!("`{value}`: {meaning}"));
    choices.collect::<Vec<_>>().join("<br>")
}

/// Returns a default as code if it is a value of TOML, and otherwise the description.
fn code_if_value(default: &str) -> String {
    let is_value = default.starts_with('"')
        || default.parse::<u64>().is_ok()
        || matches!(default, "true" | "false");
    if is_value { format!("`{default}`") } else { escaped(default) }
}

/// Escapes what Markdown would interpret outside of code.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let escape = |part: &str| part.replace('|', "\\|").replace('_', "\\_");
    let parts = parts.map(|(index, it)| if index % 2 == 0 { escape(it) } else { it.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}
