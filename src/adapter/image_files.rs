//! What the machine itself has: CPUs, memory, and the units that tell the image's family.

use crate::adapter::disk::{self, DiskError, under};
use crate::adapter::snap::{self, SnapError};
use eni_core::facts::Machine;
use eni_core::host::Image;
use eni_core::host::kubelet_dropin::DROP_IN_NAME;
use eni_core::host::other_figures::KUBELET_DROP_INS;
use eni_core::host::snap::UNIT;
use eni_core::host::{kubeadm, nodeadm};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Where systemd looks for units, the strongest first.
///
/// Source: systemd.unit(5), "Unit File Load Path".
const UNIT_DIRECTORIES: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// Amazon Linux 2: what `bootstrap.sh` copies over the kubelet's unit just before it starts it. The
/// unit that stands there until then is another one, for docker.
///
/// Source: `templates/al2/runtime/bootstrap.sh`, awslabs/amazon-eks-ami, before 2026-03.
const BOOTSTRAP_UNIT: &str = "etc/eks/containerd/kubelet-containerd.service";

/// Something about the machine that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// A file or a directory that is there and cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// snapd does not say what the kubelet's arguments are.
    #[error("the kubelet's snap does not say what its arguments are")]
    Snap(#[from] SnapError),
    /// The kernel does not say what the machine has.
    #[error("the kernel does not say how many CPUs and how much memory there are")]
    Kernel,
}

/// CPUs and memory of the running machine.
pub fn machine() -> Result<Machine, MachineError> {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).map_err(|_| MachineError::Kernel)?;
    let cpus = u32::try_from(system.cpus().len()).unwrap_or(u32::MAX);
    // Where a control group allows less than the machine has, that is what there is to share out.
    let allowed = system.cgroup_limits().map(|limits| limits.total_memory);
    let memory_bytes = system.total_memory().min(allowed.unwrap_or(u64::MAX));
    if cpus == 0 || memory_bytes == 0 {
        return Err(MachineError::Kernel);
    }
    Ok(Machine { cpus, memory_bytes })
}

/// The units under `root` that tell the image's family.
pub fn image(root: &Path) -> Result<Image, MachineError> {
    Ok(Image {
        nodeadm_run_unit: unit(root, "nodeadm-run.service")?,
        kubelet_unit: unit_with_drop_ins(root, "kubelet.service")?,
        extra_arguments: extra_arguments(root)?,
        snap_arguments: match unit(root, UNIT)? {
            Some(_) => Some(snap::arguments()?),
            None => None,
        },
        nodeadm_drop_ins: drop_ins(root, nodeadm::DIRECTORY, &["yaml", "yml", "json"])?,
        kubelet_drop_ins: drop_ins(root, KUBELET_DROP_INS, &["conf"])?,
        bottlerocket: None, // not a file: its API is asked
    })
}

/// The files that kubeadm's unit may read, as far as they are there.
fn extra_arguments(root: &Path) -> Result<Vec<(PathBuf, String)>, MachineError> {
    let mut files = Vec::new();
    for path in kubeadm::FILES.map(PathBuf::from) {
        if let Some(text) = disk::read(&under(root, &path))? {
            files.push((path, text));
        }
    }
    Ok(files)
}

/// The files with these endings in a directory of drop-ins, by name as their readers take them,
/// without ours.
fn drop_ins(
    root: &Path,
    directory: &str,
    endings: &[&str],
) -> Result<Vec<(String, String)>, MachineError> {
    let mut found = Vec::new();
    for path in disk::list(&under(root, Path::new(directory)))? {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if endings.contains(&ending.as_str()) && name != nodeadm::DROP_IN_NAME {
            found.extend(disk::read(&path)?.map(|text| (name, text)));
        }
    }
    Ok(found)
}

/// The unit file in force.
fn unit(root: &Path, name: &str) -> Result<Option<String>, MachineError> {
    for directory in UNIT_DIRECTORIES {
        let text = disk::read(&root.join(directory).join(name))?;
        if text.is_some() {
            return Ok(text);
        }
    }
    Ok(None)
}

/// The unit and its drop-ins in systemd's order: by file name, and of two with one name the one in
/// the stronger directory. Ours is left out, so that a second run sees what the first one saw.
fn unit_with_drop_ins(root: &Path, name: &str) -> Result<Vec<String>, MachineError> {
    let mut found = disk::read(&root.join(BOOTSTRAP_UNIT))?;
    if found.is_none() {
        found = unit(root, name)?;
    }
    let Some(unit) = found else { return Ok(Vec::new()) };
    let mut drop_ins: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for directory in UNIT_DIRECTORIES.iter().rev() {
        for path in disk::list(&root.join(directory).join(format!("{name}.d")))? {
            let is_drop_in = path.extension().is_some_and(|extension| extension == "conf");
            if let Some(name) = path.file_name().filter(|_| is_drop_in) {
                drop_ins.insert(name.to_owned(), path);
            }
        }
    }
    drop_ins.remove(OsStr::new(DROP_IN_NAME));
    let mut texts = vec![unit];
    for path in drop_ins.values() {
        texts.extend(disk::read(path)?);
    }
    Ok(texts)
}
