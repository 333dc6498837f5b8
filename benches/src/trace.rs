//! The round trips of one run, and its critical path.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::latency::{Chunk, Connection, Proxy};
use crate::measure::milliseconds;

/// What a round trip is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The TCP handshake.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// A request and its response.
    Request,
}

/// One round trip. The times are in milliseconds since the process was started.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RoundTrip {
    /// The server: `IMDS`, `API server`, or `EC2`.
    pub server: String,
    /// The number of the connection to this server, from 0.
    pub connection: usize,
    /// What it is for.
    pub kind: Kind,
    /// The request, such as `GET /latest/user-data`. Empty for handshakes.
    pub request: String,
    /// When the last byte of the client was sent.
    pub start_ms: f64,
    /// When the last byte of the server arrived.
    pub end_ms: f64,
    /// The round-trip time of the network.
    pub network_ms: f64,
    /// Whether it is on the critical path.
    pub critical: bool,
}

/// The round trips of one run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Trace {
    /// The wall time of the process.
    pub wall_ms: f64,
    /// The user and system time of the process.
    pub cpu_ms: f64,
    /// The sum of the round-trip times of the network on the critical path.
    pub critical_path_ms: f64,
    /// How much longer than that these round trips took: the time of the servers and of the proxy.
    pub servers_ms: f64,
    /// All round trips, in the order of their start.
    pub round_trips: Vec<RoundTrip>,
}

impl Trace {
    /// Returns the trace of a run with these times.
    #[must_use]
    pub fn new(wall_ms: f64, cpu_ms: f64, mut round_trips: Vec<RoundTrip>) -> Self {
        round_trips.sort_by(|a, b| a.start_ms.total_cmp(&b.start_ms));
        for index in critical_path(&round_trips, wall_ms) {
            round_trips[index].critical = true;
        }
        let critical = round_trips.iter().filter(|it| it.critical);
        let critical_path_ms = critical.clone().map(|it| it.network_ms).sum();
        let servers_ms = critical.map(|it| it.end_ms - it.start_ms - it.network_ms).sum();
        Self { wall_ms, cpu_ms, critical_path_ms, servers_ms, round_trips }
    }

    /// Returns the number of requests to a server.
    #[must_use]
    pub fn requests(&self, server: &str) -> usize {
        let is_request = |it: &&RoundTrip| it.server == server && it.kind == Kind::Request;
        self.round_trips.iter().filter(is_request).count()
    }

    /// Returns the critical path as text: `TCP, TLS and 2 requests to API server`.
    #[must_use]
    pub fn critical_text(&self) -> String {
        let mut servers: Vec<&str> = Vec::new();
        let critical: Vec<_> = self.round_trips.iter().filter(|it| it.critical).collect();
        for trip in &critical {
            if !servers.contains(&trip.server.as_str()) {
                servers.push(&trip.server);
            }
        }
        let text = |server: &&str| {
            let count = |kind| {
                critical.iter().filter(|it| it.server == **server && it.kind == kind).count()
            };
            let counts = [(Kind::Tcp, "TCP"), (Kind::Tls, "TLS"), (Kind::Request, "request")];
            let counts = counts.map(|(kind, name)| (count(kind), name)).into_iter();
            let counts = counts.filter(|(count, _)| *count > 0);
            let counts: Vec<String> =
                counts.map(|(count, name)| format!("{count} {name}")).collect();
            format!("{server}: {}", counts.join(", "))
        };
        servers.iter().map(text).collect::<Vec<_>>().join("; ")
    }
}

/// Returns the positions of the round trips on the critical path, from the last to the first.
///
/// The path ends with the round trip that ended last. The predecessor of a round trip is the one with the latest end
/// before its start, so round trips on the path never overlap. Between them, the process computes.
fn critical_path(round_trips: &[RoundTrip], wall_ms: f64) -> Vec<usize> {
    let mut path = Vec::new();
    let mut before = wall_ms;
    loop {
        let ended = round_trips.iter().enumerate();
        let ended = ended.filter(|(index, it)| it.end_ms <= before && !path.contains(index));
        let Some((index, trip)) = ended.max_by(|a, b| a.1.end_ms.total_cmp(&b.1.end_ms)) else {
            return path;
        };
        path.push(index);
        before = trip.start_ms;
    }
}

/// Returns the round trips to a server since the last call. `requests` are the requests that the server
/// has received, in their order; they are the names of encrypted requests.
#[must_use]
pub fn round_trips(proxy: &Proxy, started: Instant, requests: &[String]) -> Vec<RoundTrip> {
    let mut all = Vec::new();
    let mut arrivals = Vec::new();
    for (number, connection) in proxy.take().iter().enumerate() {
        for (trip, arrival) in of_connection(connection, proxy.round_trip, started) {
            if trip.kind == Kind::Request {
                arrivals.push((arrival, all.len()));
            }
            all.push(RoundTrip { server: proxy.name.to_owned(), connection: number, ..trip });
        }
    }
    arrivals.sort();
    if arrivals.len() == requests.len() {
        for ((_, index), request) in arrivals.into_iter().zip(requests) {
            all[index].request.clone_from(request);
        }
    }
    all
}

