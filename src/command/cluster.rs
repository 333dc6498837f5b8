//! What every command on a node does first: look at the machine, find the cluster, ask what the CNI is
//! set to, plan.

use crate::adapter::dns::Names;
use crate::adapter::ec2::Ec2;
use crate::adapter::kubernetes::{ApiServer, EniConfig};
use crate::adapter::{Deadline, Endpoints, chain};
use crate::error::Error;
use crate::observe::{self, Connection};
use crate::report;
use crate::verify::{self, Fit, Place};
use crate::wait::{Patience, Ready, until_known, until_ready};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni::Addressing;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::domain::finding::Finding;
use eni_core::facts::Facts;
use eni_core::plan::{Plan, access, plan};
use eni_core::settings::{CniSource, Settings};
use tokio::join;
use tracing::info;

/// What a command on a node knows once it has looked at the machine.
pub(super) struct OnNode {
    pub endpoints: Endpoints,
    pub names: Names,
    pub settings: Settings,
    pub facts: Facts,
}

/// The cluster, and what it says; nothing where the settings alone decide.
#[derive(Default)]
pub(super) struct Asked {
    pub connection: Option<Connection>,
    pub aws_node: Option<AwsNode>,
}

impl OnNode {
    /// Looks at the machine.
    pub async fn look(
        mut endpoints: Endpoints,
        names: Names,
        settings: Settings,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        // First, for what follows may need its proxy.
        let bottlerocket = observe::bottlerocket(&endpoints.root, settings.host.kind()).await?;
        endpoints.proxy = endpoints.proxy.or_else(|| bottlerocket.proxy.clone());
        endpoints.region.clone_from(&bottlerocket.region);
        let facts = observe::facts(&endpoints, &names, &settings, bottlerocket, deadline).await?;
        Ok(Self { endpoints, names, settings, facts })
    }

    /// Asks the cluster what the CNI is set to, unless the settings alone decide.
    pub async fn ask(&self, patience: Patience) -> Result<Asked, Error> {
        if self.settings.cni.source() == CniSource::Settings {
            return Ok(Asked::default());
        }
        let connection = self.connect().await?;
        let aws_node = until_known(&connection.api, patience).await?;
        Ok(Asked { connection: Some(connection), aws_node: Some(aws_node) })
    }

    /// What this node should be.
    pub fn plan(&self, asked: &Asked) -> Result<Plan, Error> {
        Ok(plan(&self.facts, &self.settings, asked.aws_node.as_ref())?)
    }

    /// The connection that there is, or a new one.
    pub async fn connected(&self, asked: Option<Connection>) -> Result<Connection, Error> {
        if let Some(connection) = asked {
            return Ok(connection);
        }
        let connection = self.connect().await?;
        report::asked(&self.facts, Some(&connection), None);
        Ok(connection)
    }

    /// Finds the cluster and connects to it.
    pub async fn connect(&self) -> Result<Connection, Error> {
        let access = access(&self.facts, &self.settings)?;
        // Finding the cluster is part of knowing what this machine is, and has that time.
        let deadline = Deadline::after(self.settings.imds.wait().into());
        let region = &self.facts.instance.region;
        // On the heap: EKS is rarely asked, and its future is large.
        let connect = observe::connect(&self.endpoints, &self.names, region, &access, deadline);
        Ok(Box::pin(connect).await?)
    }

    /// Waits for the plan's ENIConfig, and compares it with EC2.
    pub async fn wait_for(
        &self,
        name: &EniConfigName,
        plan: &Plan,
        connection: &Connection,
        aws_node: Option<&AwsNode>,
        patience: Patience,
    ) -> Result<Ready, Error> {
        info!("wait: for ENIConfig {name}, {}", patience.limit());
        let verifier = self.verifier(name, plan, connection, aws_node).await;
        let verify = async |eni_config: &EniConfig| match &verifier {
            Some(verifier) => verifier.findings(eni_config).await,
            None => Vec::new(),
        };
        Ok(Box::pin(until_ready(&connection.api, name, patience, verify)).await?)
    }

    /// What the plan's ENIConfig is compared with; `None` where the settings leave that out.
    pub async fn verifier<'a>(
        &self,
        name: &EniConfigName,
        plan: &Plan,
        connection: &'a Connection,
        aws_node: Option<&'a AwsNode>,
    ) -> Option<Verifier<'a>> {
        if !self.settings.eni_config.verify() {
            return None;
        }
        let Connection { api, cluster } = connection;
        let ec2 = Ec2::new(&self.endpoints, &self.names, &self.facts.instance.region).await;
        let ec2 = ec2.map_err(|error| chain(&error));
        Some(Verifier {
            fit: fit(name, &self.facts, plan, aws_node, cluster.name()),
            ec2,
            api,
            aws_node,
        })
    }
}

/// Compares ENIConfigs with what EC2 and the cluster know.
pub(super) struct Verifier<'a> {
    fit: Fit,
    /// Or why there is no client: a check is then skipped.
    ec2: Result<Ec2, String>,
    api: &'a ApiServer,
    aws_node: Option<&'a AwsNode>,
}

impl Verifier<'_> {
    /// What is found of this one.
    pub async fn findings(&self, eni_config: &EniConfig) -> Vec<Finding> {
        let ec2 = self.ec2.as_ref().map_err(String::as_str);
        let (mut findings, of_cluster) = join!(
            Box::pin(verify::with_ec2(&self.fit, eni_config, ec2)),
            Box::pin(verify::with_cluster(&self.fit, self.api, self.aws_node))
        );
        findings.extend(of_cluster);
        findings
    }
}

/// What this node's ENIConfig is compared with.
fn fit(
    name: &EniConfigName,
    facts: &Facts,
    plan: &Plan,
    aws_node: Option<&AwsNode>,
    cluster: Option<&str>,
) -> Fit {
    let instance = &facts.instance;
    let capacity = &plan.capacity;
    Fit {
        place: Place {
            zone: Some(instance.zone.to_string()),
            zone_id: instance.zone_id.as_ref().map(ToString::to_string),
            vpc: instance.vpc_id.as_ref().map(ToString::to_string),
            region: instance.region.to_string(),
        },
        name: name.to_string(),
        addresses: capacity.max_pods.saturating_sub(capacity.host_network_pods),
        prefixes: plan.cni.cni.addressing == Addressing::Prefixes,
        subnet_discovery: aws_node.is_none_or(|aws_node| aws_node.subnet_discovery),
        cluster: cluster.map(str::to_owned),
    }
}
