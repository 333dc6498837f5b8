//! A server process of a test. It never outlives the test process.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to start. On a busy machine, moto takes several seconds, and on a slow one ten
/// times as long.
const START_TIMEOUT: Duration = Duration::from_mins(5);

/// A server process with its own address. It is killed when this value is dropped or the test process
/// exits.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Runs [`SUPERVISOR`], which kills the server when its stdin is closed.
    shell: Child,
    /// The output of the server, in an unnamed temporary file.
    log: File,
}

/// A shell script that runs the command in its arguments until stdin is closed. The kernel closes the
/// pipe even if the test process is killed. `PR_SET_PDEATHSIG` would kill the server when the thread of
/// the test that started it exits.
const SUPERVISOR: &str = r#""$@" </dev/null & read -r _; kill -9 $!; wait"#;

impl Server {
    /// Starts the command that `command` returns for a free address, and waits until it accepts
    /// connections there.
    pub fn start(command: impl FnOnce(SocketAddr) -> Command) -> Self {
        let address = free_address();
        Self::start_at(address, &command(address))
    }

    /// Starts `command`, and waits until it accepts connections at `address`.
    pub fn start_at(address: SocketAddr, command: &Command) -> Self {
        let log = tempfile::tempfile().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", SUPERVISOR, "sh"]).arg(command.get_program()).args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.stdin(Stdio::piped());
        shell.stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap());
        let mut server = Self { address, shell: shell.spawn().unwrap(), log };
        server.wait_until(|| TcpStream::connect(address).is_ok());
        server
    }

    /// Polls until `ready` returns true. Panics with the log of the server after [`START_TIMEOUT`].
    pub fn wait_until(&mut self, ready: impl Fn() -> bool) {
        let started = Instant::now();
        while !ready() {
            if started.elapsed() > START_TIMEOUT {
                let mut log = String::new();
                self.log.rewind().unwrap();
                self.log.read_to_string(&mut log).unwrap();
                panic!("{} not ready after {START_TIMEOUT:?}:\n{log}", self.address);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the URL of the server, without a path.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().ok();
    }
}

/// Returns a loopback address with a free port. The host part is unique to this process and call, so no
/// other process takes the port before the server starts.
pub fn free_address() -> SocketAddr {
    static CALL: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, high, low, CALL.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}
