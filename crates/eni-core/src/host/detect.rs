//! Which family this image is of.

use super::{Host, HostKind, Image, kubeadm, nodeadm, snap, unit_file};
use crate::domain::identifier::InvalidIdentifier;
use crate::domain::proxy::InvalidProxy;
use crate::error::{Advice, ExitCode};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A host, and why it was taken for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The host.
    pub host: Host,
    /// For the log.
    pub reason: String,
}

impl Detected {
    fn new(host: Host, reason: &str) -> Self {
        Self { host, reason: reason.to_owned() }
    }
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

impl Advice for HostError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
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
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoSettingsApi => ExitCode::Unavailable,
            _ => ExitCode::InvalidData,
        }
    }
}

/// One family's claim to an image: why it is that, or why not.
type Claim = fn(&Image) -> Result<Detected, HostError>;

/// The surest first. Whatever else has a kubelet unit is left to [`kubelet_dropin`].
const CLAIMS: [Claim; 4] = [bottlerocket, nodeadm, snap, kubeadm];

/// Which family this image is of: `kind` if it is not [`HostKind::Auto`], else the surest match.
pub fn detect(kind: HostKind, image: &Image) -> Result<Detected, HostError> {
    let claim: Claim = match kind {
        HostKind::Auto => return surest(image),
        HostKind::None => |_| Ok(Detected::new(Host::None, "")),
        HostKind::Nodeadm => nodeadm,
        HostKind::KubeletDropin => kubelet_dropin,
        HostKind::Kubeadm => kubeadm,
        HostKind::Snap => snap,
        HostKind::Bottlerocket => bottlerocket,
    };
    Ok(Detected::new(claim(image)?.host, "set by hand"))
}

fn surest(image: &Image) -> Result<Detected, HostError> {
    for claim in CLAIMS {
        match claim(image) {
            Err(
                HostError::NoSettingsApi
                | HostError::NoDropIns(_)
                | HostError::NoSnap
                | HostError::NoExtraArguments,
            ) => {}
            // Or it is of this family, and something is wrong with it.
            found => return found,
        }
    }
    if image.kubelet_unit.is_empty() { Err(HostError::Unknown) } else { kubelet_dropin(image) }
}

fn bottlerocket(image: &Image) -> Result<Detected, HostError> {
    let found = image.bottlerocket.as_ref().ok_or(HostError::NoSettingsApi)?;
    let host = Host::Bottlerocket(Box::new(found.live.clone()));
    Ok(Detected::new(host, "there is Bottlerocket's settings API"))
}

fn nodeadm(image: &Image) -> Result<Detected, HostError> {
    reads_drop_ins(image).map_err(HostError::NoDropIns)?;
    Ok(Detected::new(Host::Nodeadm, "nodeadm-run.service reads /etc/eks/nodeadm.d"))
}

/// Why not, where nodeadm does not read them.
fn reads_drop_ins(image: &Image) -> Result<(), &'static str> {
    match &image.nodeadm_run_unit {
        None => Err("there is no nodeadm-run.service"),
        Some(unit) if unit.contains(nodeadm::DIRECTORY) => Ok(()),
        Some(_) => Err("its nodeadm-run.service does not read /etc/eks/nodeadm.d"),
    }
}

fn snap(image: &Image) -> Result<Detected, HostError> {
    let arguments = image.snap_arguments.clone().ok_or(HostError::NoSnap)?;
    let other = if image.kubelet_unit.is_empty() {
        ""
    } else {
        "; there is a kubelet.service, too, which the snap's image does not use"
    };
    let reason = format!("there is a {}{other}", snap::UNIT);
    Ok(Detected { host: Host::Snap { arguments }, reason })
}

fn kubeadm(image: &Image) -> Result<Detected, HostError> {
    let file = kubeadm_file(image).ok_or(HostError::NoExtraArguments)??;
    let reason =
        "kubelet.service reads kubeadm's file of further arguments; kubelet-dropin would fit, too";
    Ok(Detected::new(Host::Kubeadm(file), reason))
}

fn kubelet_dropin(image: &Image) -> Result<Detected, HostError> {
    let exec_start = unit_file::exec_start(&image.kubelet_unit)?;
    let why = reads_drop_ins(image).err().map(|why| format!(", and {why}")).unwrap_or_default();
    let reason = format!("there is a kubelet.service{why}");
    Ok(Detected { host: Host::KubeletDropin { exec_start }, reason })
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
mod tests;