/// Returns the round trips of a connection, each with the time at which the server got its last byte.
fn of_connection(
    connection: &Connection,
    network: Duration,
    started: Instant,
) -> Vec<(RoundTrip, Instant)> {
    let ms = |at: Instant| milliseconds(at.saturating_duration_since(started));
    let open = connection.accepted + network;
    let trip = |kind, request: String, start, end| RoundTrip {
        server: String::new(),
        connection: 0,
        kind,
        request,
        start_ms: ms(start),
        end_ms: ms(end),
        network_ms: milliseconds(network),
        critical: false,
    };
    let tcp = trip(Kind::Tcp, String::new(), connection.accepted, open);
    let mut trips = vec![(tcp, connection.accepted)];
    let mut encrypted = 0;
    for (index, flight) in flights(&connection.chunks).into_iter().enumerate() {
        let (client, server): (Vec<&Chunk>, Vec<&Chunk>) =
            flight.iter().partition(|it| it.from_client);
        let (Some(request), Some(response)) = (client.last(), server.last()) else { continue };
        let start = request.read.max(open);
        let records = client.iter().filter_map(|it| it.encrypted_records).sum::<usize>();
        let is_tls = client[0].encrypted_records.is_some();
        let line = client.iter().find_map(|it| it.line.clone()).unwrap_or_default();
        let line = line.rsplit_once(" HTTP/").map_or(line.clone(), |(line, _)| line.to_owned());
        encrypted += records;
        // The first encrypted record of the client is the end of its handshake.
        let kind = match (is_tls, index) {
            (true, 0) => Kind::Tls,
            (true, _) if encrypted < 2 => continue,
            _ => Kind::Request,
        };
        trips.push((trip(kind, line, start, response.delivered), request.delivered));
    }
    trips
}

/// Splits the chunks into flights: bytes of the client, and then bytes of the server.
fn flights(chunks: &[Chunk]) -> Vec<Vec<Chunk>> {
    // A chunk of the client is sent when the proxy reads it; one of the server arrives when it is delivered.
    let at = |chunk: &Chunk| if chunk.from_client { chunk.read } else { chunk.delivered };
    let mut chunks = chunks.to_vec();
    chunks.sort_by_key(at);
    let mut flights: Vec<Vec<Chunk>> = Vec::new();
    for chunk in chunks {
        let answered = |flight: &Vec<Chunk>| flight.last().is_some_and(|it| !it.from_client);
        match flights.last_mut() {
            Some(flight) if !(chunk.from_client && answered(flight)) => flight.push(chunk),
            _ => flights.push(vec![chunk]),
        }
    }
    flights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(server: &str, kind: Kind, start_ms: f64, end_ms: f64) -> RoundTrip {
        let network_ms = if server == "IMDS" { 1.0 } else { 20.0 };
        let (server, request) = (server.to_owned(), String::new());
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
    fn critical_path_is_the_chain_that_ends_last() {
        let trips = vec![
            trip("IMDS", Kind::Tcp, 0.5, 1.5),
            trip("API server", Kind::Tcp, 0.5, 20.5),
            trip("IMDS", Kind::Request, 1.6, 2.7),
            trip("API server", Kind::Tls, 20.5, 40.7),
            trip("API server", Kind::Request, 41.0, 61.2),
            trip("API server", Kind::Request, 62.0, 82.1),
        ];
        let trace = Trace::new(83.0, 5.0, trips);
        let critical: Vec<bool> = trace.round_trips.iter().map(|it| it.critical).collect();
        assert_eq!(critical, [false, true, false, true, true, true]);
        assert!((trace.critical_path_ms - 80.0).abs() < 1e-9, "{}", trace.critical_path_ms);
        assert!((trace.servers_ms - 0.5).abs() < 1e-9, "{}", trace.servers_ms);
        assert_eq!(trace.critical_text(), "API server: 1 TCP, 1 TLS, 2 request");
        assert_eq!((trace.requests("API server"), trace.requests("IMDS")), (2, 1));
    }

    /// A connection with 20 ms a round trip whose chunks are (sender, read, delivered, encrypted records).
    fn connection(chunks: &[(bool, u64, u64, usize)]) -> Vec<(Kind, f64, f64)> {
        let started = Instant::now();
        let at = |ms: &u64| started + Duration::from_millis(*ms);
        let chunk = |(from_client, read, delivered, records): &(bool, u64, u64, usize)| Chunk {
            from_client: *from_client,
            read: at(read),
            delivered: at(delivered),
            line: None,
            encrypted_records: Some(*records),
        };
        let chunks = chunks.iter().map(chunk).collect();
        let connection = Connection { accepted: started, chunks };
        let trips = of_connection(&connection, Duration::from_millis(20), started);
        trips.into_iter().map(|(it, _)| (it.kind, it.start_ms, it.end_ms)).collect()
    }

    #[test]
    fn a_request_with_the_end_of_the_handshake_is_one_round_trip() {
        let tls = [(true, 0, 30, 0), (false, 30, 40, 3)];
        let finished_and_request = [(true, 41, 51, 1), (true, 42, 52, 1)];
        let tickets_and_response = [(false, 51, 61, 2), (false, 52, 62, 1)];
        let chunks = [tls, finished_and_request, tickets_and_response].concat();
        let expected =
            [(Kind::Tcp, 0.0, 20.0), (Kind::Tls, 20.0, 40.0), (Kind::Request, 42.0, 62.0)];
        assert_eq!(connection(&chunks), expected);
    }

    #[test]
    fn an_early_connection_waits_with_its_request() {
        let tls = [(true, 0, 30, 0), (false, 30, 40, 3)];
        let finished = [(true, 41, 51, 1), (false, 51, 61, 2)];
        let request = [(true, 100, 110, 1), (false, 110, 120, 1)];
        let close = [(true, 121, 131, 1)];
        let chunks = [&tls[..], &finished, &request, &close].concat();
        let expected =
            [(Kind::Tcp, 0.0, 20.0), (Kind::Tls, 20.0, 40.0), (Kind::Request, 100.0, 120.0)];
        assert_eq!(connection(&chunks), expected);
    }
}
