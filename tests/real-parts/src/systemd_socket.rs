//! The D-Bus socket of systemd, to which nodeadm connects.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

/// The private D-Bus socket of systemd.
const SYSTEMD: &str = "run/systemd/private";

/// A listener on the D-Bus socket of systemd. nodeadm opens two connections before it configures
/// anything, and uses them only to start daemons. So this closes each connection after the handshake.
/// Dropping it stops it.
#[derive(Debug)]
pub struct SystemdSocket {
    socket: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl SystemdSocket {
    /// Starts the listener below `root`.
    pub fn start(root: &Path) -> io::Result<Self> {
        let socket = root.join(SYSTEMD);
        fs::create_dir_all(socket.parent().unwrap_or(root))?;
        let listener = UnixListener::bind(&socket)?;
        let accept = move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if !authenticate(&connection) {
                    return;
                }
            }
        };
        Ok(Self { socket, thread: Some(thread::spawn(accept)) })
    }
}

impl Drop for SystemdSocket {
    fn drop(&mut self) {
        drop(UnixStream::connect(&self.socket));
        let _ = self.thread.take().map(JoinHandle::join);
        let _ = fs::remove_file(&self.socket);
    }
}

/// Performs the server side of the D-Bus authentication. Returns false if the client sends nothing.
///
/// Source: D-Bus Specification, "Authentication Protocol".
fn authenticate(mut connection: &UnixStream) -> bool {
    let mut lines = BufReader::new(connection);
    let mut received_data = false;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return received_data;
        }
        received_data = true;
        let response = match line.trim_start_matches('\0').trim_end() {
            "AUTH" => "REJECTED EXTERNAL",
            "AUTH EXTERNAL" => "OK 0123456789abcdef0123456789abcdef",
            "NEGOTIATE_UNIX_FD" => "ERROR",
            _ => return true, // BEGIN
        };
        let _ = connection.write_all(format!("{response}\r\n").as_bytes());
    }
}
