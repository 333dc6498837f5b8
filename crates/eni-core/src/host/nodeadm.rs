//! Amazon Linux 2023: a `NodeConfig` drop-in, which `nodeadm-run.service` merges over user data.
//!
//! Source: "Overriding configuration with drop-in files", `nodeadm/doc/examples.md`. nodeadm reads
//! the directory since AMI release v20251023.

use super::existing_config::{self, ConfigLocation, ExistingConfig};
use super::unit_check::{Program, UnitCheck};
use super::{Change, Detection, HostError, HostFamily, HostKind, Image, NOTICE, Read, Renderer};
use super::{kubelet_config, kubelet_unit, unit_file, user_data};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::Kubelet;
use crate::domain::reserved::Reserved;
use std::path::Path;

macro_rules! directory {
    () => {
        "/etc/eks/nodeadm.d"
    };
}
macro_rules! drop_in_name {
    () => {
        "90-eni-bootstrap.yaml"
    };
}

/// The directory that nodeadm reads drop-ins from.
pub const DIRECTORY: &str = directory!();
/// The file name of the drop-in. nodeadm reads drop-ins by name, and the last one takes precedence.
pub const DROP_IN_NAME: &str = drop_in_name!();
const DROP_IN: &str = concat!(directory!(), "/", drop_in_name!());
/// The command that runs eni-bootstrap again, and then starts the kubelet.
const RETRY: &str = "systemctl start nodeadm-run";
/// The unit that starts the kubelet.
pub(super) const UNIT: &str = "nodeadm-run.service";
/// The directory from which the kubelet reads its own drop-ins on these images.
///
/// Source: `nodeadm/internal/kubelet/config.go`, awslabs/amazon-eks-ami.
pub(super) const KUBELET_DROP_INS: &str = "/etc/kubernetes/kubelet/config.json.d";

/// The environment file of `kubelet.service`. nodeadm writes it before it starts the kubelet.
///
/// Source: `nodeadm/internal/kubelet/environment.go`, awslabs/amazon-eks-ami.
pub(super) const ENVIRONMENT: &str = "/etc/eks/kubelet/environment";

/// The variable in [`ENVIRONMENT`] that contains the kubelet's flags.
const VARIABLE: &str = "NODEADM_KUBELET_ARGS";

pub(super) struct Family;

#[derive(Debug)]
struct Nodeadm;

impl HostFamily for Family {
    fn kind(&self) -> HostKind {
        HostKind::Nodeadm
    }

    fn reads(&self) -> Vec<Read> {
        let mut reads = vec![Read::FirstOf(unit_file::paths(UNIT))];
        reads.extend(kubelet_unit::reads());
        reads.extend([
            Read::Directory { path: DIRECTORY.into(), extensions: &["yaml", "yml", "json"] },
            Read::Directory { path: KUBELET_DROP_INS.into(), extensions: &["conf"] },
        ]);
        reads
    }

    fn detect(&self, image: &Image) -> Detection {
        match missing_feature(image) {
            None => Detection::this(format!("{UNIT} reads {DIRECTORY}"), Nodeadm),
            Some(reason) => Detection::NotThis(reason),
        }
    }

    fn mismatch(&self, reason: String) -> HostError {
        let help =
            "use `--host-kind kubelet-dropin`, or an AL2023 AMI of release v20251023 or later";
        HostError::Mismatch { kind: self.kind(), reason, help }
    }

    fn files(&self) -> &'static [&'static str] {
        &[DROP_IN]
    }

    fn existing(&self, image: &Image, _instance_type: &InstanceType) -> ExistingConfig {
        let lines = kubelet_unit::command_lines(image);
        let mut existing = ExistingConfig::from_command_lines_around(&lines, VARIABLE);
        existing.extend(drop_ins(image, |name| {
            (ConfigLocation::DropIn(name.to_owned()), ConfigLocation::DropInFlag(name.to_owned()))
        }));
        let drop_ins = image.directory(Path::new(KUBELET_DROP_INS));
        existing.max_pods.extend(
            drop_ins.filter_map(|(name, text)| {
                existing_config::max_pods_in_kubelet_drop_in(name, text)
            }),
        );
        existing.extend(kubelet_config::existing(image, &lines));
        existing
    }
}

