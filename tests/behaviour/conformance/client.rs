//! Plain HTTP/1.1 over a Unix socket, without a library that would reject invalid requests and responses.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub media: Option<String>,
    pub body: String,
}

/// An invalid response.
#[derive(Debug, PartialEq, Eq)]
pub enum BrokenResponse {
    /// This text instead of a status line.
    NoStatusLine(String),
    /// The connection was closed after this part of the body.
    Truncated(String),
}

/// One connection.
pub struct Connection(BufReader<UnixStream>);

impl Connection {
    pub fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(5))).unwrap();
        // A server that has already responded may neither read the rest of a request nor close.
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a request and reads its response.
    pub fn send(
        &mut self,
        method: &str,
        target: &str,
        kind: Option<&str>,
        body: Option<&str>,
    ) -> Result<Response, BrokenResponse> {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: any.example:1234\r\n");
        if let Some(kind) = kind {
            let _ = write!(request, "Content-Type: {kind}\r\n");
        }
        if let Some(body) = body {
            let _ = write!(request, "Content-Length: {}\r\n", body.len());
        }
        request.push_str("\r\n");
        request.push_str(body.unwrap_or_default());
        // A server may respond before it has read the whole request.
        let _ = self.0.get_mut().write_all(request.as_bytes());
        self.read_response()
    }

    fn read_response(&mut self) -> Result<Response, BrokenResponse> {
        let status_line = self.line();
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        let Some(status) = status.and_then(|status| status.parse().ok()) else {
            return Err(BrokenResponse::NoStatusLine(status_line));
        };
        let (mut media, mut length) = (None, 0);
        loop {
            let header = self.line();
            let Some((name, value)) = header.split_once(':') else { break };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-type", value) => media = Some(value.to_owned()),
                ("content-length", value) => length = value.parse().unwrap(),
                ("transfer-encoding", value) => panic!("unexpected transfer encoding: {value}"),
                _ => {}
            }
        }
        let (length, mut body) = (if status == 204 { 0 } else { length }, Vec::new());
        let read = self.0.by_ref().take(length).read_to_end(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        if read as u64 == length {
            Ok(Response { status, media, body })
        } else {
            Err(BrokenResponse::Truncated(body))
        }
    }

    /// Returns the next line, or "" at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.0.read_line(&mut line);
        line.trim_end().to_owned()
    }

    /// Returns whether the server closes the connection without sending more.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok() && rest.is_empty()
    }
}
