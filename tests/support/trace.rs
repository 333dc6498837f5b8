//! The output of strace: the system calls, and the paths that they change.

use std::collections::BTreeSet;

/// What a process and its children did.
#[derive(Debug, Default)]
pub struct Trace {
    /// The names of the system calls.
    pub calls: BTreeSet<String>,
    /// The names of the programs that were started.
    pub programs: BTreeSet<String>,
    /// The paths of the system calls that change a file or a directory, even if they failed.
    pub written: BTreeSet<String>,
}

/// The system calls that change a file or a directory whose path is an argument.
const CHANGES: [&str; 22] = [
    "chmod",
    "chown",
    "creat",
    "fchmodat",
    "fchmodat2",
    "fchownat",
    "lchown",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "symlink",
    "symlinkat",
    "truncate",
    "unlink",
    "unlinkat",
];

impl Trace {
    /// Reads the output of `strace -f -y` from the start of the program whose path contains `program`.
    pub fn read(text: &str, program: &str) -> Self {
        let mut trace = Self::default();
        let starts = |line: &str| {
            let path = line.split_once(" execve(\"").and_then(|(_, rest)| rest.split('"').next());
            path.is_some_and(|path| path.contains(program))
        };
        let from_start = text.lines().skip_while(|line| !starts(line));
        for line in from_start {
            // A line is `PID CALL(ARGUMENTS) = RESULT`, `PID <... CALL resumed>…` or `PID +++ …`.
            let Some((_, call)) = line.split_once(' ') else { continue };
            let Some((name, arguments)) = call.trim_start().split_once('(') else { continue };
            if !name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_') {
                continue;
            }
            trace.calls.insert(name.to_owned());
            if name == "execve" && !arguments.contains("= -1 ENOENT") {
                let path = arguments.split('"').nth(1).unwrap_or_default();
                trace.programs.insert(path.rsplit('/').next().unwrap_or_default().to_owned());
            }
            let opens_to_write = name.starts_with("open")
                && ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| arguments.contains(flag));
            if CHANGES.contains(&name) || opens_to_write {
                trace.written.extend(paths(arguments));
            }
        }
        assert!(!trace.calls.is_empty(), "{program} not found in the trace");
        trace
    }

    pub fn add(&mut self, other: Self) {
        self.calls.extend(other.calls);
        self.programs.extend(other.programs);
        self.written.extend(other.written);
    }
}

/// Returns the paths in the arguments of a system call. A relative path follows the path of its directory,
/// as in `5</etc>, "file"`.
fn paths(arguments: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, path) in arguments.split('"').enumerate() {
        if at % 2 == 0 {
            continue;
        }
        let before = arguments.split('"').nth(at - 1).unwrap();
        let folder = before.rsplit_once('<').and_then(|(_, rest)| rest.split('>').next());
        paths.push(match folder {
            Some(folder) if !path.starts_with('/') => format!("{folder}/{path}"),
            _ => path.to_owned(),
        });
    }
    paths
}
