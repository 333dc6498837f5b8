//! The report as one HTML page without scripts and without requests to other files.
//!
//! ```text
//! html      the page and its sections
//! outcome   the result at a glance
//! sections  the pictures and the tables
//! markup    elements with escaped text
//! ```

mod markup;
mod outcome;
mod sections;

use super::result::Report;
use super::svg::{STYLE, escaped};
use super::timeline;
use markup::section;

/// The style of the page. The style of the pictures follows.
const PAGE_STYLE: &str = include_str!("html/page.css");

/// Returns the page.
pub(super) fn page(report: &Report) -> String {
    let sections = sections::sections(report);
    let links: Vec<String> = sections
        .iter()
        .map(|it| format!("<li><a href=\"#{}\">{}</a></li>", it.id, escaped(it.heading)))
        .collect();
    let body: String = sections.iter().map(section).collect();
    let title = escaped(&timeline::title(report));
    let heading = format!("Boot report of {}", escaped(&report.node()));
    let footer = format!(
        "Result of eni-bootstrap {}, run at {}. Page by kubectl-eni {}.",
        escaped(&report.result.eni_bootstrap_version),
        humantime::format_rfc3339_micros(report.result.started),
        env!("CARGO_PKG_VERSION")
    );
    // With this policy, a browser sends no request even if the page contained an element that needs one. `base-uri` and
    // `form-action` have no fallback to `default-src`.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>\n{PAGE_STYLE}{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the report</a>\n\
         <header>\n<h1>{heading}</h1>\n</header>\n\
         <main id=\"main\">\n{outcome}\
         <nav aria-label=\"Sections\"><ul>{links}</ul></nav>\n{body}</main>\n\
         <footer><p>{footer}</p></footer>\n</body>\n</html>\n",
        outcome = outcome::outcome(report),
        links = links.concat(),
    )
}
