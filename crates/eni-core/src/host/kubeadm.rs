//! kubeadm: `KUBELET_EXTRA_ARGS` in the file that the kubelet's unit reads. eni-bootstrap appends a
//! marked block to the file, replaces the block on the next run, and keeps everything else. If the
//! kubelet reads drop-ins, one of them sets max-pods and kube-reserved instead of flags.
//!
//! Source: `10-kubeadm.conf`, kubernetes/release: `/etc/default/kubelet` in a deb,
//! `/etc/sysconfig/kubelet` in an rpm.

use super::config_directory::ConfigDirectory;
use super::kubelet_unit;
use super::unit_file::{accepts_assignments, environment_file};
use super::{Change, Detection, HostError, HostFamily, HostKind, Image, Read, Renderer, UnitCheck};
use crate::domain::kubelet::Kubelet;
use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The variable, which stands last in kubeadm's `ExecStart`.
pub(super) const VARIABLE: &str = "KUBELET_EXTRA_ARGS";
/// The files that kubeadm's unit may read the variable from.
pub(super) const FILES: [&str; 2] = ["/etc/default/kubelet", "/etc/sysconfig/kubelet"];
const BEGIN: &str =
    "# BEGIN eni-bootstrap. Written before the kubelet starts, and again at every boot.\n";
const END: &str = "# END eni-bootstrap\n";
/// The first and the last line of the block in this version and in version 0.1.0.
const MARKERS: [(&str, &str); 2] = [
    (BEGIN, END),
    (
        "# eni-bootstrap begins: written before the kubelet starts, and again at every boot.\n",
        "# eni-bootstrap ends\n",
    ),
];

pub(super) struct Family;

impl HostFamily for Family {
    fn kind(&self) -> HostKind {
        HostKind::Kubeadm
    }

    fn reads(&self) -> Vec<Read> {
        kubelet_unit::reads()
    }

    fn detect(&self, image: &Image) -> Detection {
        let path = match extra_arguments_file(image) {
            Ok(path) => path,
            Err(reason) => return Detection::NotThis(reason),
        };
        let text = image.file(&path).unwrap_or_default();
        let inherited = kubelet_unit::environment(image).remove(VARIABLE).unwrap_or_default();
        match ExtraArguments::read(path.clone(), text, &inherited) {
            Ok(file) => {
                let reason = format!("kubelet.service reads ${VARIABLE} from {}", path.display());
                let (directory, note) = ConfigDirectory::find_with_note(image, Some(&path));
                Detection::this(reason + &note, Kubeadm { file, directory })
            }
            Err(error) => Detection::Broken(HostError::ExtraArguments(error)),
        }
    }

    fn shared_files(&self) -> &'static [&'static str] {
        &FILES
    }

    fn remove(&self, image: &Image) -> Vec<Change> {
        let files = FILES.into_iter().filter_map(|path| {
            let text = image.file(path)?;
            let contents = without_block(text);
            (contents != text).then(|| Change::SharedFile { path: path.into(), contents })
        });
        files.collect()
    }
}

#[derive(Debug)]
struct Kubeadm {
    file: ExtraArguments,
    /// The directory of the kubelet's drop-ins; `None` if flags configure the kubelet.
    directory: Option<ConfigDirectory>,
}

/// Returns the file of [`FILES`] that the kubelet's unit reads the variable from, or what the image
/// has instead: the unit reads neither file, has other arguments after the variable, or reads a later
/// file that sets the variable.
fn extra_arguments_file(image: &Image) -> Result<PathBuf, String> {
    let missing = || {
        let [deb, rpm] = FILES;
        format!("no kubelet.service that reads {deb} or {rpm} and ends with ${VARIABLE}")
    };
    let command = kubelet_unit::command(image, VARIABLE).map_err(|_| missing())?;
    if !command.ends_with_variable(VARIABLE) {
        return Err(missing());
    }
    // The last file that the unit reads takes precedence.
    let files = kubelet_unit::environment_files(image);
    let is_known = |file: &PathBuf| FILES.iter().any(|known| file == Path::new(known));
    let at = files.iter().rposition(is_known).ok_or_else(missing)?;
    let sets_variable = |file: &&PathBuf| {
        let variables = image.file(file).map(environment_file).unwrap_or_default();
        variables.iter().any(|(name, _)| name == VARIABLE)
    };
    let (path, later) = (&files[at], files[at + 1..].iter().find(sets_variable));
    match later {
        Some(later) => Err(format!(
            "a kubelet.service that reads ${VARIABLE} from {} after {}",
            later.display(),
            path.display()
        )),
        None => Ok(path.clone()),
    }
}

/// Returns the environment file that eni-bootstrap adds its arguments to on a kubeadm image.
pub(super) fn own_file(image: &Image) -> Option<PathBuf> {
    extra_arguments_file(image).ok()
}

/// The file that the kubelet's unit reads its extra arguments from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ExtraArguments {
    path: PathBuf,
    /// The text of the file without the block of eni-bootstrap.
    text: String,
    /// The value of the variable without eni-bootstrap, as the new value quotes it.
    value: String,
    /// The quote around the value.
    quote: char,
}

