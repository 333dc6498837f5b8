//! The checks of every zone and of every ENIConfig.

use super::node_use::NodeUse;
use super::zones::NodeZone;
use eni_bootstrap::adapter::ec2::Ec2;
use eni_bootstrap::adapter::kubernetes::EniConfig;
use eni_bootstrap::verify::{
    self, AddressDemand, NodeLocation, SubnetExclusion, SubnetRequirements,
};
use eni_core::diagnostic::checklist::Line;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::Addressing;
use eni_core::domain::eni_config::{
    EniConfigNameError, FALLBACK, NameTemplate, default_exists, not_found, without_subnet,
};
use eni_core::domain::plural::counted;
use eni_core::domain::zone::Region;
use eni_core::failure::one_line;
use std::collections::{BTreeMap, BTreeSet};

/// The inputs that the checks of all ENIConfigs share.
pub(super) struct EniConfigChecks<'a> {
    /// The template of the name of the ENIConfig that a node uses.
    pub name: NameTemplate,
    pub region: &'a Region,
    /// The client, or the reason why the EC2 checks are skipped.
    pub ec2: Result<Ec2, String>,
    /// `None` if the DaemonSet cannot be read.
    pub aws_node: Option<&'a AwsNode>,
}

/// What decides whether an ENIConfig of no checked zone is necessary.
pub(super) struct Others {
    /// Whether the zones of all subnets of the cluster are known.
    pub has_all_zones: bool,
    /// `None` if the ENIConfigs that the nodes select are unknown.
    pub node_use: Option<NodeUse>,
}

impl EniConfigChecks<'_> {
    /// Checks the ENIConfig of each zone, and then all other ENIConfigs if `others` is given.
    pub(super) async fn lines(
        &self,
        zones: &[NodeZone],
        others: Option<&Others>,
        eni_configs: &BTreeMap<String, EniConfig>,
    ) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut names = BTreeSet::new();
        for zone in zones {
            let diagnostics = match zone.eni_config(&self.name, self.region) {
                Ok(name) => {
                    let diagnostics = self.zone(&name, zone, eni_configs.get(&name)).await;
                    names.insert(name);
                    diagnostics
                }
                Err(error) => {
                    let reason = match error {
                        EniConfigNameError::Unknown(field) => {
                            format!("the name contains {field}, which is unknown for this zone")
                        }
                        EniConfigNameError::Invalid(error) => one_line(&error),
                    };
                    vec![Diagnostic::skipped(Code::EniConfigNameUnknown, reason, None)]
                }
            };
            let line = |diagnostic| Line { scope: Some(format!("zone {}", zone.name)), diagnostic };
            lines.extend(diagnostics.into_iter().map(line));
        }
        let Some(others) = others else { return lines };
        for (name, eni_config) in eni_configs.iter().filter(|(name, _)| !names.contains(*name)) {
            let diagnostics = self.other(name, eni_config, others).await;
            let line = |diagnostic| Line { scope: Some(format!("ENIConfig {name:?}")), diagnostic };
            lines.extend(diagnostics.into_iter().map(line));
        }
        lines
    }

    async fn zone(
        &self,
        name: &str,
        zone: &NodeZone,
        eni_config: Option<&EniConfig>,
    ) -> Vec<Diagnostic> {
        let Some(eni_config) = eni_config else {
            return vec![not_found(name, Some(&zone.name))];
        };
        let location = NodeLocation {
            zone: Some(zone.name.clone()),
            zone_id: zone.id.clone(),
            vpc: zone.vpc.clone(),
            region: self.region.to_string(),
        };
        self.eni_config(name, location, eni_config).await
    }

    /// Checks an ENIConfig that is not the one of a checked zone. Suggests to delete it only if no node selects it.
    async fn other(&self, name: &str, eni_config: &EniConfig, others: &Others) -> Vec<Diagnostic> {
        let location = NodeLocation { region: self.region.to_string(), ..NodeLocation::default() };
        let mut diagnostics = self.eni_config(name, location, eni_config).await;
        let nodes = others.node_use.as_ref().map(|it| it.of(name));
        if nodes != Some(0) {
            // The help of this failure suggests to delete the ENIConfig.
            for it in diagnostics.iter_mut().filter(|it| it.code == Code::EniConfigWithoutSubnet) {
                it.help = Some(format!("set spec.subnet: `kubectl edit eniconfig {name}`"));
            }
        }
        if name == FALLBACK {
            let mut exists = default_exists();
            if nodes != Some(0) {
                let known = nodes.map(|nodes| format!(" ({})", counted(nodes, "node")));
                exists.help = Some(format!(
                    "keep it while nodes use it{}; to list them: `kubectl eni nodes --all`",
                    known.unwrap_or_default()
                ));
            }
            diagnostics.push(exists);
        } else if nodes == Some(0) && others.has_all_zones {
            diagnostics.push(Diagnostic::warning(
                Code::EniConfigUnused,
                format!("no node selects ENIConfig {name:?}, and it is not the one of a checked zone"),
                format!(
                    "if new nodes will use it, keep it, or add the template of its name, such as `--eni-config-name 'prod-{{zone}}'`; otherwise delete it: `kubectl delete eniconfig {name}`"
                ),
            ));
        }
        diagnostics
    }

    async fn eni_config(
        &self,
        name: &str,
        location: NodeLocation,
        eni_config: &EniConfig,
    ) -> Vec<Diagnostic> {
        if eni_config.subnet.is_empty() {
            return vec![without_subnet(name, location.zone.as_deref())];
        }
        let cni = self.aws_node.map(|it| &it.cni);
        let requirements = SubnetRequirements {
            location,
            is_this_node: false,
            eni_config: name.to_owned(),
            // The instance types of the nodes are unknown here, so require an address for one pod.
            demand: AddressDemand { addresses: 1, is_additional: false },
            prefixes: cni.is_some_and(|it| it.addressing == Addressing::Prefixes),
            pod_eni: cni.is_some_and(|it| it.pod_eni),
            exclusion: SubnetExclusion::new(self.aws_node, cni.and_then(|it| it.version)),
        };
        let mut diagnostics = vec![Diagnostic::ok(Code::EniConfigOk, format!("{name:?} found"))];
        let ec2 = self.ec2.as_ref().map_err(String::as_str);
        diagnostics.extend(Box::pin(verify::with_ec2(&requirements, eni_config, ec2)).await);
        diagnostics
    }
}
