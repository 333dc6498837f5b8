//! Node types on which the Amazon VPC CNI does not run: EKS Auto Mode nodes and EKS hybrid nodes.

use super::existing_config::{ConfigLocation, ExistingConfig, ExistingLabel, labels_in_force};
use super::nodeadm::{self, DIRECTORY, DROP_IN_NAME, ENVIRONMENT};
use super::unit_file::environment_file;
use super::user_data::{self, NodeConfig};
use super::{Image, kubelet_unit};
use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::path::Path;

/// The label that excludes the node from the aws-node DaemonSet. EKS Auto Mode and the nodeadm of hybrid
/// nodes set it.
///
/// Source: `nodeadm` reference for hybrid nodes and "Control if a workload is deployed on EKS Auto
/// Mode nodes", Amazon EKS User Guide; `internal/kubelet/config.go`, aws/eks-hybrid.
pub const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// Separates the location from the label in an [`ExistingLabel`] as text.
const LABEL: &str = " sets label ";

/// A node on which the Amazon VPC CNI does not run. Each variant contains the evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfScope {
    /// EKS manages the operating system, the kubelet and the pod network of the node.
    #[error(
        "this is an EKS Auto Mode node ({0}), and the Amazon VPC CNI does not run on Auto Mode nodes"
    )]
    AutoMode(String),
    /// The node is not an EC2 instance.
    #[error(
        "this is an EKS hybrid node ({0}), and the Amazon VPC CNI does not run on hybrid nodes"
    )]
    Hybrid(String),
}

impl Advice for OutOfScope {
    fn help(&self) -> Cow<'static, str> {
        let (Self::AutoMode(evidence) | Self::Hybrid(evidence)) = self;
        let (set, source) = match evidence.split_once(LABEL) {
            Some((location, _)) => ("the label", location),
            None => ("`spec.hybrid`", ""),
        };
        // An earlier boot may have written the file.
        let source = source.strip_prefix("a kubelet flag in ").unwrap_or(source);
        let from = if source.is_empty() { String::new() } else { format!(" from {source}") };
        format!(
            "remove eni-bootstrap from this node, or remove {set}{from} if the node has another type"
        )
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Settings
    }
}

/// Checks the labels and the nodeadm configuration on the image. Needs no instance metadata, which a
/// hybrid node does not have.
pub fn check_image(image: &Image) -> Result<(), OutOfScope> {
    for (name, text) in image.directory(Path::new(DIRECTORY)) {
        // nodeadm itself rejects a drop-in that cannot be parsed.
        let config = user_data::node_config(text.as_bytes()).ok().flatten();
        if name != DROP_IN_NAME && config.is_some_and(|config| config.is_hybrid) {
            return Err(OutOfScope::Hybrid(format!("{DIRECTORY}/{name} has spec.hybrid")));
        }
    }
    let mut existing = ExistingConfig::from_command_lines(&kubelet_unit::command_lines(image));
    let drop_ins = nodeadm::drop_ins(image, |name| {
        (ConfigLocation::DropIn(name.to_owned()), ConfigLocation::DropInFlag(name.to_owned()))
    });
    existing.extend(drop_ins);
    if let Some(bottlerocket) = &image.bottlerocket {
        existing.node_labels.extend(bottlerocket.existing_labels());
    }
    // The nodeadm of hybrid nodes writes the label to this file only.
    let variables = image.file(ENVIRONMENT).map(environment_file).unwrap_or_default();
    for (_, value) in variables {
        let labels = ExistingConfig::from_flags(&value).node_labels.into_iter();
        let location = ConfigLocation::ArgumentsIn(ENVIRONMENT.to_owned());
        let located = labels.map(|label| ExistingLabel { location: location.clone(), ..label });
        existing.node_labels.extend(located);
    }
    check_labels(&existing.node_labels)
}

/// Checks the `NodeConfig` in user data.
pub fn check_user_data(config: &NodeConfig) -> Result<(), OutOfScope> {
    if config.is_hybrid {
        return Err(OutOfScope::Hybrid("the NodeConfig in user data has spec.hybrid".to_owned()));
    }
    let locations = (ConfigLocation::UserData, ConfigLocation::UserDataFlag);
    check_labels(&ExistingConfig::from_node_config(&config.kubelet, &locations).node_labels)
}

fn check_labels(labels: &[ExistingLabel]) -> Result<(), OutOfScope> {
    let Some(label) = labels_in_force(labels).remove(COMPUTE_TYPE) else { return Ok(()) };
    match label.value.as_str() {
        "auto" => Err(OutOfScope::AutoMode(label.to_string())),
        "hybrid" => Err(OutOfScope::Hybrid(label.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
