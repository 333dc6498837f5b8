//! The ENIConfig that the CNI selects for a node, and its zone.

use super::node::Node;
use super::verdict::{Finding, Verdict};
use super::zones::{KnownZones, names_zone_of};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::{EniConfigName, FALLBACK, Selection, select};
use eni_core::domain::label::ZONE;
use eni_core::facts::Subnet;
use std::collections::BTreeMap;

/// What a new label changes, and what it does not change.
const REPLACE: &str =
    "replace the node, because network interfaces that are already attached keep their subnet";

/// The ENIConfigs of the cluster.
#[derive(Debug, Default)]
pub(super) struct EniConfigs {
    /// The subnet of each ENIConfig, by name. The subnet is empty if the ENIConfig has none.
    pub by_name: BTreeMap<String, String>,
    /// The subnets by ID, as EC2 returns them; `None` without `--verify-subnets`.
    pub subnets: Option<BTreeMap<String, Subnet>>,
    /// The zones of all nodes.
    pub zones: KnownZones,
}

/// Returns the ENIConfig that the CNI selects for `node`.
pub(crate) fn selection(node: &Node, aws_node: &AwsNode) -> Selection {
    select(
        aws_node.cni.reads_external_label(),
        (&aws_node.eni_config_label, |key: &str| node.labels.get(key).cloned()),
        (&aws_node.eni_config_annotation, |key: &str| node.annotations.get(key).cloned()),
    )
}

impl EniConfigs {
    /// Returns the first problem of the ENIConfig that the CNI selects for `node`.
    pub(super) fn check(
        &self,
        node: &Node,
        selection: &Selection,
        label_def: &str,
    ) -> Option<Finding> {
        let Selection { name, source } = selection;
        let subnet = self.by_name.get(name);
        let Some(source) = source else {
            return match subnet {
                Some(subnet) if !self.has_other(node) => self.check_subnet(node, name, subnet),
                exists => Some(self.no_label(node, label_def, exists.is_some())),
            };
        };
        let Some(subnet) = subnet else {
            let text = format!("the {source} selects ENIConfig {name:?}, which does not exist");
            let finding = Finding::new(Verdict::NoEniConfig, text);
            // Neither an empty name nor one with capital letters can be that of an ENIConfig.
            let create = name.parse::<EniConfigName>().ok().map(|_| create_command(node, name));
            return Some(match (create, self.correction(node, source)) {
                (Some(_), Some(command)) => finding
                    .fix(format!("create ENIConfig {name:?}, or correct the {source}"))
                    .command(command),
                (Some(command), None) => finding
                    .fix(format!("create ENIConfig {name:?}; to apply it, replace --dry-run=server by --apply"))
                    .command(command),
                (None, Some(command)) => {
                    finding.fix(format!("set or remove the {source}")).command(command)
                }
                (None, None) => finding.fix(format!("set or remove the {source}")),
            });
        };
        // EC2 is right, and the name may be misleading.
        let is_known = self.subnets.as_ref().is_some_and(|it| it.contains_key(subnet));
        match self.zones.other_zone(name, node).filter(|_| !is_known) {
            Some(other) => {
                let zone = node.zone().unwrap_or_default();
                let text = format!(
                    "the {source} selects ENIConfig {name:?} for {other}, but the node is in {zone}"
                );
                let finding = Finding::new(Verdict::OtherZone, text)
                    .fix(format!("correct the {source}, then {REPLACE}"));
                Some(match self.correction(node, source) {
                    Some(command) => finding.command(command),
                    None => finding,
                })
            }
            None => self.check_subnet(node, name, subnet),
        }
    }

