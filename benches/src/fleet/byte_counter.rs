//! A TCP proxy that counts the connections and the bytes in each direction.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    closed: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// What the clients have used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// The number of TCP connections.
    pub connections: u64,
    /// The bytes from the client to the server, without the headers of TCP and IP.
    pub sent: u64,
    /// The bytes from the server to the client.
    pub received: u64,
}

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub struct ByteCounter {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ByteCounter {
    /// Starts a proxy to `target` on a free port.
    pub fn start(target: SocketAddr) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = oneshot::channel();
        let shared = counters.clone();
        let thread = thread::spawn(move || {
            runtime.block_on(serve(listener, target, shared, stopped));
        });
        Ok(Self { address, counters, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the address on which the proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until all connections are closed, and returns what the clients have used so far.
    pub fn traffic(&self) -> Traffic {
        let value = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let Counters { connections, closed, sent, received } = &*self.counters;
        while value(closed) < value(connections) {
            thread::sleep(Duration::from_millis(1));
        }
        Traffic { connections: value(connections), sent: value(sent), received: value(received) }
    }
}

impl Drop for ByteCounter {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: TcpListener,
    target: SocketAddr,
    counters: Arc<Counters>,
    mut stopped: oneshot::Receiver<()>,
) {
    // Dropping it closes the connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                counters.connections.fetch_add(1, Ordering::Release);
                connections.spawn(pass(client, target, counters.clone()));
            },
            _ = &mut stopped => break,
        }
    }
}

async fn pass(client: TcpStream, target: SocketAddr, counters: Arc<Counters>) {
    let _ = copy_both(client, target, &counters).await;
    counters.closed.fetch_add(1, Ordering::Release);
}

async fn copy_both(client: TcpStream, target: SocketAddr, counters: &Counters) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        copy(from_client, to_server, &counters.sent),
        copy(from_server, to_client, &counters.received),
    );
    Ok(())
}

/// Copies until either side closes the connection, and counts what was read.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    bytes: &AtomicU64,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        bytes.fetch_add(length as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
