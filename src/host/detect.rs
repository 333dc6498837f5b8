//! Which family this image is of.

use super::{Host, HostKind, Image, kubeadm, snap, unit_file};
use crate::domain::identifier::InvalidIdentifier;
use crate::domain::proxy::InvalidProxy;
use std::path::{Path, PathBuf};

/// A host, and why it was taken for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The host.
    pub host: Host,
    /// For the log.
    pub reason: String,
}

/// Why no host was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Neither nodeadm nor a kubelet unit.
    #[error("this image has neither a nodeadm-run.service nor a kubelet.service")]
    Unknown,
    /// The settings name nodeadm, and the image's does not read our drop-in.
    #[error("the host is set to nodeadm, but {0}")]
    NoDropIns(&'static str),
    /// The settings name kubeadm, and the kubelet's unit reads no such file.
    #[error(
        "the host is set to kubeadm, but kubelet.service reads neither /etc/default/kubelet nor /etc/sysconfig/kubelet with $KUBELET_EXTRA_ARGS last"
    )]
    NoExtraArguments,
    /// The settings name the snap, and there is none.
    #[error("the host is set to snap, but there is no snap.kubelet-eks.daemon.service")]
    NoSnap,
    /// Bottlerocket, and there is no API to tell.
    #[error("there is no /run/api.sock, through which Bottlerocket's settings are changed")]
    NoSettingsApi,
    /// The proxy that Bottlerocket's settings name is none.
    #[error("settings.network.https-proxy cannot be used")]
    Proxy(#[source] InvalidProxy),
    /// The region that Bottlerocket's settings name is none.
    #[error("settings.aws.region cannot be used")]
    Region(#[source] InvalidIdentifier),
    /// What stands in kubeadm's file cannot be kept.
    #[error(transparent)]
    ExtraArguments(#[from] kubeadm::Unquotable),
    /// The kubelet's unit cannot be extended.
    #[error("kubelet.service cannot be extended")]
    Unit(#[from] unit_file::UnitError),
}

impl HostError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unknown => {
                "run it on an EKS node image, or use `--host-kind none` and pass on what `eni-bootstrap plan --output kubelet-args` prints"
            }
            Self::NoDropIns(_) => {
                "use `--host-kind kubelet-dropin`, or an AL2023 image from v20251023 on"
            }
            Self::NoExtraArguments | Self::NoSnap => "use `--host-kind kubelet-dropin`, or `auto`",
            Self::NoSettingsApi => {
                "run it as a Bottlerocket bootstrap container (settings.bootstrap-containers), or use `--host-kind auto`"
            }
            Self::Proxy(_) | Self::Region(_) => "correct it in Bottlerocket's user data",
            Self::ExtraArguments(_) => {
                "write it as one text in one pair of quotes, or use `--host-kind kubelet-dropin`"
            }
            Self::Unit(_) => {
                "look at `systemctl cat kubelet.service`: it needs exactly one ExecStart"
            }
        }
    }
}

const READS_DROP_INS: &str = "/etc/eks/nodeadm.d";

/// Which family this image is of: `kind` if it is not [`HostKind::Auto`], else the surest match.
pub fn detect(kind: HostKind, image: &Image) -> Result<Detected, HostError> {
    let drop_ins = match &image.nodeadm_run_unit {
        None => Err("there is no nodeadm-run.service"),
        Some(unit) if unit.contains(READS_DROP_INS) => Ok(()),
        Some(_) => Err("its nodeadm-run.service does not read /etc/eks/nodeadm.d"),
    };
    let detected = |host, reason: &str| Ok(Detected { host, reason: reason.to_owned() });
    let exec_start = || unit_file::exec_start(&image.kubelet_unit);
    let extra_arguments = kubeadm_file(image);
    let bottlerocket = image.bottlerocket.clone();
    let bottlerocket = bottlerocket.map(|found| Host::Bottlerocket(Box::new(found.live)));
    let snap = image.snap_arguments.clone().map(|arguments| Host::Snap { arguments });
    match kind {
        HostKind::None => detected(Host::None, "set by hand"),
        HostKind::Nodeadm => match drop_ins {
            Ok(()) => detected(Host::Nodeadm, "set by hand"),
            Err(why) => Err(HostError::NoDropIns(why)),
        },
        HostKind::KubeletDropin => {
            detected(Host::KubeletDropin { exec_start: exec_start()? }, "set by hand")
        }
        HostKind::Kubeadm => match extra_arguments {
            Some(file) => detected(Host::Kubeadm(file?), "set by hand"),
            None => Err(HostError::NoExtraArguments),
        },
        HostKind::Snap => detected(snap.ok_or(HostError::NoSnap)?, "set by hand"),
        HostKind::Bottlerocket => {
            detected(bottlerocket.ok_or(HostError::NoSettingsApi)?, "set by hand")
        }
        HostKind::Auto => match (drop_ins, extra_arguments) {
            _ if bottlerocket.is_some() => {
                detected(bottlerocket.unwrap_or(Host::None), "there is Bottlerocket's settings API")
            }
            (Ok(()), _) => detected(Host::Nodeadm, "nodeadm-run.service reads /etc/eks/nodeadm.d"),
            (Err(_), _) if snap.is_some() => {
                let other = if image.kubelet_unit.is_empty() {
                    ""
                } else {
                    "; there is a kubelet.service, too, which the snap's image does not use"
                };
                let reason = format!("there is a {}{other}", snap::UNIT);
                detected(snap.unwrap_or(Host::None), &reason)
            }
            (Err(_), _) if image.kubelet_unit.is_empty() => Err(HostError::Unknown),
            (Err(_), Some(file)) => detected(
                Host::Kubeadm(file?),
                "kubelet.service reads kubeadm's file of further arguments; kubelet-dropin would fit, too",
            ),
            (Err(why), None) => {
                let host = Host::KubeletDropin { exec_start: exec_start()? };
                detected(host, &format!("there is a kubelet.service, and {why}"))
            }
        },
    }
}

