//! A TCP proxy in front of the API server that counts connection attempts.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A connection of an agent.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub at: SystemTime,
    /// Whether the API server accepted the connection.
    pub is_accepted: bool,
}

/// The API server, and the connection attempts to it.
#[derive(Debug)]
struct Target {
    address: SocketAddr,
    is_healthy: AtomicBool,
    attempts: Mutex<Vec<Attempt>>,
}

/// A command for the open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Each increase closes the connections that are open.
    Close(u64),
    Stop,
}

/// A running pass-through, in place of the load balancer in front of an API server of EKS. While the API
/// server is not healthy, it closes new connections. Dropping it stops it.
#[derive(Debug)]
pub struct Gateway {
    pub address: SocketAddr,
    target: Arc<Target>,
    commands: watch::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Starts a pass-through to `target` on a free port of `ip`.
    pub fn start(ip: IpAddr, target: SocketAddr) -> Self {
        let listener = StdListener::bind((ip, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (is_healthy, attempts) = (AtomicBool::new(true), Mutex::default());
        let target = Arc::new(Target { address: target, is_healthy, attempts });
        let (commands, receiver) = watch::channel(Command::Close(0));
        let shared = target.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(accept(listener, shared, receiver));
        });
        Self { address, target, commands, thread: Some(thread) }
    }

    /// Sets whether the API server gets new connections.
    pub fn set_healthy(&self, is_healthy: bool) {
        self.target.is_healthy.store(is_healthy, Ordering::Relaxed);
    }

    /// Closes every open connection.
    pub fn close_connections(&self) {
        self.commands.send_modify(|command| {
            if let Command::Close(count) = command {
                *count += 1;
            }
        });
    }

    /// Returns the connection attempts so far.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.target.attempts.lock().unwrap().clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.commands.send_replace(Command::Stop);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

async fn accept(
    listener: StdListener,
    target: Arc<Target>,
    mut commands: watch::Receiver<Command>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    let of_connections = commands.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let at = SystemTime::now();
                if let Ok((agent, _)) = accepted {
                    tokio::spawn(pass(agent, target.clone(), at, of_connections.clone()));
                }
            }
            _ = commands.wait_for(|command| *command == Command::Stop) => return,
        }
    }
}

async fn pass(
    mut agent: TcpStream,
    target: Arc<Target>,
    at: SystemTime,
    mut commands: watch::Receiver<Command>,
) {
    commands.mark_unchanged();
    let server = connect(&agent, &target).await;
    target.attempts.lock().unwrap().push(Attempt { at, is_accepted: server.is_ok() });
    if let Ok(mut server) = server {
        tokio::select! {
            _ = copy_bidirectional(&mut agent, &mut server) => {}
            _ = commands.changed() => {}
        }
    }
}

async fn connect(agent: &TcpStream, target: &Target) -> io::Result<TcpStream> {
    if !target.is_healthy.load(Ordering::Relaxed) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    agent.set_nodelay(true)?;
    let server = TcpStream::connect(target.address).await?;
    server.set_nodelay(true)?;
    Ok(server)
}
