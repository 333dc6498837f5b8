//! A proxy in front of moto that changes responses, for states that moto cannot have.

use eni_bootstrap_real_parts::http::http;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Returns the status and the body of a response, from the form of its request and the response of moto.
pub type Change = dyn Fn(&str, (u16, String)) -> (u16, String) + Send + Sync;

/// Starts a proxy for `upstream`, and returns its endpoint. It ends with the test process.
pub fn proxy(upstream: &str, change: Arc<Change>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let upstream = upstream.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (upstream, change) = (upstream.clone(), Arc::clone(&change));
            thread::spawn(move || serve(stream, &upstream, &*change));
        }
    });
    endpoint
}

/// Serves the requests of one connection.
fn serve(stream: TcpStream, upstream: &str, change: &Change) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((headers, form)) = request(&mut reader) {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let response = http("POST", &format!("{upstream}/"), &headers, &form);
        let (status, body) = change(&form, response);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} A\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n"
        );
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads the headers, without those of the connection, and the body of a request; `None` at the end.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(Vec<(String, String)>, String)> {
    let (mut headers, mut length) = (Vec::new(), 0);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "host" | "connection" => {}
            _ => headers.push((name.to_owned(), value.to_owned())),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((headers, String::from_utf8(body).unwrap()))
}

/// Replaces each number of free addresses in a response with the result of `change`.
pub fn change_free_addresses(body: &str, change: impl Fn(u32) -> u32) -> String {
    const START: &str = "<availableIpAddressCount>";
    let mut parts = body.split(START);
    let mut changed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('<').unwrap();
        let number = change(number.parse().unwrap());
        changed += &[START, &number.to_string(), "<", rest].concat();
    }
    changed
}
