//! Any image whose kubelet is a systemd unit: a drop-in appends arguments to the kubelet's command
//! line, where they take precedence over every configuration file and over earlier arguments.
//!
//! Source: "Set Kubelet Parameters Via A Configuration File", kubernetes.io.

use super::existing_config::{ConfigLocation, ExistingConfig};
use super::kubelet_unit::{self, UNIT};
use super::{Change, Detection, HostError, HostFamily, HostKind, Image, NOTICE, Read, Renderer};
use super::{nodeadm, unit_file};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;

macro_rules! drop_in_name {
    () => {
        "90-eni-bootstrap.conf"
    };
}

/// The file name of the drop-in. systemd reads it after the `10-` and `30-` drop-ins of the images.
pub(super) const DROP_IN_NAME: &str = drop_in_name!();
/// The variable that holds the arguments.
pub const VARIABLE: &str = "ENI_BOOTSTRAP_KUBELET_ARGS";
const DROP_IN: &str = concat!("/etc/systemd/system/kubelet.service.d/", drop_in_name!());
/// In `/run`, so that no boot starts with the values of the previous one.
const ENVIRONMENT: &str = "/run/eni-bootstrap/kubelet.env";

pub(super) struct Family;

#[derive(Debug)]
struct KubeletDropIn {
    /// The kubelet's command line in the unit.
    exec_start: String,
}

impl HostFamily for Family {
    fn kind(&self) -> HostKind {
        HostKind::KubeletDropin
    }

    fn reads(&self) -> Vec<Read> {
        kubelet_unit::reads()
    }

    fn detect(&self, image: &Image) -> Detection {
        let texts = kubelet_unit::texts(image);
        if texts.is_empty() {
            return Detection::NotThis(format!("no {UNIT}"));
        }
        match unit_file::exec_start(&texts) {
            Ok(exec_start) => {
                let but = nodeadm::missing_feature(image).map(|it| format!(" and {it}"));
                let reason = format!("the image has {UNIT}{}", but.unwrap_or_default());
                Detection::this(reason, KubeletDropIn { exec_start })
            }
            Err(error) => Detection::Broken(error.into()),
        }
    }

    fn mismatch(&self, reason: String) -> HostError {
        let help = "set `host.kind = \"auto\"`, or use `--host-kind none`";
        HostError::Mismatch { kind: self.kind(), reason, help }
    }

    fn files(&self) -> &'static [&'static str] {
        &[ENVIRONMENT, DROP_IN]
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

impl Renderer for KubeletDropIn {
    /// Returns the environment file first, so that the drop-in never refers to a missing file.
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let arguments = kubelet.arguments().join(" ");
        let exec_start = &self.exec_start;
        let environment = format!("{NOTICE}{VARIABLE}={arguments}\n");
        let drop_in = format!(
            "{NOTICE}\
[Service]
# Optional (-): if the package is removed, the kubelet must still start. RequiredBy= in
# eni-bootstrap.service blocks the kubelet until this file is written.
EnvironmentFile=-{ENVIRONMENT}
# Append the eni-bootstrap arguments, so that they take precedence.
ExecStart=
ExecStart={exec_start} ${VARIABLE}
"
        );
        vec![
            Change::OwnedFile { path: ENVIRONMENT.into(), contents: environment },
            Change::OwnedFile { path: DROP_IN.into(), contents: drop_in },
        ]
    }
}
