//! Every ENIConfig of a cluster, and every zone in which its nodes may be, from anywhere.

use super::{Line, Zones};
use crate::adapter::ec2::Ec2;
use crate::adapter::eks::Eks;
use crate::adapter::kubernetes::{ApiServer, EniConfig};
use crate::adapter::{Deadline, chain};
use crate::command::Context;
use crate::error::{Error, UsageError};
use crate::observe::ClusterError;
use crate::report;
use crate::verify::{self, Fit, Place};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::Addressing;
use eni_core::domain::eni_config::{FALLBACK, Field, NameTemplate, NoName};
use eni_core::domain::finding::Finding;
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
    let mut say = |finding| lines.push(Line { of: None, finding });
    let aws_node = aws_node(&api, &mut say).await;
    let eni_configs = match api.eni_configs().await {
        Ok(found) => found,
        Err(error) => {
            say(Finding::fails(
                "ENIConfigs",
                error.to_string(),
                "give the kubeconfig's user the right to list eniconfigs",
            ));
            return Ok(lines);
        }
    };
    let ec2 = Ec2::new(&endpoints, &names, &region).await?;
    let node_zones = if zones.contains(&Zones::All) {
        let name = settings.cluster.name.as_deref();
        let of_cluster = async {
            let name = name.ok_or("its name is not said; add --cluster-name".to_owned())?;
            let deadline = Deadline::after(PATIENCE);
            let eks = Eks::new(&endpoints, &names, &region).await.map_err(|it| chain(&it))?;
            let found = eks.cluster(name, deadline).await.map_err(|it| chain(&it))?;
            ec2.subnets(&found.subnets, deadline).await.map_err(|it| chain(&it))
        };
        match of_cluster.await {
            Ok(subnets) => of_subnets(subnets),
            Err(why) => {
                let help = Some("name the zones instead: --zones us-west-2a,us-west-2b".to_owned());
                say(Finding::skipped("zones of the cluster", why, help));
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
    let fit = |name: &str, place| Fit {
        place,
        name: name.to_owned(),
        // Which types the nodes are is not known here: one pod's address, at least.
        addresses: 1,
        prefixes: aws_node.as_ref().is_some_and(|it| it.cni.addressing == Addressing::Prefixes),
        subnet_discovery: aws_node.as_ref().is_none_or(|it| it.subnet_discovery),
        cluster: settings.cluster.name.clone(),
    };
    let mut looked_for = BTreeSet::new();
    for zone in &node_zones {
        let place = Place {
            zone: Some(zone.name.clone()),
            zone_id: zone.id.clone(),
            vpc: zone.vpc.clone(),
            region: region.to_string(),
        };
        let (name, findings) = match name_in(&settings.eni_config.name(), zone, &region) {
            Ok(name) => {
                let found = eni_configs.get(&name);
                let findings = in_zone(&fit(&name, place), zone, found, &ec2).await;
                (Some(name), findings)
            }
            Err(why) => (None, vec![Finding::skipped("ENIConfig", why.to_string(), None)]),
        };
        looked_for.extend(name);
        let of = |finding| Line { of: Some(format!("zone {}", zone.name)), finding };
        lines.extend(findings.into_iter().map(of));
    }
    for (name, eni_config) in eni_configs.iter().filter(|(name, _)| !looked_for.contains(*name)) {
        let place = Place { region: region.to_string(), ..Place::default() };
        let mut findings = of_eni_config(&fit(name, place), eni_config, &ec2).await;
        if name == FALLBACK {
            findings.push(Finding::warning(
                "name",
                "the CNI takes it for a node whose labels it cannot read in time, whatever its zone",
                "delete it, unless every node may use it: `kubectl delete eniconfig default`",
            ));
        } else if !node_zones.is_empty() {
            let says = "no node of these zones looks for it".to_owned();
            findings.push(Finding::warning("name", says, "compare it with eni-config.name"));
        }
        let of = |finding| Line { of: Some(format!("ENIConfig {name}")), finding };
        lines.extend(findings.into_iter().map(of));
    }
    Ok(lines)
}

/// What the CNI is set to; what cannot be read is said, and the rest goes on without it.
async fn aws_node(api: &ApiServer, say: &mut impl FnMut(Finding)) -> Option<AwsNode> {
    match api.aws_node().await {
        Ok(environment) => {
            let found = AwsNode::read(&environment);
            if found.cni.custom_networking {
                say(Finding::ok("aws-node", found.cni.to_string()));
            } else {
                say(Finding::warning(
                    "aws-node",
                    format!("{}: the ENIConfigs are not used", found.cni),
                    "set AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true on it, if they are meant to be",
                ));
            }
            report::remarks(&found.remarks).for_each(say);
            Some(found)
        }
        Err(error) => {
            say(Finding::skipped("aws-node", error.to_string(), None));
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
fn name_in(template: &NameTemplate, zone: &NodeZone, region: &Region) -> Result<String, NoName> {
    let name = template.fill(|field| match field {
        Field::Zone => Some(zone.name.clone()),
        Field::ZoneId => zone.id.clone(),
        Field::Region => Some(region.to_string()),
        Field::VpcId => zone.vpc.clone(),
        Field::InstanceType | Field::SubnetId | Field::Tag(_) => None,
    });
    name.map(|name| name.to_string())
}

async fn in_zone(fit: &Fit, zone: &NodeZone, found: Option<&EniConfig>, ec2: &Ec2) -> Vec<Finding> {
    match found {
        Some(eni_config) => of_eni_config(fit, eni_config, ec2).await,
        None => vec![Finding::fails(
            "ENIConfig",
            format!("there is no ENIConfig {}", fit.name),
            format!("create it with a subnet of {}, before a node starts there", zone.name),
        )],
    }
}

async fn of_eni_config(fit: &Fit, eni_config: &EniConfig, ec2: &Ec2) -> Vec<Finding> {
    let name = &fit.name;
    if eni_config.subnet.is_empty() {
        return vec![Finding::fails(
            "ENIConfig",
            format!("{name} is there, but its spec.subnet is empty"),
            format!("name its subnet: `kubectl edit eniconfig {name}`, field spec.subnet"),
        )];
    }
    let mut findings = vec![Finding::ok("ENIConfig", format!("{name} is there"))];
    findings.extend(verify::with_ec2(fit, eni_config, Ok(ec2)).await);
    findings
}
