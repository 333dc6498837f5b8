//! Agents: processes of the static binary, each with its own root directory.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::parts::Parts;

/// The unit by which eni-bootstrap detects Amazon Linux 2023.
///
/// Source: `templates/al2023/runtime/rootfs/etc/systemd/system/`, awslabs/amazon-eks-ami.
const NODEADM_RUN: &str = "[Service]
ExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data --config-source file:///etc/eks/nodeadm.d/
";
/// How long an agent may run.
const LIMIT: Duration = Duration::from_mins(5);

/// Creates the root directory of an Amazon Linux 2023 node below `directory`.
pub fn root(directory: &Path) -> Result<TempDir, Box<dyn Error>> {
    let root = tempfile::tempdir_in(directory)?;
    let units = root.path().join("etc/systemd/system");
    fs::create_dir_all(&units)?;
    File::create(units.join("nodeadm-run.service"))?.write_all(NODEADM_RUN.as_bytes())?;
    Ok(root)
}

/// Returns the static binary with only `arguments`, on the node with this root directory.
pub fn command(parts: &Parts, root: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(&parts.binary);
    command.env_clear().env("PATH", "/usr/bin:/bin").args(arguments);
    command.arg(format!("--root={}", root.display()));
    command
}

/// A running agent. Dropping it kills it.
pub struct Agent {
    root: TempDir,
    pid: Pid,
    /// The time at which the process was started.
    pub started: Instant,
    exit: Receiver<(Instant, std::io::Result<ExitStatus>)>,
    has_exited: bool,
}

impl Agent {
    /// Starts an agent with its root below `directory`.
    pub fn start(
        parts: &Parts,
        directory: &Path,
        arguments: &[String],
    ) -> Result<Self, Box<dyn Error>> {
        let root = root(directory)?;
        let log = File::create(root.path().join("log"))?;
        let started = Instant::now();
        let mut child = command(parts, root.path(), arguments).stderr(log).spawn()?;
        let pid = Pid::from_raw(child.id().try_into()?);
        let (sender, exit) = mpsc::channel();
        // A thread for each agent: it returns from `wait` as soon as the kernel reports the exit.
        thread::spawn(move || {
            let status = child.wait();
            let _ = sender.send((Instant::now(), status));
        });
        Ok(Self { root, pid, started, exit, has_exited: false })
    }

    /// Returns what the agent has logged.
    pub fn log(&self) -> std::io::Result<String> {
        fs::read_to_string(self.root.path().join("log"))
    }

    /// Waits until the agent has exited with success. Returns the time of the exit.
    pub fn exited(&mut self) -> Result<Instant, Box<dyn Error>> {
        let (at, status) = self.exit.recv_timeout(LIMIT)?;
        self.has_exited = true;
        let status = status?;
        if !status.success() {
            return Err(format!("an agent ended with {status}:\n{}", self.log()?).into());
        }
        Ok(at)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if !self.has_exited {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = self.exit.recv();
        }
    }
}
