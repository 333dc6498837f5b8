//! The log: lines on stderr, as a person would say them.

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Our own words alone, without time stamps, which the journal adds: what libraries log may hold
/// headers, and a header may hold a token.
pub(super) fn to_stderr(level: LevelFilter) {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(Words)
        .with_writer(std::io::stderr)
        .with_filter(Targets::new().with_target(env!("CARGO_CRATE_NAME"), level));
    // Set twice only where a test calls this twice: the first one serves.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// A line as a person would say it: `warning: ` before what one must not miss, nothing before the
/// rest.
struct Words;

impl<S, N> FormatEvent<S, N> for Words
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
        if *event.metadata().level() <= Level::WARN {
            writer.write_str("warning: ")?;
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
