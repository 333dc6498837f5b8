//! Runs a command under strace: lists its system calls that change files, and injects a signal or an
//! error at one of them.

use crate::support::boot::node::Node;
use crate::support::node::{RunOutput, run_output};
use crate::support::real_parts::program;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The system calls that change files, and those that start a process.
const CALLS: &str = "open,openat,openat2,creat,write,writev,pwrite64,pwritev,pwritev2,copy_file_range,sendfile,ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,fsync,fdatasync,sync_file_range,syncfs,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,flock,clone,clone3,fork,vfork";
/// The system calls that start a process.
const START: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

/// A system call of a command at which something is injected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    call: String,
    /// The number of the call among those with the same name that strace selects, starting at 1.
    number: usize,
    pub target: Target,
    /// The arguments of the call, for failure messages.
    text: String,
}

/// What a system call changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A file or directory below the root.
    File,
    /// A Unix socket.
    Socket,
    /// A new process.
    Process,
}

impl Point {
    /// Returns whether the call replaces a file with a temporary file.
    pub fn is_rename(&self) -> bool {
        self.call.starts_with("rename")
    }

    /// Returns whether a signal can interrupt the call with `EINTR`.
    pub fn can_be_interrupted(&self) -> bool {
        ["openat", "write", "fsync"].contains(&self.call.as_str())
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.call, self.number, self.text)
    }
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Injection {
    /// SIGKILL before the system call is executed.
    Kill,
    /// SIGTERM at the system call, which is executed.
    Terminate,
    /// The system call is not executed and returns this error, such as `EIO`.
    Error(&'static str),
}

impl fmt::Display for Injection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => formatter.write_str("SIGKILL"),
            Self::Terminate => formatter.write_str("SIGTERM"),
            Self::Error(name) => formatter.write_str(name),
        }
    }
}

/// The system calls of a command, as the first run found them.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub points: Vec<Point>,
    /// The paths that the calls use, relative to the root.
    paths: BTreeSet<PathBuf>,
}

/// Returns strace.
pub fn strace() -> Option<PathBuf> {
    program("strace", "strace")
}

/// Copies strace and its libraries to a node that will boot, if this machine has the same libraries.
pub fn copy_to(node: &Node) -> Option<()> {
    let strace = strace()?;
    let libraries = run_output(Command::new("ldd").arg(&strace).output().unwrap()).stdout;
    let libraries = libraries.split_whitespace().filter(|word| word.starts_with("/lib/"));
    for file in libraries.map(Path::new).chain([strace.as_path()]) {
        if node.has_in_image(file) {
            continue;
        }
        // /lib is a link to usr/lib.
        let name = file.strip_prefix("/usr").or(file.strip_prefix("/")).unwrap();
        let target = node.path("usr").join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
    Some(())
}

/// Runs `command` on `root`, and returns its output and its points. Only the main thread is traced: no
/// other thread of eni-bootstrap changes files.
pub fn trace(strace: &Path, command: &Command, root: &Path, log: &Path) -> (RunOutput, Trace) {
    let mut traced = with_strace(strace, command, log, &["-yy", "-s", "0", "-e"]);
    let output = run_output(finish(&mut traced, &format!("trace={CALLS},sendto,sendmsg"), command));
    (output, Trace::parse(&fs::read_to_string(log).unwrap(), root))
}

/// Runs `command` on `root` with `injection` at `point`. Panics if the point was not reached.
pub fn inject(
    strace: &Path,
    (command, root): (&Command, &Path),
    log: &Path,
    trace: &Trace,
    (point, injection): (&Point, Injection),
) -> RunOutput {
    let mut traced = with_strace(strace, command, log, &["-yy", "-s", "0"]);
    if point.target == Target::File {
        for path in &trace.paths {
            traced.arg("-P").arg(root.join(path));
        }
    }
    let call = &point.call;
    let action = match injection {
        Injection::Kill => "signal=KILL".to_owned(),
        Injection::Terminate => "signal=TERM".to_owned(),
        Injection::Error(name) => format!("error={name}"),
    };
    traced.args(["-e", &format!("inject={call}:{action}:when={}", point.number), "-e"]);
    let output = run_output(finish(&mut traced, &format!("trace={call}"), command));
    let log = fs::read_to_string(log).unwrap();
    let line = log.lines().filter(|line| line.starts_with(call.as_str())).nth(point.number - 1);
    let is_injected = match injection {
        Injection::Kill => log.contains("+++ killed by SIGKILL +++"),
        Injection::Terminate => log.contains("--- SIGTERM "),
        Injection::Error(_) => log.contains("(INJECTED)"),
    };
    let target = line.and_then(|line| target(line, root));
    assert!(
        is_injected && target == Some(point.target),
        "{injection} at {point}: not reached:\n{log}\n{}",
        output.stderr
    );
    output
}

fn with_strace(strace: &Path, command: &Command, log: &Path, options: &[&str]) -> Command {
    let mut traced = Command::new(strace);
    traced.arg("-qq").arg("-o").arg(log).args(options).env_clear();
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced
}

fn finish(traced: &mut Command, last: &str, command: &Command) -> std::process::Output {
    traced.arg(last).arg(command.get_program()).args(command.get_args());
    traced.output().unwrap()
}

impl Trace {
    fn parse(log: &str, root: &Path) -> Self {
        let mut trace = Self::default();
        let prefix = format!("{}/", root.display());
        let mut numbers: BTreeMap<(&str, bool), usize> = BTreeMap::new();
        let mut opened = None;
        for line in log.lines() {
            let Some((call, text)) = line.split_once('(') else { continue };
            let target = target(line, root);
            let paths = line.match_indices(&prefix).map(|(at, _)| {
                let path = &line[at + prefix.len()..];
                PathBuf::from(&path[..path.find(['"', '>']).unwrap_or(path.len())])
            });
            trace.paths.extend(paths);
            // With -P, strace counts the calls with a path below the root, and otherwise all calls.
            let by_path = numbers.entry((call, true)).or_default();
            *by_path += usize::from(target == Some(Target::File));
            let by_path = *by_path;
            let all = numbers.entry((call, false)).or_default();
            *all += 1;
            let Some(target) = target else { continue };
            let number = if target == Target::File { by_path } else { *all };
            let text = text.replace(&prefix, "/");
            let point = Point { call: call.to_owned(), number, target, text };
            if target == Target::File && !changes(&point) {
                opened = Some(point);
                continue;
            }
            // A directory is opened only to flush it.
            trace.points.extend(opened.take().filter(|_| call == "fsync"));
            trace.points.push(point);
        }
        trace
    }
}

/// Returns what the call in a line of the log may change; `None` for a file outside of `root` and for a
/// network connection.
fn target(line: &str, root: &Path) -> Option<Target> {
    let call = line.split('(').next()?;
    if START.contains(&call) {
        // A thread is not a process.
        return (!line.contains("CLONE_THREAD")).then_some(Target::Process);
    }
    if line.contains("<UNIX-STREAM:") {
        return Some(Target::Socket);
    }
    line.contains(&format!("{}/", root.display())).then_some(Target::File)
}

/// Returns whether a call may change files. Opening a file for reading does not.
fn changes(point: &Point) -> bool {
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
    !point.call.starts_with("open") || writes.iter().any(|flag| point.text.contains(flag))
}
