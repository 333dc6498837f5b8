//! Renders `packaging/50-defaults.toml`, the reference of the settings.

use super::documentation::wrap;
use super::table::{Section, Setting, sections};
use std::fmt::Write as _;

/// Longest line of the reference, in characters.
const WIDTH: usize = 100;

/// The first line is a directive of taplo, which editors use. Nodes have no network access to a repository, so it is the
/// path of the schema in the package.
const HEAD: &str = "\
#:schema /usr/share/eni-bootstrap/settings.schema.json
# Settings of eni-bootstrap: every key, its default and an example value. The package installs this
# file as /usr/lib/eni-bootstrap/50-defaults.toml. Do not edit it: an upgrade overwrites it.
#
# Every key is commented out. The value after a key is the default, or an example if the default
# depends on the node or the cluster.
#
# To change a setting, create a file such as /etc/eni-bootstrap/90-site.toml that contains only the
# keys that you change. Run `eni-bootstrap plan` to see the result.
#
# Settings come from these sources. A later source overrides an earlier one, key by key:
#
#   1. settings files: *.toml in /usr/lib/eni-bootstrap, /etc/eni-bootstrap and /run/eni-bootstrap
#   2. on Bottlerocket: the user data of the bootstrap container
#   3. the file passed with --config
#   4. environment variables
#   5. flags
#
# eni-bootstrap merges the settings files from all three directories, sorted by file name. If
# several directories contain a file with the same name, only one of them is read: /run overrides
# /etc, and /etc overrides /usr/lib. An empty file, or a symbolic link to /dev/null, masks the file
# with the same name in a directory of lower priority.
#
# Each key has an environment variable and a flag. For example, `max-eni` in [cni] has
# ENI_BOOTSTRAP_CNI_MAX_ENI and --cni-max-eni. All labels share ENI_BOOTSTRAP_LABELS and --labels.
# `eni-bootstrap run --help` lists all environment variables and flags. eni-bootstrap
# ignores empty variables and flags. To set an empty `label` in [eni-config], use a settings file.
#
# An unknown key is an error. The error names the file, the line and the most similar key.
";

/// Returns the reference: a valid settings file in which every key is commented out.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for section in sections() {
        text.push('\n');
        for (index, paragraph) in section.details().iter().enumerate() {
            if index > 0 {
                text.push_str("#\n");
            }
            comment(&mut text, paragraph);
        }
        let _ = writeln!(text, "[{}]", section.name);
        if section.name == "labels" {
            let _ = writeln!(text, "# \"example.com/team\" = \"blue\"");
        } else {
            for setting in &section.settings {
                document(&mut text, section, setting);
            }
        }
    }
    text
}

fn document(text: &mut String, section: &Section, setting: &Setting) {
    let texts = setting.documentation();
    text.push('\n');
    comment(text, &format!("{}.", texts.summary));
    for paragraph in &texts.details {
        comment(text, paragraph);
    }
    if !setting.values.is_empty() {
        comment(text, &format!("Values: {}.", setting.values));
    } else if !texts.choices.is_empty() {
        comment(text, "Values:");
        let width = texts.choices.iter().map(|(value, _)| value.len() + 2).max().unwrap_or(0);
        for (value, meaning) in &texts.choices {
            let value = format!("{value:?}");
            let indent = " ".repeat(width + 4);
            let first = format!("#   {value:<width$} ");
            let _ = writeln!(text, "{}", wrap(&first, &format!("#{indent}"), meaning, WIDTH));
        }
    }
    comment(text, &format!("Default: {}.", texts.default));
    let key = setting.key.strip_prefix(&format!("{}.", section.name)).unwrap_or(&setting.key);
    let _ = writeln!(text, "# {key} = {}", texts.example);
}

/// Appends `paragraph` as a comment.
fn comment(text: &mut String, paragraph: &str) {
    text.push_str(&wrap("#", "#", paragraph, WIDTH));
    text.push('\n');
}
