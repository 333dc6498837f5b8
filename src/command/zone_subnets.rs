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
use std::time::Duration;
use tokio::time::Instant;

/// The time limit with `ENABLE_IMDS_ONLY_MODE`, which is for nodes without access to EC2.
const IMDS_ONLY_TIME: Duration = Duration::from_secs(2);

/// Which checks of the subnets a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckScope {
    /// `run`: no EC2 request only for a warning, and no reason that the plan already reports.
    Boot,
    /// `check`: everything.
    Complete,
}

impl NodeSession {
    /// Reads the subnets in the zone of the node if the plan for `aws_node` depends on them. If EC2 does
    /// not return them, the plan uses the record of the last run.
    ///
    /// Also uses the record if IAM denies the call, because the tags rarely change. Uses it without a call
    /// if the API server did not respond: such a boot must not wait for EC2 as well.
    pub(super) async fn read_zone_subnets(&mut self, aws_node: &AwsNode) {
        if !depends_on_zone_subnets(&self.facts, &self.settings, Some(aws_node)) {
            return;
        }
        if aws_node.is_recorded {
            let reason = "ec2:DescribeSubnets not called without the API server";
            if self.use_recorded_subnet(reason, None) {
                return;
            }
        }
        self.limit_time_in_imds_only_mode(aws_node);
        self.request_zone_subnets().await;
        if let ZoneSubnets::Unknown { reason, is_denied } = &self.facts.zone_subnets {
            let (reason, help) = (reason.clone(), help(*is_denied));
            self.use_recorded_subnet(&reason, help.as_deref());
        }
    }

    /// Uses the recorded state of the node's subnet, with a warning. Returns whether there is one.
    fn use_recorded_subnet(&mut self, reason: &str, help: Option<&str>) -> bool {
        let recorded =
            self.last_run.as_ref().and_then(|it| Some((it, it.record.primary_subnet()?)));
        let Some((last_run, recorded)) = recorded else { return false };
        let value = format!("the state of the node's subnet ({})", recorded.description());
        last_run.warn_with_help(&format!("plan: {reason}"), &value, help);
        self.facts.zone_subnets = ZoneSubnets::Recorded(recorded);
        true
    }

    /// Limits the time for EC2 to [`IMDS_ONLY_TIME`] if the CNI itself does not call EC2.
    fn limit_time_in_imds_only_mode(&mut self, aws_node: &AwsNode) {
        if self.settings.cni.imds_only.unwrap_or(aws_node.cni.imds_only) {
            self.zone_subnets_time = self.zone_subnets_time.min(IMDS_ONLY_TIME);
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
        self.subnets_not_checked = match &self.facts.zone_subnets {
            ZoneSubnets::Unknown { reason, is_denied } => {
                let help = help(*is_denied);
                Some(Diagnostic::skipped(Code::SubnetNotChecked, reason.as_str(), help))
            }
            _ => None,
        };
    }

    /// Checks the free addresses of the subnets from which the CNI assigns pod addresses without custom
    /// networking. Returns no results if the CNI assigns none, if `eni-config.verify` is false, or if the
    /// settings alone describe the CNI.
    pub(super) async fn zone_subnet_checks(
        &mut self,
        plan: &Plan,
        aws_node: Option<&AwsNode>,
        scope: CheckScope,
    ) -> Vec<Diagnostic> {
        let Some(aws_node) = aws_node else { return Vec::new() };
        if !self.settings.eni_config.verify() || !plan.uses_zone_subnets() {
            return Vec::new();
        }
        if self.facts.zone_subnets == ZoneSubnets::NotRead {
            self.request_zone_subnets().await;
        }
        let started = Instant::now();
        let diagnostics = match &self.facts.zone_subnets {
            ZoneSubnets::Read(subnets) => self.free_addresses(plan, subnets, aws_node, scope).await,
            // The warning of the plan, or the one about the record, contains the reason.
            _ if scope == CheckScope::Boot
                && depends_on_zone_subnets(&self.facts, &self.settings, Some(aws_node)) =>
            {
                Vec::new()
            }
            _ => self.subnets_not_checked.iter().cloned().collect(),
        };
        self.zone_subnets_time = self.zone_subnets_time.saturating_sub(started.elapsed());
        diagnostics
    }

    async fn free_addresses(
        &self,
        plan: &Plan,
        zone_subnets: &[Subnet],
        aws_node: &AwsNode,
        scope: CheckScope,
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
        let ec2 = (scope == CheckScope::Complete).then_some(ec2);
        Box::pin(verify::check_pod_subnets(&pods, ec2, Deadline::after(self.zone_subnets_time)))
            .await
    }
}

/// Returns the help for a failed call of ec2:DescribeSubnets.
fn help(is_denied: bool) -> Option<String> {
    is_denied.then(|| access_denied_help("ec2:DescribeSubnets"))
}
