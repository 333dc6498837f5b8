//! A TCP pass-through in front of the API server that counts connection attempts.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
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

/// A command for the open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Each increase closes the connections that are open.
    Close(u64),
    Stop,
}

/// A running pass-through. If the API server does not accept a connection, the gateway closes that of the
/// agent, as a load balancer without a healthy target does. Dropping it stops it.
#[derive(Debug)]
pub struct Gateway {
    pub address: SocketAddr,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    commands: watch::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Starts a pass-through to `target` on a free port of `ip`.
    pub fn start(ip: IpAddr, target: SocketAddr) -> Self {
        let listener = StdListener::bind((ip, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let attempts = Arc::<Mutex<Vec<Attempt>>>::default();
        let (commands, receiver) = watch::channel(Command::Close(0));
        let shared = attempts.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(accept(listener, target, shared, receiver));
        });
        Self { address, attempts, commands, thread: Some(thread) }
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
        self.attempts.lock().unwrap().clone()
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
    target: SocketAddr,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    mut commands: watch::Receiver<Command>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    let of_connections = commands.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let at = SystemTime::now();
                if let Ok((agent, _)) = accepted {
                    tokio::spawn(pass(agent, target, at, attempts.clone(), of_connections.clone()));
                }
            }
            _ = commands.wait_for(|command| *command == Command::Stop) => return,
        }
    }
}

async fn pass(
    mut agent: TcpStream,
    target: SocketAddr,
    at: SystemTime,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    mut commands: watch::Receiver<Command>,
) {
    commands.mark_unchanged();
    let server = connect(&agent, target).await;
    attempts.lock().unwrap().push(Attempt { at, is_accepted: server.is_ok() });
    if let Ok(mut server) = server {
        tokio::select! {
            _ = copy_bidirectional(&mut agent, &mut server) => {}
            _ = commands.changed() => {}
        }
    }
}

async fn connect(agent: &TcpStream, target: SocketAddr) -> io::Result<TcpStream> {
    agent.set_nodelay(true)?;
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    Ok(server)
}