/// Why the file cannot be extended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unquotable {
    /// The quotes of the variable prevent an extension of its value.
    #[error("unbalanced quotes in the value of {VARIABLE} in {}", path.display())]
    Value { path: PathBuf },
    /// systemd would ignore the file, or read the block of eni-bootstrap as a part of another value.
    #[error("{} has an open quote, a backslash at the end of a comment or of the last line, or a value that is not UTF-8", path.display())]
    File { path: PathBuf },
}

impl Advice for Unquotable {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Value { .. } => "put the whole value into one pair of quotes without backslashes, or use `--host-kind kubelet-dropin`".into(),
            Self::File { path } => format!("close all quotes in {}, remove a backslash at the end of a comment or of the last line, and save the file as UTF-8", path.display()).into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}

impl ExtraArguments {
    /// Parses the file's text, with or without the block of eni-bootstrap. `inherited` is the value
    /// that systemd uses if this file does not set the variable: of `Environment=` or of an earlier
    /// file.
    fn read(path: PathBuf, text: &str, inherited: &str) -> Result<Self, Unquotable> {
        let text = without_block(text);
        let assigned = |line: &str| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == VARIABLE).then(|| value.trim().to_owned())
        };
        let written = text.lines().rev().find_map(assigned).map(|value| unquoted(&value));
        if written == Some(None) {
            return Err(Unquotable::Value { path });
        }
        let complete = with_final_newline(&text);
        if !accepts_assignments(&complete) {
            return Err(Unquotable::File { path });
        }
        let variables = environment_file(&complete).into_iter().rev();
        let effective =
            variables.filter(|(name, _)| name == VARIABLE).map(|(_, value)| value).next();
        match (effective, written.flatten()) {
            (None, None) => {
                let (value, quote) = quoted(inherited);
                Ok(Self { path, text, value, quote })
            }
            (Some(effective), Some((value, quote))) if value == effective => {
                Ok(Self { path, text, value, quote })
            }
            // The value has several lines, or the line is a part of another value.
            _ => Err(Unquotable::Value { path }),
        }
    }
}

/// Returns the text in front of the block of eni-bootstrap, which starts on its own line.
fn with_final_newline(text: &str) -> String {
    let is_complete = text.is_empty() || text.ends_with('\n');
    format!("{text}{}", if is_complete { "" } else { "\n" })
}

/// Returns a value as it is written in an environment file, and the quote around it.
fn quoted(value: &str) -> (String, char) {
    if value.contains('"') && !value.contains(['\'', '\\']) {
        return (value.to_owned(), '\'');
    }
    (value.replace('\\', "\\\\").replace('"', "\\\""), '"')
}

/// Returns a value without its quotes, and the quote for the new value; `None` if the value is
/// neither plain text nor text in one pair of quotes.
fn unquoted(value: &str) -> Option<(String, char)> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let inner = rest.strip_suffix(quote)?;
            return (!inner.contains([quote, '\\'])).then(|| (inner.to_owned(), quote));
        }
    }
    (!value.contains(['"', '\'', '\\'])).then(|| (value.to_owned(), '"'))
}

impl Renderer for Kubeadm {
    /// Returns the drop-in of the kubelet first, so that no argument refers to a missing directory.
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let directory = self.directory.as_ref();
        let drop_in = directory.map(|directory| directory.change(kubelet));
        let arguments = kubelet_unit::own_arguments(kubelet, directory);
        drop_in.into_iter().chain([self.file.with_arguments(&arguments)]).collect()
    }

    fn uses_config_file(&self) -> bool {
        self.directory.is_some()
    }

    fn unit_checks(&self, kubelet: &Kubelet) -> Vec<UnitCheck> {
        vec![kubelet_unit::check(kubelet, self.directory.as_ref(), VARIABLE)]
    }
}

impl ExtraArguments {
    /// Returns the file with the block at its end: the existing value, followed by the arguments of
    /// eni-bootstrap.
    fn with_arguments(&self, arguments: &[String]) -> Change {
        let Self { path, text, value, quote } = self;
        let arguments = arguments.join(" ");
        let space = if value.is_empty() { "" } else { " " };
        let mut contents = with_final_newline(text);
        contents.extend([
            BEGIN,
            "# Edits to this block are overwritten. To change a setting, edit /etc/eni-bootstrap/*.toml.\n",
            &format!("{VARIABLE}={quote}{value}{space}{arguments}{quote}\n"),
            END,
        ]);
        Change::SharedFile { path: path.clone(), contents }
    }
}

/// Returns the text without the blocks of eni-bootstrap. A block without an end extends to the end
/// of the text.
///
/// Version 0.1.0 does not recognize the block of later versions, so a downgrade leaves two blocks.
pub(super) fn without_block(text: &str) -> String {
    let mut text = text.to_owned();
    for (begin, end) in MARKERS {
        if let Some((before, rest)) = text.split_once(begin) {
            let after = rest.split_once(end).map_or("", |(_, after)| after);
            text = before.to_owned() + after;
        }
    }
    text
}

#[cfg(test)]
mod tests;
