//! An HTTP proxy for `CONNECT` requests that connects only to loopback addresses.

use crate::faults::{Fault, Faults};
use crate::server_thread::ServerThread;
use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// The maximum size of a request in bytes.
const MOST: usize = 16 << 10;

/// A running proxy.
pub struct ConnectProxy {
    addr: SocketAddr,
    faults: Faults,
    requests: Arc<Mutex<Vec<String>>>,
    thread: Option<ServerThread>,
}

impl std::fmt::Debug for ConnectProxy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ConnectProxy").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl ConnectProxy {
    /// Starts the proxy on a free loopback port.
    #[must_use]
    pub fn start() -> Self {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let addr = listener.local_addr().expect("an address");
        let (faults, requests) = (Faults::default(), Arc::new(Mutex::default()));
        let (shared, log) = (faults.clone(), Arc::clone(&requests));
        let thread = ServerThread::start(move || accept(listener, shared, log)).expect("a thread");
        Self { addr, faults, requests, thread: Some(thread) }
    }

    /// Returns the address on which the proxy listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the head of each request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the faults of this proxy. [`Fault::Body`] replaces the complete response.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.stop();
        }
    }
}

async fn accept(listener: StdListener, faults: Faults, requests: Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::from_std(listener).expect("the listener was just bound");
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let (faults, requests) = (faults.clone(), Arc::clone(&requests));
        tokio::spawn(async move { tunnel(client, &faults, &requests).await });
    }
}

async fn tunnel(
    mut client: TcpStream,
    faults: &Faults,
    requests: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let head = head(&mut client).await?;
    requests.lock().unwrap().push(head.clone());
    let line = head.lines().next().unwrap_or_default();
    match faults.next_fault(line).await {
        None => {}
        Some(Fault::Status(status) | Fault::Answer(status, _)) => {
            return client.write_all(response(status, &[], b"").as_slice()).await;
        }
        Some(Fault::Response(status, headers, body)) => {
            return client.write_all(&response(status, &headers, &body)).await;
        }
        Some(Fault::Body(bytes) | Fault::Cut(bytes)) => return client.write_all(&bytes).await,
        Some(Fault::Endless(_, bytes)) => loop {
            client.write_all(&bytes).await?;
        },
        Some(Fault::Drop | Fault::Lost) => return Ok(()),
        Some(Fault::Hang) => std::future::pending().await,
    }
    let target = line.split(' ').nth(1).unwrap_or_default();
    let target: SocketAddr = target.parse().map_err(io::Error::other)?;
    if !target.ip().is_loopback() {
        return client.write_all(&response(403, &[], b"")).await;
    }
    let mut server = TcpStream::connect(target).await?;
    client.write_all(&response(200, &[], b"")).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Reads a request up to its empty line.
async fn head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MOST {
        head.push(client.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn response(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut response = format!("HTTP/1.1 {status} Simulated\r\n");
    for (name, value) in headers {
        let _ = write!(response, "{name}: {value}\r\n");
    }
    if !body.is_empty() {
        let _ = write!(response, "content-length: {}\r\n", body.len());
    }
    response.push_str("\r\n");
    let mut response = response.into_bytes();
    response.extend(body);
    response
}