/// Returns the values in the drop-ins of other programs. `locations` returns those of
/// `kubelet.config` and `kubelet.flags` in the drop-in with a name.
pub(super) fn drop_ins(
    image: &Image,
    locations: impl Fn(&str) -> (ConfigLocation, ConfigLocation),
) -> ExistingConfig {
    let mut existing = ExistingConfig::default();
    let drop_ins = image.directory(Path::new(DIRECTORY));
    for (name, text) in drop_ins.filter(|(name, _)| *name != DROP_IN_NAME) {
        // nodeadm itself rejects a drop-in that cannot be parsed.
        let node_config = user_data::node_config(text.as_bytes()).ok().flatten();
        let kubelet = node_config.unwrap_or_default().kubelet;
        existing.extend(ExistingConfig::from_node_config(&kubelet, &locations(name)));
    }
    existing
}

/// Returns which feature of nodeadm the image lacks, such as `no nodeadm-run.service`; `None` if
/// nodeadm reads drop-ins.
pub(super) fn missing_feature(image: &Image) -> Option<String> {
    match image.unit(UNIT) {
        None => Some(format!("no {UNIT}")),
        Some(unit) if unit.contains(DIRECTORY) => None,
        Some(_) => Some(format!("a {UNIT} that does not read {DIRECTORY}")),
    }
}

impl Renderer for Nodeadm {
    fn render(&self, kubelet: &Kubelet) -> Vec<Change> {
        // Destructured completely, so that a new field cannot be forgotten here.
        let Kubelet { max_pods, kube_reserved, node_labels, needs_flags } = kubelet;
        // nodeadm merges kubeReserved key by key, so the file needs no other resources.
        let Reserved { cpu, ephemeral_storage, memory, others: _ } = kube_reserved;
        // Flags only if necessary: the kubelet logs both as deprecated.
        let flags = if *needs_flags {
            format!(
                "      - \"--max-pods={max_pods}\"\n      - \"--kube-reserved={kube_reserved}\"\n"
            )
        } else {
            String::new()
        };
        let contents = format!(
            "{NOTICE}\
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    # nodeadm calculates its default kubeReserved from this expression, not from maxPods.
    maxPodsExpression: \"{max_pods}\"
    config:
      # Overrides maxPods from user data (managed node group, Karpenter or your own).
      maxPods: {max_pods}
      # Set explicitly, because nodeadm ignores the expression for an unknown instance type.
      kubeReserved:
        cpu: \"{cpu}\"
        ephemeral-storage: \"{ephemeral_storage}\"
        memory: \"{memory}\"
    flags:
      - \"--node-labels={node_labels}\"
{flags}"
        );
        vec![Change::OwnedFile { path: DROP_IN.into(), contents }]
    }

    /// Returns the checks that nodeadm reads the drop-in, and that its flags take precedence in the
    /// kubelet's unit. nodeadm has not written their file yet.
    fn unit_checks(&self, kubelet: &Kubelet) -> Vec<UnitCheck> {
        let [max_pods, kube_reserved, node_labels] = kubelet.arguments();
        let (mut required, mut configured) = (vec![node_labels], Vec::new());
        let in_flags = if kubelet.needs_flags { &mut required } else { &mut configured };
        in_flags.extend([max_pods, kube_reserved]);
        let environment = format!("{VARIABLE}={}\n", required.join(" "));
        let nodeadm = UnitCheck {
            unit: UNIT,
            retry: RETRY,
            program: Program::WithArgument(DIRECTORY),
            required: Vec::new(),
            configured: Vec::new(),
            future_files: Vec::new(),
        };
        let kubelet = UnitCheck {
            unit: kubelet_unit::UNIT,
            retry: RETRY,
            program: Program::Kubelet { variable: VARIABLE },
            required,
            configured,
            future_files: vec![(ENVIRONMENT.into(), environment)],
        };
        vec![nodeadm, kubelet]
    }
}
