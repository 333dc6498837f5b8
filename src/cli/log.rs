//! Log lines and error reports on stderr, with priorities for the journal.

use eni_core::failure::printable;
use nix::sys::stat::fstat;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::AsFd;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

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
        let _ = std::io::stderr().lock().write_all(self.format(ERROR, text).as_bytes());
    }

    /// Installs the logger on stderr.
    pub(super) fn install_logger(self, level: LevelFilter) {
        let lines = self.layer(level, std::io::stderr);
        // Fails only if a test has installed a logger before.
        let _ = tracing_subscriber::registry().with(lines).try_init();
    }

    /// Returns the layer that prints the log lines of this program up to `level` without a timestamp. It drops
    /// the log lines of libraries at every level: they may contain HTTP headers, and a header may contain a
    /// token.
    fn layer<S, W>(self, level: LevelFilter, writer: W) -> impl Layer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
        W: for<'writer> MakeWriter<'writer> + 'static,
    {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(Lines(self))
            .with_writer(writer)
            .log_internal_errors(false)
            .with_filter(Targets::new().with_target(env!("CARGO_CRATE_NAME"), level))
    }
}

/// Formats a log line. Warnings also start with `warning: ` in the journal, because `journalctl` and the
/// console do not print priorities.
struct Lines(Stderr);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let level = event.metadata().level();
        let mut text = String::new();
        if *level <= Level::WARN {
            text.push_str("warning: ");
        }
        context.field_format().format_fields(Writer::new(&mut text), event)?;
        // A line break in the text of another system must not start a new line of the log.
        let line = text.replace('\n', "\\n");
        writer.write_str(&self.0.format(priority(*level), &line))
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
    use std::sync::Arc;

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
        let log = Arc::new(tempfile::tempfile().unwrap());
        let layer = Stderr::Plain.layer(LevelFilter::TRACE, log.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::trace!("imds: a");
            library_lines!("aws_config" "aws_smithy_runtime" "hyper" "hyper_util" "kube_client" "reqwest" "rustls");
            tracing::error!("b\n<6>c\u{1b}[2J\r");
        });
        let mut text = String::new();
        (&*log).rewind().unwrap();
        (&*log).read_to_string(&mut text).unwrap();
        assert_eq!(text, "imds: a\nwarning: b\\n<6>c\\x1b[2J\\r\n");
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
