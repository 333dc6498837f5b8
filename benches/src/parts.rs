//! The programs and directories that the benchmarks need.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::program::Program;

/// The programs and directories that the benchmarks need.
#[expect(clippy::struct_field_names, reason = "`real_parts` is the name of the directory")]
#[derive(Clone, Debug)]
pub struct Parts {
    /// The static release binary.
    pub binary: PathBuf,
    /// The static release binary for arm64, which may be missing.
    pub binary_arm64: PathBuf,
    /// The directory into which `tests/real/install.sh` installs servers and tools.
    pub real_parts: PathBuf,
    /// The directory for results, logs and temporary files of the benchmarks.
    pub output: PathBuf,
    /// Whether each program runs only a few times, to check the benchmarks themselves.
    pub quick: bool,
}

impl Parts {
    /// Returns how often a program runs in a loop that runs it `runs` times.
    #[must_use]
    pub fn runs(&self, runs: usize) -> usize {
        if self.quick { runs.min(3) } else { runs }
    }

    /// Removes the measured programs from the page cache, so that they are read from disk, as on a node.
    ///
    /// After a program was written, the page cache contains it in larger parts than after it was read from the disk. Its
    /// processes then have up to 1.5 MiB more resident memory, and fewer page faults.
    ///
    /// # Errors
    ///
    /// Returns an error if a program cannot be written to disk.
    pub fn evict(&self) -> io::Result<()> {
        let peers = ["bin/nodeadm", "eksnode/eksnode", "eksnode/stub"];
        let peers = peers.map(|name| self.real_parts.join(name));
        for path in peers.iter().chain([&self.binary]).filter(|path| path.exists()) {
            let file = File::open(path)?;
            file.sync_all()?;
            posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        }
        Ok(())
    }

    /// Creates the directory for the output of the programs, and returns it.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory cannot be created.
    pub fn logs(&self) -> io::Result<PathBuf> {
        let logs = self.output.join("logs");
        fs::create_dir_all(&logs)?;
        Ok(logs)
    }

    /// Returns the program with `aws` in its path, and with an AWS region.
    #[must_use]
    pub fn with_aws_cli(&self, program: Program) -> Program {
        let mut path = self.real_parts.join("awscli/bin").into_os_string();
        path.push(OsString::from(":/usr/local/bin:/usr/bin:/bin"));
        let program = program.with("PATH", path).with("AWS_DEFAULT_REGION", "us-west-2");
        program.with("HOME", env::temp_dir().into_os_string())
    }
}

/// Returns a script of this crate that does what another program does.
#[must_use]
pub fn peer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}
