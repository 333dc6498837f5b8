//! Man pages, one for each command.

use clap::{Arg, Command};
use clap_mangen::Man;
use eni_core::failure::ExitCode;
use eni_core::settings;
use roff::{Inline, Roff, bold, italic, roman};
use std::io;

/// The names of the programs.
const PROGRAMS: [&str; 2] = ["eni-bootstrap", "kubectl-eni"];

/// Files that every command with settings reads.
const FILES: [(&str, &str); 5] = [
    (
        "/usr/lib/eni-bootstrap/50-defaults.toml",
        "reference of all settings with their defaults; part of the package",
    ),
    (
        "/etc/eni-bootstrap/*.toml",
        "settings of this node; a file replaces the file with the same name in /usr/lib",
    ),
    (
        "/run/eni-bootstrap/*.toml",
        "settings until the next boot; a file replaces the file with the same name in /etc",
    ),
    (
        "/etc/eni-bootstrap/instance-types.csv",
        "instance types that override the embedded table; `kubectl eni limits refresh` writes the file",
    ),
    (
        "/usr/lib/systemd/system/eni-bootstrap.service",
        "the unit that runs `eni-bootstrap run` before the kubelet starts",
    ),
];

/// Returns the file name and the text of each page, starting with the page of the program.
pub fn all(command: &Command, date: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let version = command.get_version().unwrap_or_default().to_owned();
    let mut pages = Vec::new();
    let mut rest = vec![&command];
    while let Some(command) = rest.pop() {
        let name = page(command);
        pages.push((format!("{name}.1"), text(command, &name, &version, date)?));
        rest.extend(command.get_subcommands());
    }
    Ok(pages)
}

/// Returns the name of a command's page, such as `kubectl-eni-limits-show`.
fn page(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// Returns the man page of `command` in roff format.
fn text(command: &Command, name: &str, version: &str, date: &str) -> io::Result<Vec<u8>> {
    // A short synopsis instead of every flag.
    let described = command.clone().override_usage(usage(command)).mut_args(documented);
    let man = Man::new(described)
        .title(name.to_uppercase())
        .section("1")
        .date(date)
        .source(format!("eni-bootstrap {version}"))
        .manual("eni-bootstrap");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    man.render_options_section(&mut text)?;
    let mut roff = Roff::new();
    examples(&mut roff, command);
    if reads_settings(command) {
        section(&mut roff, "FILES", &FILES.map(|(path, meaning)| (path.to_owned(), meaning)));
    }
    section(&mut roff, "EXIT STATUS", &exit_codes(command.get_name()));
    see_also(&mut roff, command, name);
    roff.to_writer(&mut text)?;
    Ok(tidied(&text))
}

/// Line between two paragraphs, which [`tidied`] replaces by a line break.
const BREAK: &str = "\n⏎\n";

/// Prepares an argument for its page: replaces the help of a setting, which has lines of a fixed width,
/// by its paragraphs, and shows the arguments that `-h` omits, which `clap_mangen` would print without help.
fn documented(argument: Arg) -> Arg {
    let argument = argument.hide_short_help(false);
    match settings::all().find(|setting| argument.get_id() == setting.key.as_str()) {
        Some(setting) => argument.long_help(&*setting.paragraphs().join(BREAK).leak()),
        None => argument,
    }
}

/// Returns the synopsis, such as `kubectl eni limits show [OPTIONS] [PATTERN]...`.
fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").to_owned()
}

/// Adds the examples at the end of `--help`.
fn examples(roff: &mut Roff, command: &Command) {
    // Further paragraphs of the program's help have their own sections here.
    let help = command.get_after_long_help().or_else(|| command.get_after_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let examples = help.split("\n\n").next().unwrap_or_default();
    let commands = examples.split_inclusive(':').skip(1).collect::<String>();
    let commands: Vec<&str> =
        commands.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if commands.is_empty() {
        return;
    }
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []).control("RS", ["4"]);
    for command in commands {
        roff.text([roman(command)]);
    }
    roff.control("RE", []).control("fi", []);
}

/// Adds a section with a list of terms and their meanings.
fn section(roff: &mut Roff, heading: &str, list: &[(String, &str)]) {
    roff.control("SH", [heading]);
    for (term, meaning) in list {
        roff.control("TP", []);
        roff.text([bold(term.as_str())]);
        roff.text([roman(*meaning)]);
    }
}

/// Returns the exit codes of a command with their meanings.
fn exit_codes(command: &str) -> Vec<(String, &'static str)> {
    let meaning = |code: ExitCode| match (code, command) {
        (ExitCode::Success, "eni-bootstrap" | "run") => code.meaning(),
        (ExitCode::Success, _) => "success",
        _ => code.meaning(),
    };
    let is_possible = |code: &ExitCode| match code {
        ExitCode::CheckFailed | ExitCode::CheckSkipped => {
            ["eni-bootstrap", "kubectl-eni", "check", "nodes"].contains(&command)
        }
        ExitCode::Terminated => ["eni-bootstrap", "run"].contains(&command),
        _ => true,
    };
    let codes = ExitCode::ALL.into_iter().filter(is_possible);
    codes.map(|code| (code.number().to_string(), meaning(code))).collect()
}

/// Adds links to the pages of the parent command and of the subcommands.
fn see_also(roff: &mut Roff, command: &Command, name: &str) {
    let mut pages: Vec<String> = command.get_subcommands().map(page).collect();
    let program = PROGRAMS.into_iter().find(|program| name.starts_with(program));
    if let Some((parent, _)) = name.rsplit_once('-').filter(|_| Some(name) != program) {
        // The name of max-pods contains a dash.
        let parent = parent.strip_suffix("-max").unwrap_or(parent);
        pages.insert(0, parent.to_owned());
    }
    roff.control("SH", ["SEE ALSO"]);
    let mut line: Vec<Inline> = Vec::new();
    for page in &pages {
        line.extend([bold(page.as_str()), roman("(1), ")]);
    }
    let related = if program == Some("eni-bootstrap") { "systemctl" } else { "kubectl" };
    line.extend([italic(related), roman("(1)")]);
    roff.text(line);
}

/// Returns whether the command reads settings files.
fn reads_settings(command: &Command) -> bool {
    let is_setting = |argument: &Arg| argument.get_id().as_str().contains('.');
    command.get_arguments().any(is_setting) || command.get_name() == "eni-bootstrap"
}

/// Fixes what `mandoc -T lint` reports, and escapes backticks, which roff prints as opening quotes.
fn tidied(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let text =
        text.replace('`', "\\(ga").replace(BREAK, "\n.br\n").replace("\n.br\n\n.br\n", "\n.sp\n");
    text.replace(" \n", "\n").into_bytes()
}
