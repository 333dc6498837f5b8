//! The round trips of one run as an SVG picture: one row for each connection, and time from left to right.

use crate::trace::{Kind, RoundTrip, Trace};
use std::fmt::{self, Write as _};

/// The width of the labels, of the time axis, and of the texts to its right, in pixels.
const LABELS: f64 = 110.0;
const TIME: f64 = 760.0;
const TEXTS: f64 = 300.0;
/// The height of a row, of the heading, and of the axis, in pixels.
const ROW: f64 = 20.0;
const HEADING: f64 = 64.0;
const AXIS: f64 = 30.0;
/// The distance between the lines of the axis, in milliseconds.
const STEP: u16 = 10;

/// Returns the picture of a run.
pub fn picture(title: &str, trace: &Trace) -> Result<String, fmt::Error> {
    let rows = rows(trace);
    let scale = TIME / trace.wall_ms;
    let bottom = HEADING + ROW * f64::from(u16::try_from(rows.len()).unwrap_or(u16::MAX));
    let (width, height) = (LABELS + TIME + TEXTS, bottom + AXIS);
    let mut svg = String::new();
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">"
    )?;
    writeln!(svg, "<title>{}</title>", escaped(title))?;
    writeln!(svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>")?;
    let Trace { wall_ms, critical_path_ms, cpu_ms, .. } = trace;
    text(
        &mut svg,
        (8.0, 18.0),
        "start",
        &format!(
            "{title}: {wall_ms:.1} ms, of which {critical_path_ms:.0} ms are network round trips on the critical path; CPU time {cpu_ms:.1} ms"
        ),
    )?;
    let legend = [Kind::Tcp, Kind::Tls, Kind::Request].map(|kind| (color(kind), name(kind)));
    for (number, (color, name)) in legend.into_iter().enumerate() {
        let x = LABELS + 130.0 * f64::from(u8::try_from(number).unwrap_or_default());
        writeln!(svg, "<rect x=\"{x}\" y=\"30\" width=\"12\" height=\"12\" fill=\"{color}\"/>")?;
        text(&mut svg, (x + 18.0, 40.0), "start", name)?;
    }
    text(&mut svg, (LABELS + 400.0, 40.0), "start", "red frame: on the critical path")?;
    for time in (0..).map(|step| f64::from(step * STEP)).take_while(|time| time <= wall_ms) {
        let x = LABELS + time * scale;
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{HEADING}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#dddddd\"/>"
        )?;
        text(&mut svg, (x, bottom + 16.0), "middle", &format!("{time} ms"))?;
    }
    for (number, (server, connection, trips)) in rows.iter().enumerate() {
        let y = HEADING + ROW * f64::from(u16::try_from(number).unwrap_or_default());
        text(&mut svg, (LABELS - 8.0, y + 14.0), "end", &format!("{server} {}", connection + 1))?;
        for trip in trips {
            let (x, width) =
                (LABELS + trip.start_ms * scale, (trip.end_ms - trip.start_ms) * scale);
            let frame = if trip.critical { " stroke=\"#cc0000\" stroke-width=\"2\"" } else { "" };
            writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"12\" fill=\"{}\"{frame}/>",
                y + 4.0,
                color(trip.kind)
            )?;
        }
        let requests: Vec<&str> =
            trips.iter().map(|it| short(&it.request)).filter(|it| !it.is_empty()).collect();
        let end = trips.iter().map(|it| it.end_ms).fold(0.0, f64::max);
        text(&mut svg, (LABELS + end * scale + 6.0, y + 14.0), "start", &requests.join(", "))?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Returns the round trips of each connection, in the order of their first round trip.
fn rows(trace: &Trace) -> Vec<(&str, usize, Vec<&RoundTrip>)> {
    let mut rows: Vec<(&str, usize, Vec<&RoundTrip>)> = Vec::new();
    for trip in &trace.round_trips {
        let is_same = |row: &&mut (&str, usize, Vec<&RoundTrip>)| {
            row.0 == trip.server && row.1 == trip.connection
        };
        match rows.iter_mut().find(is_same) {
            Some(row) => row.2.push(trip),
            None => rows.push((&trip.server, trip.connection, vec![trip])),
        }
    }
    rows
}

fn color(kind: Kind) -> &'static str {
    match kind {
        Kind::Tcp => "#bbbbbb",
        Kind::Tls => "#7fa7d9",
        Kind::Request => "#8bbf7f",
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Tcp => "TCP handshake",
        Kind::Tls => "TLS handshake",
        Kind::Request => "request",
    }
}

/// Returns the last part of the path of a request.
fn short(request: &str) -> &str {
    let path = request.split(' ').nth(1).unwrap_or(request).trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) -> fmt::Result {
    let text = escaped(text);
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#222222\">{text}</text>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(kind: Kind, request: &str, start_ms: f64, end_ms: f64) -> RoundTrip {
        let (server, request) = ("API server".to_owned(), request.to_owned());
        let network_ms = end_ms - start_ms;
        RoundTrip {
            server,
            connection: 0,
            kind,
            request,
            start_ms,
            end_ms,
            network_ms,
            critical: false,
        }
    }

    #[test]
    fn each_connection_is_a_row_with_its_requests() {
        let trips = vec![
            trip(Kind::Tcp, "", 1.0, 5.0),
            trip(Kind::Request, "GET /api/v1/nodes/a&b?watch=false", 5.0, 9.0),
        ];
        let svg = picture("first boot", &Trace::new(10.0, 2.0, trips)).unwrap();
        let lines: Vec<&str> = svg.lines().collect();
        assert_eq!(
            lines[0],
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1170 114\" font-family=\"sans-serif\" font-size=\"11\">"
        );
        assert!(lines[3].contains("first boot: 10.0 ms, of which 8 ms are network round trips"));
        let bars: Vec<&&str> =
            lines.iter().filter(|line| line.contains("stroke=\"#cc0000\"")).collect();
        assert_eq!(
            bars,
            [
                &"<rect x=\"186.0\" y=\"68\" width=\"304.0\" height=\"12\" fill=\"#bbbbbb\" stroke=\"#cc0000\" stroke-width=\"2\"/>",
                &"<rect x=\"490.0\" y=\"68\" width=\"304.0\" height=\"12\" fill=\"#8bbf7f\" stroke=\"#cc0000\" stroke-width=\"2\"/>",
            ]
        );
        let label = "<text x=\"800.0\" y=\"78.0\" text-anchor=\"start\" fill=\"#222222\">a&amp;b?watch=false</text>";
        assert_eq!(lines[lines.len() - 2..], [label, "</svg>"]);
    }
}