/// The file in which kubeadm's kubelet takes further arguments; `None` where its unit reads none, or
/// has other arguments after them.
fn kubeadm_file(image: &Image) -> Option<Result<kubeadm::ExtraArguments, kubeadm::Unquotable>> {
    let exec_start = unit_file::exec_start(&image.kubelet_unit).ok()?;
    if !exec_start.ends_with(&format!("${}", kubeadm::VARIABLE)) {
        return None;
    }
    // The last one that the unit reads wins.
    let read = unit_file::environment_files(&image.kubelet_unit);
    let is_known = |file: &PathBuf| kubeadm::FILES.iter().any(|known| file == Path::new(known));
    let path = read.into_iter().rev().find(is_known)?;
    let found = image.extra_arguments.iter().find(|(known, _)| *known == path);
    let text = found.map_or("", |(_, text)| text.as_str());
    Some(kubeadm::ExtraArguments::read(path, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBELET: &str = "[Service]\nExecStart=/usr/bin/kubelet $ARGS\n";

    fn image(nodeadm: Option<&str>, kubelet: &[&str]) -> Image {
        Image {
            nodeadm_run_unit: nodeadm.map(str::to_owned),
            kubelet_unit: kubelet.iter().map(|&text| text.to_owned()).collect(),
            ..Image::default()
        }
    }

    #[test]
    fn hosts_are_found_by_what_the_image_has() {
        let new = "ExecStart=/usr/bin/nodeadm init --config-source file:///etc/eks/nodeadm.d/";
        let old = "ExecStart=/usr/bin/nodeadm init";
        let dropin = Host::KubeletDropin { exec_start: "/usr/bin/kubelet $ARGS".to_owned() };
        let auto =
            |image: &Image| detect(HostKind::Auto, image).map(|found| (found.host, found.reason));
        assert_eq!(
            auto(&image(Some(new), &[KUBELET])),
            Ok((Host::Nodeadm, "nodeadm-run.service reads /etc/eks/nodeadm.d".to_owned()))
        );
        assert_eq!(
            auto(&image(Some(old), &[KUBELET])),
            Ok((
                dropin.clone(),
                "there is a kubelet.service, and its nodeadm-run.service does not read /etc/eks/nodeadm.d"
                    .to_owned()
            ))
        );
        assert_eq!(
            auto(&image(None, &[KUBELET])),
            Ok((
                dropin,
                "there is a kubelet.service, and there is no nodeadm-run.service".to_owned()
            ))
        );
        assert_eq!(auto(&image(None, &[])), Err(HostError::Unknown));
    }

    #[test]
    fn a_host_set_by_hand_must_fit_the_image() {
        let found = |kind, image: &Image| detect(kind, image).map(|found| found.host);
        assert_eq!(found(HostKind::None, &image(None, &[])), Ok(Host::None));
        assert_eq!(
            found(HostKind::Nodeadm, &image(None, &[KUBELET])),
            Err(HostError::NoDropIns("there is no nodeadm-run.service"))
        );
        assert_eq!(
            found(HostKind::KubeletDropin, &image(None, &[])),
            Err(HostError::Unit(unit_file::UnitError::NoExecStart))
        );
    }
}
