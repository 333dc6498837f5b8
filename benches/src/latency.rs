//! A TCP proxy that adds the latency of a network, and records what crosses it.
//!
//! On a network with round-trip time R, a client can send R after `connect`, and each byte arrives R/2 after
//! it was sent. A connection on loopback is open at once. So the proxy delivers the bytes of the client to
//! the server R/2 after it has read them, but not earlier than 3/2 R after the connection was accepted. It
//! delivers the bytes of the server R/2 after it has read them. The servers add no latency.

use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::tls_records::TlsRecords;

/// The bytes that one read returned.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Whether the client sent it.
    pub from_client: bool,
    /// When the proxy read it.
    pub read: Instant,
    /// When the proxy wrote it to the other side.
    pub delivered: Instant,
    /// The first line of an HTTP request, such as `GET /latest/user-data HTTP/1.1`. None for TLS.
    pub line: Option<String>,
    /// The number of records with encrypted data that start in it. None without TLS.
    pub encrypted_records: Option<usize>,
}

/// What crossed one connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// When the proxy accepted the connection.
    pub accepted: Instant,
    /// The bytes in both directions, in the order of their delivery.
    pub chunks: Vec<Chunk>,
}

type Shared = Arc<Mutex<Connection>>;

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    /// The name of the server in the trace.
    pub name: &'static str,
    /// The round-trip time.
    pub round_trip: Duration,
    addr: SocketAddr,
    connections: Arc<Mutex<Vec<Shared>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy for the server at `upstream` on a free loopback port.
    ///
    /// # Errors
    ///
    /// Returns an error if no port is free.
    pub fn start(
        name: &'static str,
        upstream: SocketAddr,
        round_trip: Duration,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let connections: Arc<Mutex<Vec<Shared>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (all, stopped) = (Arc::clone(&connections), Arc::clone(&stop));
        let accept = move || {
            for client in listener.incoming() {
                let accepted = Instant::now();
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(client) = client else { continue };
                let connection = Connection { accepted, chunks: Vec::new() };
                let connection = Arc::new(Mutex::new(connection));
                lock(&all).push(Arc::clone(&connection));
                // The client sees a closed connection if the server cannot be reached.
                drop(forward(&client, upstream, round_trip, &connection));
            }
        };
        let thread = Some(thread::spawn(accept));
        Ok(Self { name, round_trip, addr, connections, stop, thread })
    }

    /// Returns the address on which the proxy listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the connections since the last call, in the order in which they were accepted.
    #[must_use]
    pub fn take(&self) -> Vec<Connection> {
        let connections = std::mem::take(&mut *lock(&self.connections));
        connections.iter().map(|it| lock(it).clone()).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.addr));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The value of a mutex. A panic of another thread does not make it invalid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects to the server, and starts the threads that forward both directions.
fn forward(
    client: &TcpStream,
    upstream: SocketAddr,
    round_trip: Duration,
    connection: &Shared,
) -> io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let half = round_trip / 2;
    let open = lock(connection).accepted + round_trip;
    for from_client in [true, false] {
        let (from, to) = if from_client { (client, &server) } else { (&server, client) };
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let due =
            move |read: Instant| if from_client { read.max(open) + half } else { read + half };
        let (sender, receiver) = mpsc::channel();
        let connection = Arc::clone(connection);
        thread::spawn(move || deliver(to, &receiver, from_client, due, &connection));
        thread::spawn(move || {
            let mut from = from;
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..length].to_vec())).is_err() {
                    return;
                }
            }
            let _ = sender.send((Instant::now(), Vec::new()));
        });
    }
    Ok(())
}

/// Writes the bytes when they are due. An empty vector is the end of the connection.
fn deliver(
    mut to: TcpStream,
    chunks: &Receiver<(Instant, Vec<u8>)>,
    from_client: bool,
    due: impl Fn(Instant) -> Instant,
    connection: &Mutex<Connection>,
) {
    // Without this, the kernel may end a sleep 50 µs late.
    let _ = nix::sys::prctl::set_timerslack(1);
    let mut records: Option<TlsRecords> = None;
    for (index, (read, bytes)) in chunks.iter().enumerate() {
        if index == 0 {
            records = TlsRecords::detect(&bytes);
        }
        let line =
            || String::from_utf8_lossy(bytes.split(|&it| it == b'\r').next()?).into_owned().into();
        let line = if from_client && records.is_none() { line() } else { None };
        let encrypted_records = records.as_mut().map(|it| it.count(&bytes));
        thread::sleep(due(read).saturating_duration_since(Instant::now()));
        let delivered = Instant::now();
        if bytes.is_empty() {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
        // Before the write, because the process may exit as soon as it has these bytes.
        let chunk = Chunk { from_client, read, delivered, line, encrypted_records };
        lock(connection).chunks.push(chunk);
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `request` and reads a response of two bytes, on a new connection.
    fn exchange(proxy: &Proxy, requests: &[&str]) -> Duration {
        let started = Instant::now();
        let mut stream = TcpStream::connect(proxy.addr()).unwrap();
        for request in requests {
            stream.write_all(request.as_bytes()).unwrap();
            let mut response = [0; 2];
            stream.read_exact(&mut response).unwrap();
            assert_eq!(&response, b"ok");
        }
        started.elapsed()
    }

    #[test]
    fn bytes_are_delayed_in_order_and_recorded() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let upstream = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut buffer = [0; 100];
            while client.read(&mut buffer).is_ok_and(|it| it > 0) {
                client.write_all(b"ok").unwrap();
            }
        });
        let proxy = Proxy::start("server", upstream, Duration::from_millis(20)).unwrap();
        // The connection and two requests.
        let time = exchange(&proxy, &["GET /a HTTP/1.1\r\n\r\n", "GET /b HTTP/1.1\r\n\r\n"]);
        assert!(time >= Duration::from_millis(60), "{time:?}");
        let connections = proxy.take();
        assert_eq!(connections.len(), 1);
        let chunks = &connections[0].chunks;
        let kinds: Vec<_> = chunks.iter().map(|it| (it.from_client, it.line.as_deref())).collect();
        let (a, b) = (Some("GET /a HTTP/1.1"), Some("GET /b HTTP/1.1"));
        assert_eq!(kinds, [(true, a), (false, None), (true, b), (false, None)]);
        let first = chunks[0].delivered - connections[0].accepted;
        assert!(first >= Duration::from_millis(30), "{first:?}");
        assert!(proxy.take().is_empty());
    }
}
