//! The subnets in the zone of the node: their tags for the plan, and their free addresses.

use crate::adapter::Deadline;
use crate::adapter::aws::call::access_denied_help;
use crate::adapter::ec2::Ec2;
use crate::command::node_session::NodeSession;
use crate::observe::zone_subnets;
use crate::verify::{self, AddressDemand, PodSubnets};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::facts::{Subnet, ZoneSubnets};
use eni_core::failure::one_line;
use eni_core::plan::{Plan, depends_on_zone_subnets};
use tokio::time::Instant;

impl NodeSession {
    /// Reads the subnets in the zone of the node if the plan for `aws_node` depends on them. If EC2 does
    /// not return them, the plan uses the record of the last run.
    ///
    /// Also uses the record if IAM denies the call, because the tags rarely change.
    pub(super) async fn read_zone_subnets(&mut self, aws_node: &AwsNode) {
        if !depends_on_zone_subnets(&self.settings, Some(aws_node)) {
            return;
        }
        self.request_zone_subnets().await;
        let ZoneSubnets::Unknown { reason, .. } = &self.facts.zone_subnets else { return };
        let recorded =
            self.last_run.as_ref().and_then(|it| Some((it, it.record.primary_subnet()?)));
        if let Some((last_run, recorded)) = recorded {
            let value = format!("the state of the node's subnet ({})", recorded.description());
            last_run.warn(&format!("plan: {reason}"), &value);
            self.facts.zone_subnets = ZoneSubnets::Recorded(recorded);
        }
    }

    /// Requests the subnets from EC2 unless they were read, or no time is left.
    async fn request_zone_subnets(&mut self) {
        let is_read = matches!(self.facts.zone_subnets, ZoneSubnets::Read(_));
        if is_read || self.zone_subnets_time.is_zero() {
            return;
        }
        let started = Instant::now();
        let mut deadline = Deadline::after(self.zone_subnets_time);
        if let Some(last_run) = &self.last_run {
            deadline = deadline.no_later_than(last_run.request_wait());
        }
        // Boxed: the future of the EC2 request is large.
        let request = zone_subnets(&self.context, &self.facts.instance, deadline);
        self.facts.zone_subnets = Box::pin(request).await;
        self.zone_subnets_time = self.zone_subnets_time.saturating_sub(started.elapsed());
    }

    /// Checks the free addresses of the subnets from which the CNI assigns pod addresses without custom
    /// networking. Returns no results if the CNI assigns none, if `eni-config.verify` is false, or if the
    /// settings alone describe the CNI.
    pub(super) async fn zone_subnet_checks(
        &mut self,
        plan: &Plan,
        aws_node: Option<&AwsNode>,
    ) -> Vec<Diagnostic> {
        let Some(aws_node) = aws_node else { return Vec::new() };
        if !self.settings.eni_config.verify() || !plan.uses_zone_subnets() {
            return Vec::new();
        }
        if self.facts.zone_subnets == ZoneSubnets::NotRead {
            self.request_zone_subnets().await;
        }
        match &self.facts.zone_subnets {
            ZoneSubnets::Read(subnets) => self.free_addresses(plan, subnets, aws_node).await,
            // The plan has the warning about this request.
            ZoneSubnets::Unknown { .. }
                if depends_on_zone_subnets(&self.settings, Some(aws_node)) =>
            {
                Vec::new()
            }
            ZoneSubnets::Unknown { reason, is_denied } => {
                let help = is_denied.then(|| access_denied_help("ec2:DescribeSubnets"));
                vec![Diagnostic::skipped(Code::SubnetNotChecked, reason.as_str(), help)]
            }
            // The warning about the record contains the reason.
            ZoneSubnets::NotRead | ZoneSubnets::Recorded(_) => Vec::new(),
        }
    }

    async fn free_addresses(
        &self,
        plan: &Plan,
        zone_subnets: &[Subnet],
        aws_node: &AwsNode,
    ) -> Vec<Diagnostic> {
        let instance = &self.facts.instance;
        let own = instance.subnet_id.as_ref().map_or("the subnet of the node", |id| id.as_str());
        if !zone_subnets.iter().any(|subnet| subnet.id == own) {
            let reason = format!("{own} not found in {}", instance.zone);
            return vec![Diagnostic::skipped(Code::SubnetNotChecked, reason, None)];
        }
        let subnets = plan.pod_subnets(&self.facts, zone_subnets, aws_node);
        let addresses = plan.missing_addresses(&self.facts, &subnets);
        let pods = PodSubnets {
            subnets,
            demand: AddressDemand { addresses, is_additional: addresses < plan.pod_addresses() },
            prefixes: plan.assigns_prefixes(),
            subnet_discovery: aws_node.subnet_discovery,
        };
        let ec2 = async || {
            Ec2::new(&self.context, &instance.region).await.map_err(|error| one_line(&error))
        };
        Box::pin(verify::check_pod_subnets(&pods, ec2, Deadline::after(self.zone_subnets_time)))
            .await
    }
}
