//! The scheduling policy of this process, its servers and the measured programs.

use std::io;
use std::process::{self, Command, Stdio};

/// A scheduling policy. Threads and processes inherit it from the thread that starts them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Policy {
    /// Before all normal processes (`SCHED_RR`), so that other work on the machine affects the times less.
    RealTime,
    /// As all other processes.
    Normal,
}

impl Policy {
    /// Sets the policy of all threads of this process. Returns false without the permission, which root has.
    ///
    /// # Errors
    ///
    /// Returns an error if `chrt` cannot be started.
    pub fn set(self) -> io::Result<bool> {
        let arguments = match self {
            Self::RealTime => ["--rr", "1"],
            Self::Normal => ["--other", "0"],
        };
        let mut chrt = Command::new("chrt");
        chrt.args(["--all-tasks", "--pid"]).args(arguments).arg(process::id().to_string());
        Ok(chrt.stderr(Stdio::null()).status()?.success())
    }
}
