//! A server process for a test: where it listens, when it is ready, and that it never outlives the
//! test.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take until it is ready: moto imports for seconds on a busy
/// machine.
const START: Duration = Duration::from_mins(1);

/// A process that serves at an address of its own and is killed when this is dropped, or with the
/// test process, however that ends.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// The shell that [`LEASH`] runs in; its stdin is what keeps the server alive.
    shell: Child,
    /// What the server prints; the file has no name, so none is left behind.
    log: File,
}

/// Runs the command given as arguments until stdin ends: the kernel closes our end of that pipe
/// even if this process is killed. (`PR_SET_PDEATHSIG` would follow the thread that started the
/// server, which is one test's.)
const LEASH: &str = r#""$@" </dev/null & read -r _; kill -9 $!; wait"#;

impl Server {
    /// Starts what `command` makes for an address, and waits until it accepts connections there.
    pub fn start(command: impl FnOnce(SocketAddr) -> Command) -> Self {
        let address = free_address();
        Self::start_at(address, &command(address))
    }

    /// Starts `command`, and waits until it accepts connections at `address`.
    pub fn start_at(address: SocketAddr, command: &Command) -> Self {
        let log = tempfile::tempfile().unwrap();
        let mut leashed = Command::new("sh");
        leashed.args(["-c", LEASH, "sh"]).arg(command.get_program()).args(command.get_args());
        leashed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        leashed.stdin(Stdio::piped());
        leashed.stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap());
        let mut server = Self { address, shell: leashed.spawn().unwrap(), log };
        server.wait_until(|| TcpStream::connect(address).is_ok());
        server
    }

    /// Waits until it is ready.
    pub fn wait_until(&mut self, ready: impl Fn() -> bool) {
        let started = Instant::now();
        while !ready() {
            if started.elapsed() > START {
                let mut log = String::new();
                self.log.rewind().unwrap();
                self.log.read_to_string(&mut log).unwrap();
                panic!("not ready at {} for {START:?}:\n{log}", self.address);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its address as a URL without a path.
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

/// A loopback address with a free port. The host part is of this process and call alone, so nobody
/// else takes the port between here and the server's start.
pub fn free_address() -> SocketAddr {
    static CALL: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, high, low, CALL.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}
