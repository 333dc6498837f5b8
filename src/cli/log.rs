//! Log lines and error reports on stderr, with priorities for the journal.

use eni_core::failure::printable;
use nix::sys::stat::fstat;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::os::fd::AsFd;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

/// The sd-daemon priority of an error.
const ERROR: u8 = 3;

/// What stderr is connected to, which determines the format of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stderr {
    /// A terminal, a file or a pipe: plain lines.
    Plain,
    /// The journal: each line starts with its priority, such as `<4>`. journald removes it, so the
    /// console also gets plain lines.
    Journal,
}

impl Stderr {
    /// Detects what the stderr of this process is connected to.
    #[expect(clippy::disallowed_methods, reason = "cli reads the environment")]
    pub(super) fn detect() -> Self {
        Self::of(std::env::var("JOURNAL_STREAM").ok().as_deref(), std::io::stderr())
    }

    /// Compares the file descriptor with `JOURNAL_STREAM`. systemd sets `JOURNAL_STREAM` to the device and the inode of the socket that it connects to
    /// stdout or stderr; child processes inherit the variable.
    ///
    /// Source: systemd.exec(5), `$JOURNAL_STREAM`.
    fn of(journal_stream: Option<&str>, stderr: impl AsFd) -> Self {
        let stream = journal_stream.and_then(|stream| {
            let (device, inode) = stream.split_once(':')?;
            Some((device.parse().ok()?, inode.parse().ok()?))
        });
        match (stream, fstat(stderr)) {
            (Some(stream), Ok(file)) if stream == (file.st_dev, file.st_ino) => Self::Journal,
            _ => Self::Plain,
        }
    }

    /// Returns the lines of `text` in the format of this output.
    fn format(self, priority: u8, text: &str) -> String {
        let mut lines = String::new();
        for line in printable(text).lines() {
            let _ = match self {
                Self::Plain => writeln!(lines, "{line}"),
                Self::Journal => writeln!(lines, "<{priority}>{line}"),
            };
        }
        lines
    }

    /// Prints an error report, whatever the log level is.
    pub(super) fn report(self, text: &str) {
        // If stderr is closed, the exit code still reports the failure.
        let _ = io::stderr().lock().write_all(self.format(ERROR, text).as_bytes());
    }

    /// Installs the logger on stderr.
    pub(super) fn install_logger(self, level: LevelFilter) {
        let logger = Logger { format: self, level, writer: io::stderr() };
        // Fails only if a test has installed a logger before.
        let _ = tracing::subscriber::set_global_default(logger);
    }
}

/// Prints the log lines of this program up to `level` without a timestamp. It drops the log lines of libraries at
/// every level: they may contain HTTP headers, and a header may contain a token. It needs no spans.
struct Logger<W> {
    format: Stderr,
    level: LevelFilter,
    writer: W,
}

impl<W> Subscriber for Logger<W>
where
    W: 'static,
    for<'writer> &'writer W: Write,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_own = metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
        metadata.is_event() && is_own && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    /// Formats a log line. Warnings also start with `warning: ` in the journal, because `journalctl` and the
    /// console do not print priorities.
    fn event(&self, event: &Event<'_>) {
        let level = *event.metadata().level();
        let mut text = Message(if level <= Level::WARN { "warning: " } else { "" }.to_owned());
        event.record(&mut text);
        // A line break in the text of another system must not start a new line of the log.
        let line = self.format.format(priority(level), &text.0.replace('\n', "\\n"));
        // If stderr is closed, the command continues.
        let _ = (&self.writer).write_all(line.as_bytes());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message of an event. The log lines have no other fields.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

/// Returns the sd-daemon priority of a level.
///
/// Source: sd-daemon(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => ERROR,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Seek as _};

    macro_rules! library_lines {
        ($($target:literal)+) => {$(
            tracing::error!(target: concat!($target, "::client"), "authorization: Bearer hush");
            tracing::info!(target: $target, "authorization: Bearer hush");
            tracing::trace!(target: $target, "authorization: Bearer hush");
        )+};
    }

    #[test]
    fn the_journal_is_detected_by_device_and_inode() {
        let file = tempfile::tempfile().unwrap();
        let stat = fstat(&file).unwrap();
        let of = |stream: Option<&str>| Stderr::of(stream, &file);
        let stream = format!("{}:{}", stat.st_dev, stat.st_ino);
        assert_eq!(of(Some(&stream)), Stderr::Journal);
        assert_eq!(of(None), Stderr::Plain);
        assert_eq!(of(Some(&format!("{}:{}", stat.st_dev, stat.st_ino + 1))), Stderr::Plain);
        assert_eq!(of(Some(&format!("{}:{}", stat.st_dev + 1, stat.st_ino))), Stderr::Plain);
        assert_eq!(of(Some("journal")), Stderr::Plain);
    }

    #[test]
    fn log_lines_of_libraries_are_dropped_at_every_level() {
        let log = tempfile::tempfile().unwrap();
        let writer = log.try_clone().unwrap();
        let logger = Logger { format: Stderr::Plain, level: LevelFilter::TRACE, writer };
        tracing::subscriber::with_default(logger, || {
            tracing::trace!("imds: a");
            library_lines!("aws_config" "aws_smithy_runtime" "hyper" "hyper_util" "kube_client" "reqwest" "rustls");
            tracing::error!("b\n<6>c\u{1b}[2J\r");
        });
        let mut text = String::new();
        (&log).rewind().unwrap();
        (&log).read_to_string(&mut text).unwrap();
        assert_eq!(text, "imds: a\nwarning: b\\n<6>c\\u{1b}[2J\\r\n");
    }

    #[test]
    fn the_log_level_selects_the_lines() {
        for (level, expected) in [
            (LevelFilter::DEBUG, "debug: a\ninfo: a\nwarning: warn: a\nwarning: error: a\n"),
            (LevelFilter::INFO, "info: a\nwarning: warn: a\nwarning: error: a\n"),
            (LevelFilter::WARN, "warning: warn: a\nwarning: error: a\n"),
        ] {
            let log = tempfile::tempfile().unwrap();
            let writer = log.try_clone().unwrap();
            let logger = Logger { format: Stderr::Plain, level, writer };
            tracing::subscriber::with_default(logger, || {
                let _span = tracing::info_span!("b").entered();
                tracing::debug!("debug: {}", 'a');
                tracing::info!("info: {}", 'a');
                tracing::warn!("warn: {}", 'a');
                tracing::error!("error: {}", 'a');
            });
            let mut text = String::new();
            (&log).rewind().unwrap();
            (&log).read_to_string(&mut text).unwrap();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn each_line_starts_with_its_priority_in_the_journal_only() {
        let report = "error: a\n  caused by: b\n  help: c";
        assert_eq!(
            Stderr::Journal.format(3, report),
            "<3>error: a\n<3>  caused by: b\n<3>  help: c\n"
        );
        assert_eq!(Stderr::Plain.format(3, report), format!("{report}\n"));
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        assert_eq!(levels.map(priority), [3, 4, 6, 7, 7]);
    }
}