    /// Checks the subnet of the ENIConfig `name`.
    fn check_subnet(&self, node: &Node, name: &str, subnet: &str) -> Option<Finding> {
        let edit = format!("kubectl edit eniconfig {name}");
        if subnet.is_empty() {
            let text = format!(
                "ENIConfig {name:?} names no subnet, so the CNI cannot create network interfaces"
            );
            let finding = Finding::new(Verdict::NoPodSubnet, text);
            return Some(finding.fix("set spec.subnet of the ENIConfig").command(edit));
        }
        let Some(found) = self.subnets.as_ref()?.get(subnet) else {
            let text =
                format!("{subnet} of ENIConfig {name:?} not found in this AWS account and region");
            let finding = Finding::new(Verdict::NoPodSubnet, text);
            return Some(finding.fix("set spec.subnet to an existing subnet").command(edit));
        };
        let is_same = match node.label(super::node::ZONE_ID) {
            Some(id) if !found.zone_id.is_empty() => id == found.zone_id,
            _ => node.zone()? == found.zone,
        };
        let zone = node.zone().unwrap_or_default();
        (!is_same).then(|| {
            let text = format!(
                "{subnet} of ENIConfig {name:?} is in {}, but the node is in {zone}",
                found.zone
            );
            Finding::new(Verdict::OtherZone, text)
                .fix(format!("set spec.subnet to a subnet in {zone}, then {REPLACE}"))
                .command(edit)
        })
    }

    /// Returns the finding for a node without a label that selects an ENIConfig.
    fn no_label(&self, node: &Node, label_def: &str, default_exists: bool) -> Finding {
        let effect = match (default_exists, node.zone()) {
            (false, _) => "which does not exist".to_owned(),
            (true, Some(zone)) => format!("although there is one for {zone}"),
            (true, None) => "although there are others".to_owned(),
        };
        let text = format!(
            "the node has no label {label_def}, so the CNI uses ENIConfig {FALLBACK:?}, {effect}"
        );
        let is_zone = label_def == ZONE;
        let verdict = if is_zone { Verdict::NoZoneLabel } else { Verdict::NoEniConfigLabel };
        let value = if is_zone { node.zone() } else { self.right_name(node) };
        let replace = if default_exists { format!(", then {REPLACE}") } else { String::new() };
        let finding = Finding::new(verdict, text).fix(format!("add the label{replace}"));
        match value.filter(|_| is_plain(label_def)) {
            Some(value) => {
                finding.command(format!("kubectl label node {} {label_def}={value}", node.name))
            }
            None => finding,
        }
    }

    /// Returns whether an ENIConfig is for the zone of the node. If the zone is unknown, any other than the
    /// default may be.
    fn has_other(&self, node: &Node) -> bool {
        match node.zone() {
            Some(_) => self.right_name(node).is_some(),
            None => self.by_name.len() > 1,
        }
    }

    /// Returns the only ENIConfig whose name contains the zone of the node, or the one with exactly this name.
    fn right_name(&self, node: &Node) -> Option<&str> {
        let zone = node.zone()?;
        if let Some((name, _)) = self.by_name.get_key_value(zone) {
            return Some(name);
        }
        let mut names = self.by_name.keys().filter(|name| names_zone_of(name, node));
        let only = names.next()?;
        names.next().is_none().then_some(only.as_str())
    }

    /// Returns the command that makes the CNI select the ENIConfig of the node's zone; `None` if it is unknown.
    fn correction(&self, node: &Node, source: &str) -> Option<String> {
        let right = self.right_name(node)?;
        let name = &node.name;
        if !is_plain(source.split_once(' ')?.1) {
            return None;
        }
        match source.split_once(' ')? {
            ("annotation", key) => {
                Some(format!("kubectl annotate node {name} {key}={right} --overwrite"))
            }
            // The zone label has other uses. A wrong one must be corrected where it comes from.
            ("label", key) if key == ZONE => None,
            (_, key) => Some(format!("kubectl label node {name} {key}={right} --overwrite")),
        }
    }
}

/// Returns the command that shows the ENIConfig `name`, a valid name, for the subnets with the tag for pods.
fn create_command(node: &Node, name: &str) -> String {
    let command = "kubectl eni configs --subnet-tag kubernetes.io/role/cni=1";
    let zone = node.zone().filter(|zone| name.contains(zone));
    match zone.map(|zone| name.replacen(zone, "{zone}", 1)) {
        Some(template) if template == "{zone}" => format!("{command} --dry-run=server"),
        Some(template) => format!("{command} --eni-config-name '{template}' --dry-run=server"),
        None => format!("{command} --eni-config-name {name} --dry-run=server"),
    }
}

/// Returns whether a shell passes this key of a label or annotation unchanged. It comes from a variable of
/// aws-node, which can have any value.
fn is_plain(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
}

#[cfg(test)]
mod tests;
