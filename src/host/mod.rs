//! What each family of node images wants to be told. Text out, nothing written.
//!
//! To add a host: a variant of [`Host`] and [`HostKind`], a file beside this one, and a row in
//! `tests/golden.rs`; the compiler names every `match` that is missing.

pub mod cluster;
pub mod kubeadm;
pub mod kubelet_dropin;
pub mod nodeadm;
pub mod other_figures;
pub mod snap;
pub mod unit_file;
pub mod user_data;

use crate::domain::kubelet::Kubelet;
use other_figures::OtherFigure;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// The families by name, as a person writes them in the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum HostKind {
    /// Found by what the machine has.
    #[default]
    Auto,
    /// Amazon Linux 2023 whose nodeadm reads `/etc/eks/nodeadm.d`.
    Nodeadm,
    /// Any image whose kubelet is a systemd unit: AL2, older AL2023 and others.
    KubeletDropin,
    /// An image whose kubelet kubeadm starts.
    Kubeadm,
    /// Ubuntu's EKS images, whose kubelet is the snap kubelet-eks.
    Snap,
    /// Nothing is written: the caller passes the figures on.
    None,
}

/// What was found on the image that tells its family. Read once, by the machine adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `nodeadm-run.service`, if there is one.
    pub nodeadm_run_unit: Option<String>,
    /// `kubelet.service` and its drop-ins in the order in which systemd reads them; ours left out.
    pub kubelet_unit: Vec<String>,
    /// The files that kubeadm's unit may read further arguments from, by their paths.
    pub extra_arguments: Vec<(PathBuf, String)>,
    /// The arguments that snapd has for `kubelet-eks`; `None` where there is no such snap.
    pub snap_arguments: Option<String>,
    /// The other drop-ins in `/etc/eks/nodeadm.d` by their names, in nodeadm's order.
    pub nodeadm_drop_ins: Vec<(String, String)>,
    /// Drop-ins of the kubelet's own on nodeadm's images, by their names, in its order.
    pub kubelet_drop_ins: Vec<(String, String)>,
}

/// The family of this image, with what its renderer needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// See [`nodeadm`].
    Nodeadm,
    /// See [`kubelet_dropin`].
    KubeletDropin {
        /// The kubelet's command line, as its unit has it.
        exec_start: String,
    },
    /// See [`kubeadm`].
    Kubeadm(kubeadm::ExtraArguments),
    /// See [`snap`].
    Snap {
        /// The kubelet's arguments as they are.
        arguments: String,
    },
    /// Nothing is written.
    None,
}

/// A host, and why it was taken for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The host.
    pub host: Host,
    /// For the log.
    pub reason: String,
}

/// One thing to make true on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file with exactly these contents.
    File {
        /// Absolute, as the node sees it.
        path: PathBuf,
        /// UTF-8, ending in a newline.
        contents: String,
    },
    /// No such file: another host's, from before an upgrade of the image.
    Absent {
        /// Absolute, as the node sees it.
        path: PathBuf,
    },
    /// These arguments of the kubelet's snap.
    SnapArguments {
        /// As they are.
        current: String,
        /// As they should be.
        arguments: String,
    },
}

impl Change {
    /// The file that it is about; a snap's setting is none.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } | Self::Absent { path } => Some(path),
            Self::SnapArguments { .. } => None,
        }
    }

    /// What it is about, for a reader.
    #[must_use]
    pub fn target(&self) -> String {
        self.path()
            .map_or_else(|| "snap kubelet-eks, args".to_owned(), |it| it.display().to_string())
    }

    /// Whether a file that stands there now may be replaced or removed: one of ours as a whole says so
    /// in its first line, and kubeadm's, which is not, is taken over with what stands in it.
    #[must_use]
    pub fn may_touch(&self, old: &str) -> bool {
        let ours = NOTICE.lines().next().unwrap_or_default();
        let whole = match self {
            Self::File { contents, .. } => contents.starts_with(ours),
            Self::Absent { .. } => true,
            Self::SnapArguments { .. } => false,
        };
        !whole || old.is_empty() || old.starts_with(ours)
    }

    /// Whether systemd must read its units again before it takes effect.
    #[must_use]
    pub fn concerns_systemd(&self) -> bool {
        self.path().is_some_and(|path| path.starts_with("/etc/systemd"))
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
        HostKind::Auto => match (drop_ins, extra_arguments) {
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
    let path =
        image.kubelet_unit.iter().rev().flat_map(|text| text.lines().rev()).find_map(|line| {
            let file = line.trim().strip_prefix("EnvironmentFile=")?.trim_start_matches('-');
            kubeadm::FILES.iter().find(|path| **path == file)
        })?;
    let found = image.extra_arguments.iter().find(|(known, _)| known == Path::new(path));
    let text = found.map_or("", |(_, text)| text.as_str());
    Some(kubeadm::ExtraArguments::read(PathBuf::from(path), text))
}

/// What somebody else has told the kubelet, as far as it is ours to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldElsewhere {
    /// Every max-pods, the weakest first.
    pub figures: Vec<OtherFigure>,
    /// Whether a flag sets its reserve.
    pub sets_reserve: bool,
    /// A `maxPodsExpression` in user data that is no plain number: only nodeadm can work it out.
    pub expression: Option<String>,
}

