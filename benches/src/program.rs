//! Runs a whole process, and measures its wall time, its CPU time and its peak memory.

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// GNU time, which is started to measure memory. See [`Program::peak_mib`].
const TIME: &str = "/usr/bin/time";

/// A program with its arguments and its complete environment.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The name in the table.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The environment variables besides `PATH`.
    pub environment: Vec<(String, OsString)>,
    /// The file for its output.
    pub log: PathBuf,
}

/// The times of one run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// When the process was started.
    pub started: Instant,
    /// The time from the start of the process until it was waited for.
    pub wall: Duration,
    /// The user and system time of the process and of all its descendants that it waited for.
    pub cpu: Duration,
}

impl Program {
    /// Returns a program with these arguments, whose output goes to a file in `logs`.
    pub fn new<S: Into<OsString>>(
        name: &str,
        logs: &Path,
        command: impl IntoIterator<Item = S>,
    ) -> Self {
        let command = command.into_iter().map(Into::into).collect();
        let file: String =
            name.chars().map(|it| if it.is_alphanumeric() { it } else { '-' }).collect();
        Self {
            name: name.to_owned(),
            command,
            environment: Vec::new(),
            log: logs.join(file + ".log"),
        }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Runs the program. Its standard input is empty, and its output goes to its log file.
    ///
    /// The standard library starts it with `posix_spawn`, which does not copy the page tables of this
    /// process, so that the size of this process does not change the times. The CPU time is the difference of
    /// the times of all waited children, because no other child is waited for in between.
    ///
    /// # Errors
    ///
    /// Returns an error with the output if the program cannot be started or does not exit with status 0.
    pub fn run(&self) -> Result<Run, Box<dyn Error>> {
        let mut command = self.command(&[])?;
        let before = cpu_of_children()?;
        let started = Instant::now();
        let status = command.spawn()?.wait()?;
        let wall = started.elapsed();
        let cpu = cpu_of_children()?.saturating_sub(before);
        self.check(status)?;
        Ok(Run { started, wall, cpu })
    }

    /// Runs the program, and returns the peak resident memory of its largest process in MiB.
    ///
    /// `ru_maxrss` of a process contains the memory that its parent had at the fork. GNU time is a small
    /// program, so it starts this program and reads the value; with `/bin/true` it shows its lower limit.
    ///
    /// # Errors
    ///
    /// As [`Program::run`].
    pub fn peak_mib(&self) -> Result<f64, Box<dyn Error>> {
        let file = self.log.with_extension("peak");
        let prefix = [OsString::from(TIME), "-f%M".into(), "-o".into(), file.clone().into()];
        let status = self.command(&prefix)?.spawn()?.wait()?;
        self.check(status)?;
        let kib: f64 = fs::read_to_string(&file)?.trim().parse()?;
        Ok(kib / 1024.0)
    }

    fn command(&self, prefix: &[OsString]) -> io::Result<Command> {
        let log = File::create(&self.log)?;
        let mut words = prefix.iter().chain(&self.command);
        let mut command = Command::new(words.next().ok_or(io::ErrorKind::InvalidInput)?);
        command.args(words).env_clear();
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    fn check(&self, status: ExitStatus) -> Result<(), Box<dyn Error>> {
        if status.success() {
            return Ok(());
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Err(format!("{}: {status}:\n{log}", self.name).into())
    }
}

fn cpu_of_children() -> nix::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |it: TimeVal| {
        let seconds = Duration::from_secs(it.tv_sec().unsigned_abs());
        seconds + Duration::from_micros(it.tv_usec().unsigned_abs())
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}
