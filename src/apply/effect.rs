//! Verifies that the changes take effect: compares what systemd and snapd will use with the plan. Reloads
//! systemd until it has read all changes.

use super::ApplyError;
use crate::adapter::{Deadline, disk, host_command, kubelet_files, retry, systemd, unit_files};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::host::{Change, LoadedUnit, UnitCheck};
use std::path::Path;
use std::time::Duration;

/// The time limit for a `systemctl` command and its retries. systemd may be busy while the node boots.
const RETRY: Duration = Duration::from_secs(30);

/// Runs `systemctl daemon-reload` until it succeeds.
pub(super) async fn reload() -> Result<(), ApplyError> {
    let deadline = Deadline::after(RETRY);
    retry("apply", deadline, async || Ok(systemd::daemon_reload(deadline).await?)).await
}

/// Returns whether systemd still uses a drop-in of `paths`, which do not exist. An earlier run that was
/// killed may have removed the file without reloading systemd.
pub(super) async fn is_any_loaded(paths: &[&Path]) -> Result<bool, ApplyError> {
    for (unit, path) in paths.iter().filter_map(|path| Some((unit_of(path)?, path))) {
        let deadline = Deadline::after(RETRY);
        let loaded = retry("apply", deadline, async || systemd::show(unit, deadline).await);
        if loaded.await?.files.iter().any(|file| file == path) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the unit of a drop-in, such as `kubelet.service` of `kubelet.service.d/10-site.conf`.
fn unit_of(drop_in: &Path) -> Option<&str> {
    drop_in.strip_prefix("/etc/systemd/system").ok()?;
    drop_in.parent()?.file_name()?.to_str()?.strip_suffix(".d")
}

/// A unit that will use the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifiedUnit {
    pub name: &'static str,
    /// What could not be verified.
    pub warning: Option<Diagnostic>,
}

/// Verifies the effect of the changes below `root`, and returns the units that were verified. Skips the
/// units if no running systemd uses `root`, and each unit that does not exist yet.
pub(crate) async fn verify(
    root: &Path,
    checks: &[UnitCheck],
    changes: &[Change],
) -> Result<Vec<VerifiedUnit>, ApplyError> {
    for change in changes {
        verify_snap_option(change).await?;
        verify_file(root, change)?;
    }
    let mut verified = Vec::new();
    if systemd::manages(root) {
        for check in checks {
            verified.extend(verify_unit(check).await?);
        }
    }
    Ok(verified)
}

/// Reads the option of a snap again. Another program may have set it at the same time.
async fn verify_snap_option(change: &Change) -> Result<(), ApplyError> {
    if let Change::SnapOption { option, .. } = change {
        change.verify_snap_option(&host_command::snap_option(*option).await?)?;
    }
    Ok(())
}

/// Verifies that a file of eni-bootstrap still has the planned contents.
fn verify_file(root: &Path, change: &Change) -> Result<(), ApplyError> {
    let Change::OwnedFile { path, contents } = change else { return Ok(()) };
    match disk::read_node_file(root, path)? {
        Some(current) if current == *contents => Ok(()),
        _ => Err(ApplyError::Overwritten(path.clone())),
    }
}

/// Verifies a unit. Returns `None` if it does not exist.
async fn verify_unit(check: &UnitCheck) -> Result<Option<VerifiedUnit>, ApplyError> {
    let unit = current(check.unit).await?;
    if !unit.is_loaded {
        return Ok(None);
    }
    if let Ok(verified) = compare(check, &unit) {
        return Ok(Some(verified));
    }
    // systemd does not report every change: 219 not that a drop-in has replaced another one, and 252 not
    // the first drop-in in a new directory.
    reload().await?;
    compare(check, &current(check.unit).await?).map(Some)
}

/// Compares a unit with the plan, and does not change anything. Returns `None` if the unit does not
/// exist.
pub(crate) async fn inspect(check: &UnitCheck) -> Result<Option<VerifiedUnit>, ApplyError> {
    let unit = systemd::show(check.unit, Deadline::after(RETRY)).await?;
    if unit.needs_reload {
        return Err(ApplyError::NotReloaded(check.unit));
    }
    unit.is_loaded.then(|| compare(check, &unit)).transpose()
}

fn compare(check: &UnitCheck, unit: &LoadedUnit) -> Result<VerifiedUnit, ApplyError> {
    let mut files = unit_files::read(unit, check.kubelet_program(unit))?;
    if let Some(directory) = check.config_directory() {
        files.config = kubelet_files::drop_ins(directory)?;
    }
    check.verify(unit, &files)?;
    let warning = check.script_warning(unit, &files).map(|text| {
        let help = "start the kubelet with `exec kubelet \"$@\"` at the end of the script";
        Diagnostic::warning(Code::UnitScript, text, help)
    });
    Ok(VerifiedUnit { name: check.unit, warning })
}

/// Returns a unit after systemd has read all its files. A reload of an earlier run may have failed.
async fn current(unit: &'static str) -> Result<LoadedUnit, ApplyError> {
    let deadline = Deadline::after(RETRY);
    retry("apply", deadline, async || {
        let loaded = systemd::show(unit, deadline).await?;
        if !loaded.needs_reload {
            return Ok(loaded);
        }
        systemd::daemon_reload(deadline).await?;
        let loaded = systemd::show(unit, deadline).await?;
        if loaded.needs_reload { Err(ApplyError::NotReloaded(unit)) } else { Ok(loaded) }
    })
    .await
}
