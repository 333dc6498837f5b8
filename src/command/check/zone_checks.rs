//! The checks for a whole cluster, from any machine: every zone of its nodes and every ENIConfig.

use super::{Line, Zones};
use crate::adapter::ec2::Ec2;
use crate::adapter::eks::Eks;
use crate::adapter::kubernetes::{ApiServer, EniConfig, LocalNode};
use crate::adapter::{Context, Deadline};
use crate::error::{Error, UsageError};
use crate::observe::ClusterError;
use crate::verify::{self, AddressDemand, NodeLocation, SubnetExclusion, SubnetRequirements};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::Addressing;
use eni_core::domain::eni_config::{
    EniConfigNameError, FALLBACK, Field, NameTemplate, default_exists, not_found, without_subnet,
};
use eni_core::domain::zone::Region;
use eni_core::facts::Subnet;
use eni_core::failure::one_line;
use eni_core::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The timeout for EKS and EC2 together to return the subnets of the cluster.
const SUBNETS_TIMEOUT: Duration = Duration::from_secs(20);

/// A zone in which nodes may run. The ID and the VPC are known only if EC2 returned them.
struct NodeZone {
    name: String,
    id: Option<String>,
    vpc: Option<String>,
}

/// The inputs that the checks of all zones share.
struct ZoneChecks<'a> {
    settings: &'a Settings,
    region: &'a Region,
    ec2: Ec2,
    /// `None` if the DaemonSet cannot be read.
    aws_node: Option<AwsNode>,
}

/// Checks the cluster of `cluster.kubeconfig`.
pub(super) async fn check(
    context: &Context,
    settings: &Settings,
    zones: &[Zones],
    region: Option<Region>,
) -> Result<Vec<Line>, Error> {
    let kubeconfig = settings.cluster.kubeconfig.as_ref();
    let kubeconfig = kubeconfig.ok_or(Error::Usage(UsageError::NoKubeconfig))?;
    let region = region.ok_or(Error::Usage(UsageError::NoRegionOfCluster))?;
    let api = ApiServer::by_kubeconfig(kubeconfig, context).await.map_err(ClusterError::from)?;
    let mut lines = Vec::new();
    let mut add = |diagnostic| lines.push(Line { scope: None, diagnostic });
    let aws_node = aws_node(&api, &mut add).await;
    let eni_configs = match api.eni_configs().await {
        Ok(eni_configs) => eni_configs,
        Err(error) => {
            add(Diagnostic::failed(
                Code::EniConfigUnreadable,
                one_line(&error),
                "allow the user of the kubeconfig to list eniconfigs.crd.k8s.amazonaws.com",
            ));
            return Ok(lines);
        }
    };
    let ec2 = Ec2::new(context, &region).await?;
    let checks = ZoneChecks { settings, region: &region, ec2, aws_node };
    let node_zones = if zones.contains(&Zones::All) {
        match checks.cluster_subnets(context).await {
            Ok(subnets) => zones_of(subnets),
            Err(reason) => {
                let help = "specify the zones: `--zones us-west-2a,us-west-2b`".to_owned();
                add(Diagnostic::skipped(Code::ZonesUnknown, reason, Some(help)));
                Vec::new()
            }
        }
    } else {
        let listed = zones.iter().filter_map(|zone| match zone {
            Zones::One(zone) => Some(NodeZone { name: zone.to_string(), id: None, vpc: None }),
            Zones::All => None,
        });
        listed.collect()
    };
    let names = checks.zones(&node_zones, &eni_configs, &mut lines).await;
    let others = eni_configs.iter().filter(|(name, _)| !names.contains(*name));
    for (name, eni_config) in others {
        let diagnostics = checks.other_eni_config(name, eni_config, &node_zones).await;
        let line = |diagnostic| Line { scope: Some(format!("ENIConfig {name:?}")), diagnostic };
        lines.extend(diagnostics.into_iter().map(line));
    }
    Ok(lines)
}

