//! A man page for each command, from its help texts.

use clap::Command;
use clap_mangen::Man;
use eni_core::error::ExitCode;
use roff::{Inline, Roff, bold, italic, roman};
use std::io;

/// Where settings and the rest of it are; the same on every page that reads settings.
const FILES: [(&str, &str); 5] = [
    (
        "/usr/lib/eni-bootstrap/50-defaults.toml",
        "every setting with its default and what it is for; the package's own",
    ),
    (
        "/etc/eni-bootstrap/*.toml",
        "settings of this machine's, in the order of the files' names; they win over the defaults",
    ),
    ("/run/eni-bootstrap/*.toml", "settings until the next boot; they win over those"),
    (
        "/etc/eni-bootstrap/instance-types.csv",
        "instance types that are newer than the release, as eni-bootstrap-limits-refresh(1) writes them",
    ),
    (
        "/usr/lib/systemd/system/eni-bootstrap.service",
        "the unit that runs it before the kubelet starts, once it is enabled",
    ),
];

/// File name and text of each page, the program's own first.
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

/// `eni-bootstrap-limits-show`: what `man` is asked for.
fn page(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn text(command: &Command, name: &str, version: &str, date: &str) -> io::Result<Vec<u8>> {
    // Not each of forty flags by name.
    let man = Man::new(command.clone().override_usage(usage(command)))
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
    section(&mut roff, "EXIT STATUS", &statuses(command.get_name()));
    see_also(&mut roff, command, name);
    roff.to_writer(&mut text)?;
    Ok(tidied(&text))
}

/// `eni-bootstrap limits show [OPTIONS] [TYPES]...`
fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").to_owned()
}

/// The examples that `--help` ends with, as they are typed.
fn examples(roff: &mut Roff, command: &Command) {
    // The program's own has paragraphs after it that have sections here.
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

/// A section that is a list: a term, and what it means.
fn section(roff: &mut Roff, heading: &str, list: &[(String, &str)]) {
    roff.control("SH", [heading]);
    for (term, meaning) in list {
        roff.control("TP", []);
        roff.text([bold(term.as_str())]);
        roff.text([roman(*meaning)]);
    }
}

/// Every exit status that the command can end with.
fn statuses(command: &str) -> Vec<(String, &'static str)> {
    let codes = ExitCode::ALL.into_iter().map(|code| (code.number(), code.meaning()));
    let all = codes.map(|(status, meaning)| match (status, command) {
        (0, "eni-bootstrap" | "run" | "wait") => (status, meaning),
        (0, _) => (status, "done"),
        _ => (status, meaning),
    });
    let can_end = |status: u8| status != 1 || ["eni-bootstrap", "check"].contains(&command);
    let all = all.filter(|(status, _)| can_end(*status));
    all.map(|(status, meaning)| (status.to_string(), meaning)).collect()
}

/// The command above, the commands below, and what else helps.
fn see_also(roff: &mut Roff, command: &Command, name: &str) {
    let mut pages: Vec<String> = command.get_subcommands().map(page).collect();
    if let Some((above, _)) = name.rsplit_once('-').filter(|_| name != "eni-bootstrap") {
        // max-pods is one word.
        let above = if above.ends_with("-max") { "eni-bootstrap" } else { above };
        pages.insert(0, above.to_owned());
    }
    roff.control("SH", ["SEE ALSO"]);
    let mut line: Vec<Inline> = Vec::new();
    for page in &pages {
        line.extend([bold(page.as_str()), roman("(1), ")]);
    }
    line.extend([italic("systemctl"), roman("(1)")]);
    roff.text(line);
}

/// Whether the settings' files decide what it does.
fn reads_settings(command: &Command) -> bool {
    let is_setting = |argument: &clap::Arg| argument.get_id().as_str().contains('.');
    command.get_arguments().any(is_setting) || command.get_name() == "eni-bootstrap"
}

/// What `mandoc -T lint` would complain of, and what would print something else: in the help texts a word
/// to be typed stands between backticks, and to roff one of them opens a quote.
fn tidied(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let text = text.replace('`', "\\(ga").replace("\n.br\n\n.br\n", "\n.sp\n");
    text.replace(" \n", "\n").into_bytes()
}
