//! The number of CPUs, the memory size and the disk size of the instance.

use crate::adapter::disk;
use eni_core::facts::Machine;
use eni_core::failure::{Advice, ExitCode};
use eni_core::record::Hardware;
use nix::sys::statvfs::statvfs;
use std::borrow::Cow;
use std::path::Path;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// The DMI values of the instance.
///
/// Source: "Detect whether a host is an EC2 instance", Amazon EC2 User Guide.
const DMI: &str = "/sys/devices/virtual/dmi/id";

/// A failure to read the number of CPUs or the memory size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the number of CPUs and the memory size from /proc and /sys")]
pub struct HardwareError;

impl Advice for HardwareError {
    fn help(&self) -> Cow<'static, str> {
        "run eni-bootstrap as root on the node, and check that /proc and /sys are mounted".into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}

/// Returns the number of online CPUs and the memory size in bytes. The memory limit of a control group takes
/// precedence if it is lower.
pub(crate) fn machine() -> Result<Machine, HardwareError> {
    let kind = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind).map_err(|_| HardwareError)?;
    let cpus = u32::try_from(system.cpus().len()).unwrap_or(u32::MAX);
    let limit = system.cgroup_limits().map(|limits| limits.total_memory);
    let memory_bytes = system.total_memory().min(limit.unwrap_or(u64::MAX));
    if cpus == 0 || memory_bytes == 0 {
        return Err(HardwareError);
    }
    Ok(Machine { cpus, memory_bytes })
}

/// Returns the size in bytes of the file system that contains `path`, which may not exist yet; `None`
/// if it is unknown.
pub(crate) fn file_system_bytes(path: &Path) -> Option<u64> {
    let statistics = path.ancestors().find_map(|it| statvfs(it).ok())?;
    statistics.blocks().checked_mul(statistics.fragment_size())
}

/// Returns the DMI values of the instance. A value is `None` if the file below `root` is missing, empty or
/// unreadable.
pub(crate) fn identity(root: &Path) -> Hardware {
    let value = |name: &str| {
        let text = disk::read(&disk::under(root, &Path::new(DMI).join(name))).ok().flatten()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    Hardware { asset_tag: value("board_asset_tag"), product_name: value("product_name") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_path_is_on_the_file_system_of_its_parent() {
        let root = file_system_bytes(Path::new("/"));
        assert!(root.is_some());
        assert_eq!(file_system_bytes(Path::new("/does-not-exist/a")), root);
    }
}
