//! Every ENIConfig of a cluster, and every zone in which its nodes may be, from anywhere.

use super::{Line, Zones};
use crate::adapter::ec2::Ec2;
use crate::adapter::eks::Eks;
use crate::adapter::kubernetes::{ApiServer, EniConfig};
use crate::adapter::{Deadline, chain};
use crate::command::Context;
use crate::error::{Error, UsageError};
use crate::observe::ClusterError;
use crate::verify::{self, NodeLocation, SubnetRequirements};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::Addressing;
use eni_core::domain::eni_config::{
    EniConfigNameError, FALLBACK, Field, NameTemplate, default_exists, not_found, without_subnet,
};
use eni_core::domain::zone::Region;
use eni_core::facts::Subnet;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long EKS and EC2 may take to say where the cluster is.
const PATIENCE: Duration = Duration::from_secs(20);

/// A zone in which a node may be.
struct NodeZone {
    name: String,
    id: Option<String>,
    vpc: Option<String>,
}

pub(super) async fn check(
    context: Context,
    zones: &[Zones],
    region: Option<Region>,
) -> Result<Vec<Line>, Error> {
    let (endpoints, names, settings) = context.settings()?;
    let kubeconfig = settings.cluster.kubeconfig.as_ref();
    let kubeconfig = kubeconfig.ok_or(Error::Usage(UsageError::NoKubeconfig))?;
    let region = region.ok_or(Error::Usage(UsageError::NoRegionOfCluster))?;
    let api = ApiServer::by_kubeconfig(kubeconfig, &names, endpoints.proxy.as_ref())
        .await
        .map_err(ClusterError::from)?;
    let mut lines = Vec::new();
    let mut say = |diagnostic| lines.push(Line { of: None, diagnostic });
    let aws_node = aws_node(&api, &mut say).await;
    let eni_configs = match api.eni_configs().await {
        Ok(found) => found,
        Err(error) => {
            say(Diagnostic::failed(
                Code::EniConfigUnreadable,
                chain(&error),
                "allow the user of the kubeconfig to list eniconfigs.crd.k8s.amazonaws.com",
            ));
            return Ok(lines);
        }
    };
    let ec2 = Ec2::new(&endpoints, &names, &region).await?;
    let node_zones = if zones.contains(&Zones::All) {
        let name = settings.cluster.name.as_deref();
        let of_cluster = async {
            let name = name.ok_or("cluster name is unknown; add --cluster-name".to_owned())?;
            let deadline = Deadline::after(PATIENCE);
            let eks = Eks::new(&endpoints, &names, &region).await.map_err(|it| chain(&it))?;
            let found = eks.cluster(name, deadline).await.map_err(|it| chain(&it))?;
            ec2.subnets(&found.subnets, deadline).await.map_err(|it| chain(&it))
        };
        match of_cluster.await {
            Ok(subnets) => of_subnets(subnets),
            Err(why) => {
                let help = Some("list the zones: --zones us-west-2a,us-west-2b".to_owned());
                say(Diagnostic::skipped(Code::ZonesUnknown, why, help));
                Vec::new()
            }
        }
    } else {
        let given = zones.iter().filter_map(|zone| match zone {
            Zones::One(zone) => Some(NodeZone { name: zone.to_string(), id: None, vpc: None }),
            Zones::All => None,
        });
        given.collect()
    };
    let requirements = |name: &str, location| SubnetRequirements {
        location,
        eni_config: name.to_owned(),
        // Which types the nodes are is not known here: one pod's address, at least.
        addresses: 1,
        prefixes: aws_node.as_ref().is_some_and(|it| it.cni.addressing == Addressing::Prefixes),
        subnet_discovery: aws_node.as_ref().is_none_or(|it| it.subnet_discovery),
        cluster: settings.cluster.name.clone(),
    };
    let mut looked_for = BTreeSet::new();
    for zone in &node_zones {
        let location = NodeLocation {
            zone: Some(zone.name.clone()),
            zone_id: zone.id.clone(),
            vpc: zone.vpc.clone(),
            region: region.to_string(),
        };
        let (name, diagnostics) = match name_in(&settings.eni_config_name, zone, &region) {
            Ok(name) => {
                let found = eni_configs.get(&name);
                let requirements = requirements(&name, location);
                let diagnostics = in_zone(&requirements, zone, found, &ec2).await;
                (Some(name), diagnostics)
            }
            Err(error) => {
                let code = Code::EniConfigNameUnknown;
                (None, vec![Diagnostic::skipped(code, chain(&error), None)])
            }
        };
        looked_for.extend(name);
        let of = |diagnostic| Line { of: Some(format!("zone {}", zone.name)), diagnostic };
        lines.extend(diagnostics.into_iter().map(of));
    }
    for (name, eni_config) in eni_configs.iter().filter(|(name, _)| !looked_for.contains(*name)) {
        let location = NodeLocation { region: region.to_string(), ..NodeLocation::default() };
        let mut diagnostics = of_eni_config(&requirements(name, location), eni_config, &ec2).await;
        if name == FALLBACK {
            diagnostics.push(default_exists());
        } else if !node_zones.is_empty() {
            diagnostics.push(Diagnostic::warning(
                Code::EniConfigUnused,
                format!("no node in these zones uses {name}"),
                "compare the name with eni-config.name",
            ));
        }
        let of = |diagnostic| Line { of: Some(format!("ENIConfig {name}")), diagnostic };
        lines.extend(diagnostics.into_iter().map(of));
    }
    Ok(lines)
}

/// What the CNI is set to; what cannot be read is said, and the rest goes on without it.
async fn aws_node(api: &ApiServer, say: &mut impl FnMut(Diagnostic)) -> Option<AwsNode> {
    match api.aws_node().await {
        Ok(environment) => {
            let found = AwsNode::read(&environment);
            if found.cni.custom_networking {
                say(Diagnostic::ok(Code::CniOk, found.cni.to_string()));
            } else {
                say(Diagnostic::warning(
                    Code::CustomNetworkingOff,
                    format!("{}; the CNI does not use the ENIConfigs", found.cni),
                    "to use them, run `kubectl -n kube-system set env daemonset aws-node AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true`",
                ));
            }
            found.diagnostics.iter().cloned().for_each(say);
            Some(found)
        }
        Err(error) => {
            say(Diagnostic::skipped(Code::CniUnreadable, chain(&error), None));
            None
        }
    }
}

fn of_subnets(subnets: Vec<Subnet>) -> Vec<NodeZone> {
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

/// The name that a node of this zone looks for.
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

async fn in_zone(
    requirements: &SubnetRequirements,
    zone: &NodeZone,
    found: Option<&EniConfig>,
    ec2: &Ec2,
) -> Vec<Diagnostic> {
    match found {
        Some(eni_config) => of_eni_config(requirements, eni_config, ec2).await,
        None => vec![not_found(&requirements.eni_config, Some(&zone.name))],
    }
}

async fn of_eni_config(
    requirements: &SubnetRequirements,
    eni_config: &EniConfig,
    ec2: &Ec2,
) -> Vec<Diagnostic> {
    let name = &requirements.eni_config;
    if eni_config.subnet.is_empty() {
        return vec![without_subnet(name)];
    }
    let mut diagnostics = vec![Diagnostic::ok(Code::EniConfigOk, format!("{name} found"))];
    diagnostics.extend(verify::with_ec2(requirements, eni_config, Ok(ec2)).await);
    diagnostics
}