/// What somebody else has told the kubelet of this image. `said` is what the `NodeConfig` in user data
/// says of it.
#[must_use]
pub fn told_elsewhere(
    image: &Image,
    host: &Host,
    said: Option<&user_data::NodeConfigKubelet>,
) -> ToldElsewhere {
    let said = said.cloned().unwrap_or_default();
    let mut figures = other_figures::of_node_config(&said, None);
    let mut arguments = image.kubelet_unit.clone();
    arguments.extend(image.extra_arguments.iter().map(|(_, text)| kubeadm::without_block(text)));
    arguments.extend(image.snap_arguments.iter().map(|current| snap::without_ours(current)));
    figures.extend(other_figures::of_units(&arguments));
    arguments.extend(said.flags);
    if *host == Host::Nodeadm {
        for (name, text) in &image.nodeadm_drop_ins {
            // One that cannot be read is nodeadm's to refuse.
            let said = user_data::node_config(text.as_bytes()).ok().flatten();
            let kubelet = said.unwrap_or_default().kubelet;
            figures.extend(other_figures::of_node_config(&kubelet, Some(name)));
            arguments.extend(kubelet.flags);
        }
        let drop_ins = image.kubelet_drop_ins.iter();
        figures.extend(
            drop_ins.filter_map(|(name, text)| other_figures::of_kubelet_drop_in(name, text)),
        );
    }
    figures.sort_by(|one, other| one.place.cmp(&other.place));
    let is_plain = |text: &String| text.trim().parse::<u32>().is_ok();
    ToldElsewhere {
        figures,
        sets_reserve: arguments.iter().any(|text| other_figures::sets_reserve(text)),
        expression: said.expression.filter(|text| !is_plain(text)),
    }
}

/// What to change so that nothing of ours is left: every file that a host of ours may have written, and
/// the block in kubeadm's.
#[must_use]
pub fn traces(image: &Image) -> Vec<Change> {
    let mut changes: Vec<Change> = OURS.concat().into_iter().map(absent).collect();
    for (path, text) in &image.extra_arguments {
        let contents = kubeadm::without_block(text);
        if contents != *text {
            changes.push(Change::File { path: path.clone(), contents });
        }
    }
    if let Some(current) = &image.snap_arguments {
        let arguments = snap::without_ours(current);
        changes.push(Change::SnapArguments { current: current.clone(), arguments });
    }
    changes
}

/// The files of every host that are ours as a whole.
const OURS: [&[&str]; 2] = [nodeadm::FILES, kubelet_dropin::FILES];

fn absent(path: &str) -> Change {
    Change::Absent { path: path.into() }
}

impl Host {
    /// What to change so that the kubelet starts as `kubelet` says. Files of the other families
    /// are to be absent: an image that was upgraded in place must not keep yesterday's figure.
    #[must_use]
    pub fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        let mut changes = match self {
            Self::Nodeadm => nodeadm::render(kubelet),
            Self::KubeletDropin { exec_start } => kubelet_dropin::render(kubelet, exec_start),
            Self::Kubeadm(file) => kubeadm::render(kubelet, file),
            Self::Snap { arguments } => snap::render(kubelet, arguments),
            Self::None => return Vec::new(),
        };
        for path in OURS.concat() {
            if !changes.iter().any(|change| change.path() == Some(Path::new(path))) {
                changes.push(absent(path));
            }
        }
        changes
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nodeadm => "nodeadm",
            Self::KubeletDropin { .. } => "kubelet-dropin",
            Self::Kubeadm(_) => "kubeadm",
            Self::Snap { .. } => "snap",
            Self::None => "none",
        })
    }
}

/// The first lines of every file we write.
pub(crate) const NOTICE: &str = "\
# Written by eni-bootstrap before the kubelet starts, and again at every boot.
# Settings belong in /etc/eni-bootstrap/*.toml; a change made here is lost.
";

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
