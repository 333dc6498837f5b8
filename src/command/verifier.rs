//! The checks of the node's ENIConfig.

use crate::adapter::ec2::Ec2;
use crate::adapter::kubernetes::{ApiServer, EniConfig};
use crate::command::node_session::NodeSession;
use crate::command::run_result;
use crate::observe::Connection;
use crate::verify::{
    self, AddressDemand, ClusterObjects, NodeLocation, SubnetExclusion, SubnetRequirements,
};
use eni_core::diagnostic::Diagnostic;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::facts::{Facts, Instance};
use eni_core::failure::one_line;
use eni_core::plan::Plan;
use eni_core::run_result::PhaseName;

impl NodeSession {
    /// Returns the verifier of the plan's ENIConfig; `None` if `eni-config.verify` is false.
    pub(super) async fn verifier<'a>(
        &'a self,
        name: &EniConfigName,
        plan: &Plan,
        connection: &'a Connection,
        aws_node: Option<&'a AwsNode>,
        objects: ClusterObjects,
    ) -> Option<Verifier<'a>> {
        if !self.settings.eni_config.verify() {
            return None;
        }
        let ec2 = Ec2::new(&self.context, &self.facts.instance.region).await;
        let ec2 = ec2.map_err(|error| one_line(&error));
        Some(Verifier {
            requirements: requirements(name, &self.facts, plan, aws_node),
            instance: &self.facts.instance,
            ec2,
            api: &connection.api,
            aws_node,
            objects,
        })
    }
}

/// Checks ENIConfigs against EC2 (subnet, security groups) and against the Node object.
pub(super) struct Verifier<'a> {
    requirements: SubnetRequirements,
    instance: &'a Instance,
    /// The client, or the reason why the EC2 checks are skipped.
    ec2: Result<Ec2, String>,
    api: &'a ApiServer,
    aws_node: Option<&'a AwsNode>,
    objects: ClusterObjects,
}

impl Verifier<'_> {
    /// Returns the results of all checks, and notes them in the result of a run.
    pub(super) async fn diagnostics(&self, eni_config: &EniConfig) -> Vec<Diagnostic> {
        let ec2 = self.ec2.as_ref().map_err(String::as_str);
        let Self { requirements, instance, api, aws_node, objects, .. } = self;
        let cluster = (*api, *aws_node, *objects);
        let recorder = api.recorder();
        recorder.phase(PhaseName::Verify);
        let checks = verify::for_node(requirements, instance, eni_config, ec2, cluster);
        let diagnostics = Box::pin(checks).await;
        run_result::note_checks(recorder, &diagnostics);
        if diagnostics.iter().any(Diagnostic::is_failure) {
            recorder.phase(PhaseName::Wait);
        }
        diagnostics
    }
}

/// Returns what this node requires of its ENIConfig.
fn requirements(
    name: &EniConfigName,
    facts: &Facts,
    plan: &Plan,
    aws_node: Option<&AwsNode>,
) -> SubnetRequirements {
    let instance = &facts.instance;
    SubnetRequirements {
        location: NodeLocation {
            zone: Some(instance.zone.to_string()),
            zone_id: instance.zone_id.as_ref().map(ToString::to_string),
            vpc: instance.vpc_id.as_ref().map(ToString::to_string),
            region: instance.region.to_string(),
        },
        is_this_node: true,
        eni_config: name.to_string(),
        demand: AddressDemand { addresses: plan.pod_addresses(), is_additional: false },
        prefixes: plan.assigns_prefixes(),
        pod_eni: plan.cni.config.pod_eni,
        exclusion: SubnetExclusion::new(aws_node, plan.cni.config.version),
    }
}
