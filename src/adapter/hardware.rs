//! The number of CPUs, the memory size and the disk size of the instance.

use crate::adapter::disk;
use eni_core::domain::identifier::Mac;
use eni_core::facts::Machine;
use eni_core::failure::{Advice, ExitCode};
use eni_core::record::Hardware;
use nix::sys::statvfs::statvfs;
use nix::unistd::{SysconfVar, sysconf};
use std::borrow::Cow;
use std::path::Path;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// The DMI values of the instance.
///
/// Source: "Detect whether a host is an EC2 instance", Amazon EC2 User Guide.
const DMI: &str = "/sys/devices/virtual/dmi/id";

/// The network interfaces of the kernel.
///
/// Source: `Documentation/ABI/testing/sysfs-class-net`, Linux.
const NETWORK_INTERFACES: &str = "/sys/class/net";

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
    // sysinfo counts the CPUs in /proc/cpuinfo and /proc/stat. The kernel needs milliseconds to write these files on
    // an instance with many CPUs.
    let cpus = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    let cpus = cpus.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(0);
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind).map_err(|_| HardwareError)?;
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

/// Returns the MAC addresses of the network interfaces below `root` that have a hardware device, in the order in
/// which the kernel found them. Empty if they cannot be read.
pub(crate) fn mac_addresses(root: &Path) -> Vec<Mac> {
    let directory = disk::under(root, Path::new(NETWORK_INTERFACES));
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut addresses: Vec<(u32, Mac)> = entries
        .filter_map(|entry| {
            let interface = entry.path();
            // Virtual interfaces, such as those of pods, have no device.
            interface.join("device").exists().then_some(())?;
            let value = |name: &str| disk::read(&interface.join(name)).ok().flatten();
            let index = value("ifindex")?.trim().parse().ok()?;
            Some((index, value("address")?.trim().parse().ok()?))
        })
        .collect();
    addresses.sort_by_key(|(index, _)| *index);
    addresses.into_iter().map(|(_, address)| address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_network_interfaces_with_a_device_have_an_address_of_the_instance() {
        let root = tempfile::tempdir().unwrap();
        let interface = |name: &str, files: &[(&str, &str)]| {
            let directory = root.path().join("sys/class/net").join(name);
            std::fs::create_dir_all(&directory).unwrap();
            for (file, text) in files {
                disk::write_atomic(&directory.join(file), text.as_bytes()).unwrap();
            }
        };
        assert_eq!(mac_addresses(root.path()), []);
        interface(
            "ens6",
            &[("address", "02:00:00:00:00:02\n"), ("ifindex", "3\n"), ("device", "")],
        );
        interface(
            "ens5",
            &[("address", "02:00:00:00:00:01\n"), ("ifindex", "2\n"), ("device", "")],
        );
        interface("lo", &[("address", "00:00:00:00:00:00\n"), ("ifindex", "1\n")]);
        interface("ib0", &[("address", "80:00:02\n"), ("ifindex", "4\n"), ("device", "")]);
        let addresses: Vec<_> =
            mac_addresses(root.path()).iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["02:00:00:00:00:01", "02:00:00:00:00:02"]);
    }

    #[test]
    fn this_machine_has_the_cpus_and_the_memory_of_proc() {
        let machine = machine().unwrap();
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let processors = cpuinfo.lines().filter(|line| line.starts_with("processor"));
        assert_eq!(usize::try_from(machine.cpus), Ok(processors.count()));
        let table = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = table.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let kilobytes: u64 = total.trim().trim_end_matches(" kB").parse().unwrap();
        assert!((1..=kilobytes * 1024).contains(&machine.memory_bytes), "{machine:?}");
    }

    #[test]
    fn a_missing_path_is_on_the_file_system_of_its_parent() {
        let root = file_system_bytes(Path::new("/"));
        assert!(root.is_some());
        assert_eq!(file_system_bytes(Path::new("/does-not-exist/a")), root);
    }
}
