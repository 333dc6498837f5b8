//! Disables core dumps of this process and of the commands that it runs: the memory contains credentials
//! and tokens.

use nix::errno::Errno;
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Makes this process undumpable, and sets its limit for core files to 0.
///
/// The kernel writes no core dump of an undumpable process, also if `core_pattern` is a pipe. Other
/// processes of the same user can no longer read its memory and environment. The attribute ends at
/// `execve`. Child processes inherit the limit. The kernel applies it to core files, and systemd-coredump to
/// the dumps that it receives.
///
/// Source: `PR_SET_DUMPABLE`, prctl(2); core(5); `submit_coredump`, `src/coredump/coredump.c`, systemd.
pub(crate) fn disable() -> Result<(), Errno> {
    set_dumpable(false)?;
    // `LimitCORE=0` of the unit has the same effect. A process without CAP_SYS_RESOURCE cannot raise it.
    if getrlimit(Resource::RLIMIT_CORE)? != (0, 0) {
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    }
    Ok(())
}