impl ZoneChecks<'_> {
    /// Returns the subnets of the cluster, or why they are unknown.
    async fn cluster_subnets(&self, context: &Context) -> Result<Vec<Subnet>, String> {
        let name = self.settings.cluster.name.as_deref();
        let name = name.ok_or("the cluster name is unknown; add `--cluster-name NAME`")?;
        let deadline = Deadline::after(SUBNETS_TIMEOUT);
        let eks = Eks::new(context, self.region).await.map_err(|error| one_line(&error))?;
        let described = eks.cluster(name, deadline).await.map_err(|error| one_line(&error))?;
        let subnets = self.ec2.subnets(&described.subnets, deadline).await;
        subnets.map_err(|error| one_line(&error))
    }

    /// Checks the ENIConfig of each zone. Returns the names of these ENIConfigs.
    async fn zones(
        &self,
        zones: &[NodeZone],
        eni_configs: &BTreeMap<String, EniConfig>,
        lines: &mut Vec<Line>,
    ) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for zone in zones {
            let diagnostics = match name_in(&self.settings.eni_config.name(), zone, self.region) {
                Ok(name) => {
                    let eni_config = eni_configs.get(&name);
                    let diagnostics = self.zone(&name, zone, eni_config).await;
                    names.insert(name);
                    diagnostics
                }
                Err(error) => {
                    vec![Diagnostic::skipped(Code::EniConfigNameUnknown, one_line(&error), None)]
                }
            };
            let line = |diagnostic| Line { scope: Some(format!("zone {}", zone.name)), diagnostic };
            lines.extend(diagnostics.into_iter().map(line));
        }
        names
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

    /// Checks an ENIConfig that no node in `zones` uses.
    async fn other_eni_config(
        &self,
        name: &str,
        eni_config: &EniConfig,
        zones: &[NodeZone],
    ) -> Vec<Diagnostic> {
        let location = NodeLocation { region: self.region.to_string(), ..NodeLocation::default() };
        let mut diagnostics = self.eni_config(name, location, eni_config).await;
        if name == FALLBACK {
            diagnostics.push(default_exists());
        } else if !zones.is_empty() {
            diagnostics.push(Diagnostic::warning(
                Code::EniConfigUnused,
                format!("no node in the checked zones uses ENIConfig {name:?}"),
                format!(
                    "if nodes should use it, change `eni-config.name` to match its name; otherwise delete it: `kubectl delete eniconfig {name}`"
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
        let aws_node = self.aws_node.as_ref();
        let version = self.settings.cni.version.or(aws_node.and_then(|it| it.cni.version));
        let requirements = SubnetRequirements {
            location,
            is_this_node: false,
            eni_config: name.to_owned(),
            // The instance types of the nodes are unknown here, so require an address for one pod.
            demand: AddressDemand { addresses: 1, is_additional: false },
            prefixes: aws_node.is_some_and(|it| it.cni.addressing == Addressing::Prefixes),
            pod_eni: aws_node.is_some_and(|it| it.cni.pod_eni),
            exclusion: SubnetExclusion::new(aws_node, version),
        };
        let mut diagnostics = vec![Diagnostic::ok(Code::EniConfigOk, format!("{name:?} found"))];
        diagnostics.extend(verify::with_ec2(&requirements, eni_config, Ok(&self.ec2)).await);
        diagnostics
    }
}

/// Returns the CNI configuration and adds its checks. If it cannot be read, adds a skipped check and
/// returns `None`.
async fn aws_node(api: &ApiServer, add: &mut impl FnMut(Diagnostic)) -> Option<AwsNode> {
    match api.aws_node(&LocalNode::default()).await {
        Ok(aws_node) => {
            if aws_node.cni.custom_networking {
                add(Diagnostic::ok(Code::CniOk, aws_node.cni.to_string()));
            } else {
                add(Diagnostic::warning(
                    Code::CustomNetworkingOff,
                    format!("{}; the CNI does not use the ENIConfigs", aws_node.cni),
                    "run `kubectl -n kube-system set env daemonset aws-node AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true` to use them",
                ));
            }
            aws_node.diagnostics.iter().cloned().for_each(add);
            Some(aws_node)
        }
        Err(error) => {
            let error = api.beside_other_cni(error).await;
            add(Diagnostic::skipped(Code::CniUnreadable, one_line(&error), None));
            None
        }
    }
}

/// Returns the zones of `subnets` without duplicates.
fn zones_of(subnets: Vec<Subnet>) -> Vec<NodeZone> {
    let by_zone: BTreeMap<String, Subnet> =
        subnets.into_iter().map(|subnet| (subnet.zone.clone(), subnet)).collect();
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    let zones = by_zone.into_iter().map(|(name, subnet)| NodeZone {
        name,
        id: known(subnet.zone_id),
        vpc: known(subnet.vpc),
    });
    zones.collect()
}

/// Returns the name of the ENIConfig that a node in `zone` uses.
fn name_in(
    template: &NameTemplate,
    zone: &NodeZone,
    region: &Region,
) -> Result<String, EniConfigNameError> {
    let name = template.fill(|field| match field {
        Field::Zone => Some(zone.name.clone()),
        Field::ZoneId => zone.id.clone(),
        Field::Region => Some(region.to_string()),
        Field::VpcId => zone.vpc.clone(),
        Field::InstanceType | Field::SubnetId | Field::Tag(_) => None,
    });
    name.map(|name| name.to_string())
}
