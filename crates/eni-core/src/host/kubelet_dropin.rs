//! Any image whose kubelet is a systemd unit: a drop-in of the unit appends arguments to the kubelet's
//! command line, where they take precedence over every configuration file and over earlier arguments.
//! If the kubelet reads drop-ins itself, one of them sets max-pods and kube-reserved instead of flags.
//!
//! Source: "Set Kubelet Parameters Via A Configuration File", kubernetes.io.

use super::config_directory::{self, ConfigDirectory};
use super::existing_config::{ConfigLocation, ExistingConfig};
use super::kubelet_unit::{self, UNIT};
use super::nodeadm;
use super::unit_check::UnitCheck;
use super::unit_file::{self, Command, UnitError};
use super::{
    Change, Detection, HostError, HostFamily, HostKind, Image, NOTICE, Read, Renderer, removed,
};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;
use std::ffi::OsStr;

/// The file name of the drop-in. systemd reads drop-ins by name, so it reads this one after those of
/// the images and of most operators.
const DROP_IN_NAME: &str = "zz-eni-bootstrap.conf";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
/// The drop-in of version 0.1.0, which a later drop-in could replace.
const OLD_DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf";
/// The drop-ins of this version and of version 0.1.0.
pub(super) const DROP_INS: [&str; 2] = [DROP_IN, OLD_DROP_IN];
/// The variable that holds the arguments.
pub const VARIABLE: &str = "ENI_BOOTSTRAP_KUBELET_ARGS";
/// In `/run`, so that no boot starts with the values of the previous one.
pub(super) const ENVIRONMENT: &str = "/run/eni-bootstrap/kubelet.env";

pub(super) struct Family;

#[derive(Debug)]
struct KubeletDropIn {
    /// The kubelet's command in the unit.
    command: Command,
    /// The directory of the kubelet's drop-ins; `None` if flags configure the kubelet.
    directory: Option<ConfigDirectory>,
}

impl HostFamily for Family {
    fn kind(&self) -> HostKind {
        HostKind::KubeletDropin
    }

    fn reads(&self) -> Vec<Read> {
        kubelet_unit::reads()
    }

    fn detect(&self, image: &Image) -> Detection {
        if kubelet_unit::texts(image).is_empty() {
            return Detection::NotThis(format!("no {UNIT}"));
        }
        match command(image) {
            Ok(command) => {
                let but = nodeadm::missing_feature(image).map(|it| format!(" and {it}"));
                let reason = format!("the image has {UNIT}{}", but.unwrap_or_default());
                let (directory, note) = ConfigDirectory::find_with_note(image, None);
                Detection::this(reason + &note, KubeletDropIn { command, directory })
            }
            Err(error) => Detection::Broken(error.into()),
        }
    }

    fn mismatch(&self, reason: String) -> HostError {
        let help = "set `host.kind = \"auto\"`, or use `--host-kind none`";
        HostError::Mismatch { kind: self.kind(), reason, help }
    }

    fn files(&self) -> &'static [&'static str] {
        // The drop-in of the kubelet last: while the arguments name its directory, it must exist.
        &[ENVIRONMENT, DROP_IN, OLD_DROP_IN, config_directory::ADDED_FILE]
    }

    fn remove(&self, image: &Image) -> Vec<Change> {
        let other_directories = config_directory::own_files(image);
        let other_directories =
            other_directories.into_iter().map(|path| Change::RemoveFile { path });
        self.files().iter().copied().map(removed).chain(other_directories).collect()
    }

    /// Adds the drop-ins of nodeadm: with `host.kind = "kubelet-dropin"`, the image may have a nodeadm
    /// that reads them. Its flags stand before those of eni-bootstrap.
    fn existing(&self, image: &Image, _instance_type: &InstanceType) -> ExistingConfig {
        let mut existing = kubelet_unit::existing(image);
        if nodeadm::missing_feature(image).is_none() {
            existing.extend(nodeadm::drop_ins(image, |name| {
                let path = format!("{}/{name}", nodeadm::DIRECTORY);
                (
                    ConfigLocation::KubeletConfigDropIn(path.clone()),
                    ConfigLocation::ArgumentsIn(path),
                )
            }));
        }
        existing
    }
}

/// Returns the command of the unit, to which arguments for the kubelet can be added.
fn command(image: &Image) -> Result<Command, UnitError> {
    let command = kubelet_unit::command(image, VARIABLE)?;
    let later = kubelet_unit::drop_ins(image).into_iter().find(|(path, text)| {
        path.file_name().is_some_and(|name| name > OsStr::new(DROP_IN_NAME))
            && unit_file::assigns(text, "ExecStart")
    });
    match later {
        // The operator added the variable to the later drop-in.
        Some(_) if command.ends_with_variable(VARIABLE) => Ok(command),
        Some((drop_in, _)) => Err(UnitError::LaterDropIn { drop_in, own: DROP_IN_NAME }),
        None => Ok(command),
    }
}

impl Renderer for KubeletDropIn {
    /// Returns the drop-in of the kubelet and the environment file first, so that the drop-in of the unit
    /// never refers to a missing file or directory.
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let directory = self.directory.as_ref();
        let arguments = kubelet_unit::own_arguments(kubelet, directory).join(" ");
        let exec_start = self.command.with_variable(VARIABLE);
        let environment = format!("{NOTICE}{VARIABLE}={arguments}\n");
        let drop_in = format!(
            "{NOTICE}\
[Service]
# Optional (-): if the package is removed, the kubelet must still start. RequiredBy= in
# eni-bootstrap.service blocks the kubelet until this file is written.
EnvironmentFile=-{ENVIRONMENT}
# Append the eni-bootstrap arguments, so that they take precedence.
ExecStart=
ExecStart={exec_start}
"
        );
        let mut changes: Vec<Change> = directory.map(|it| it.change(kubelet)).into_iter().collect();
        changes.extend([
            Change::OwnedFile { path: ENVIRONMENT.into(), contents: environment },
            Change::OwnedFile { path: DROP_IN.into(), contents: drop_in },
        ]);
        changes
    }

    fn uses_config_file(&self) -> bool {
        self.directory.is_some()
    }

    fn unit_checks(&self, kubelet: &Kubelet) -> Vec<UnitCheck> {
        vec![kubelet_unit::check(kubelet, self.directory.as_ref(), VARIABLE)]
    }
}
