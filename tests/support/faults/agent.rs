//! One run of the agent, during which faults begin and end.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::case::Case;
use super::inject::Site;
use super::schedule::Schedule;
use crate::support::stall;

/// The result of one run.
#[derive(Debug)]
pub struct AgentRun {
    /// `None` if a signal ended the run.
    pub status: Option<i32>,
    /// The complete output, at the highest log level.
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub elapsed: Duration,
    /// The part of `elapsed` for which the machine did not run this process, although it was ready to run: a
    /// measure of how busy the machine was.
    pub stalled: Duration,
}

/// The time limits of a run that is expected to succeed, so that a slow machine does not reach them. HTTP 404
/// for an optional item of instance metadata is retried for one twentieth of the first one.
const LONG: [(&str, &str); 2] =
    [("ENI_BOOTSTRAP_IMDS_WAIT", "20s"), ("ENI_BOOTSTRAP_ENI_CONFIG_WAIT", "1m")];

/// Runs the agent of `case`. Kills it after `most`, without the time for which the machine was stalled.
pub fn run(
    binary: &Path,
    case: &Case,
    site: &mut Site,
    mut schedule: Schedule,
    most: Duration,
) -> AgentRun {
    let folder = site.stack.home();
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| folder.join(name));
    let mut command = program(binary, case, site);
    command.arg(&case.command).arg("--verbose").args(&case.arguments).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("HOME", folder).current_dir(folder);
    // The agent must ignore it: the log lines of libraries may contain secrets.
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    command.envs(site.stack.variables(case, site.at));
    if case.status == 0 || !schedule.has_faults() {
        command.envs(LONG);
    }
    if case.chroot {
        command.env("ENI_BOOTSTRAP_ROOT", "/");
    }
    command.envs(&case.env);
    let log = File::create(&stderr).unwrap();
    let meta = log.metadata().unwrap();
    // With the priorities of the journal, the lines of each level can be told apart.
    command.env("JOURNAL_STREAM", format!("{}:{}", meta.dev(), meta.ino()));
    command.stdin(Stdio::null()).stdout(File::create(&stdout).unwrap()).stderr(log);
    schedule.start(case, site);
    let started = Instant::now();
    let mut stalled = Duration::ZERO;
    let mut child = Running(command.spawn().unwrap());
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status.code();
        }
        if started.elapsed() > most + stalled {
            break None;
        }
        schedule.advance(case, site, started.elapsed());
        stalled += stall::tick();
    };
    let elapsed = started.elapsed();
    drop(child);
    let [stdout, stderr] = [stdout, stderr].map(|path| fs::read(path).unwrap());
    AgentRun { status, stdout, stderr, elapsed, stalled }
}

/// Mounts what a program in the chroot `$0` needs, and starts `$@` there. The mounts are in their own
/// namespace, so that nothing else sees them.
const CHROOT: &str = "PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --bind /usr $0/.host/usr
mount --bind /dev $0/dev
mount --bind $1 $0/.host/agent
root=$0
shift
exec chroot $root /bin/env PATH=/stand-ins /.host/agent \"$@\"";

/// Returns the command that starts the agent.
fn program(binary: &Path, case: &Case, site: &Site) -> Command {
    if case.chroot {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["--mount", "/bin/sh", "-ec", CHROOT]).arg(site.stack.root()).arg(binary);
        return command;
    }
    let Some((program, arguments)) = case.wrapper.split_first() else {
        return Command::new(binary);
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(binary);
    command
}

/// A process that is killed when this value is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
