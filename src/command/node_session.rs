//! The steps that `run`, `plan`, `wait` and `check` share: read the instance, connect to the cluster, read
//! the CNI configuration, compute the plan, and wait for the ENIConfig.

use crate::adapter::disk::RunLock;
use crate::adapter::kubernetes::{EarlyConnections, EniConfig, Environment, LocalNode};
use crate::adapter::{Context, Deadline, retry};
use crate::command::early_requests::{connect_early, connections};
use crate::command::outdated;
use crate::error::Error;
use crate::observe::{self, ClusterError, Connection, LastRun, ObservedImage, has_record};
use crate::report;
use crate::verify::ClusterObjects;
use crate::wait::{Ready, WaitTarget, WaitTimeout, WaitTimer, until_cni_config, until_ready};
use eni_core::diagnostic::Diagnostic;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::facts::Facts;
use eni_core::failure::one_line;
use eni_core::plan::{Plan, access, plan};
use eni_core::settings::{CniSource, OnFullSubnet, OnTimeout, Settings, Wait};
use std::time::Duration;
use tracing::{info, warn};

/// The time limit of all EC2 requests about the subnets in the zone together, so that a node without
/// access to EC2 is not delayed for long.
const ZONE_SUBNETS_TIME: Duration = Duration::from_secs(10);

/// The time over which the nodes of a cluster send their EC2 requests after a change of their ENIConfig. A longer time
/// would delay every node more than the retries of those requests that EC2 throttles.
const EC2_SPREAD: Duration = Duration::from_secs(2);

/// The facts about this node, and the context and settings to use with them.
pub(super) struct NodeSession {
    pub context: Context,
    pub settings: Settings,
    pub facts: Facts,
    /// The image that `facts` were read from.
    pub image: ObservedImage,
    /// The values of the last successful run, if they apply to this node.
    pub last_run: Option<LastRun>,
    /// The time left for EC2 requests about the subnets in the zone, so that they delay the kubelet by
    /// at most [`ZONE_SUBNETS_TIME`] in total.
    pub zone_subnets_time: Duration,
    /// Why the free addresses of the subnets are not checked, if EC2 did not return the subnets.
    pub subnets_not_checked: Option<Diagnostic>,
    /// The time by which IMDS must have returned the facts.
    pub imds_deadline: Deadline,
    /// Whether the command reads the ENIConfig, so that it is requested in advance.
    pub reads_eni_config: bool,
    /// The connections to the API server that were opened while IMDS responded.
    early: Option<EarlyConnections>,
}

/// The connection to the cluster and the CNI configuration there. Both are `None` if `cni.source`
/// is `settings`.
#[derive(Default)]
pub(super) struct ClusterState {
    pub connection: Option<Connection>,
    pub aws_node: Option<AwsNode>,
}

impl ClusterState {
    /// Replaces a recorded CNI configuration with the current one. Returns whether it differs; `None` if it
    /// was not recorded, or if the API server does not respond.
    pub(super) async fn refresh(&mut self, node: &LocalNode) -> Option<bool> {
        let connection = self.connection.as_ref()?;
        let recorded = self.aws_node.as_ref().filter(|it| it.is_recorded)?;
        let timer = WaitTimer::start(Wait::Once);
        match until_cni_config(&connection.api, node, timer).await {
            Ok(aws_node) => {
                let differs =
                    aws_node.variables != recorded.variables || aws_node.image != recorded.image;
                self.aws_node = Some(aws_node);
                Some(differs)
            }
            Err(error) => {
                warn!("cluster: {}", one_line(&error));
                None
            }
        }
    }
}

impl NodeSession {
    /// Collects the facts about this node, retrying IMDS for up to `imds.wait`.
    pub(super) async fn open(context: Context, settings: Settings) -> Result<Self, Error> {
        let deadline = Deadline::after(settings.imds.wait().into());
        Self::open_until(deadline, context, settings, false).await
    }

    /// Waits for the run lock, then collects the facts. Both together take at most `imds.wait`.
    pub(super) async fn open_locked(
        context: Context,
        settings: Settings,
    ) -> Result<(RunLock, Self), Error> {
        let deadline = Deadline::after(settings.imds.wait().into());
        let lock = retry("lock", deadline, async || RunLock::take(&context.root)).await?;
        outdated::remove_of_other_hardware(&context).await;
        Ok((lock, Self::open_until(deadline, context, settings, true).await?))
    }

    async fn open_until(
        deadline: Deadline,
        context: Context,
        settings: Settings,
        reads_eni_config: bool,
    ) -> Result<Self, Error> {
        // Read first, because all later requests may need Bottlerocket's proxy.
        let kind = settings.host.kind();
        let bottlerocket = observe::bottlerocket(&context, kind, deadline).await?;
        let context = Context { is_instance: true, ..bottlerocket.amend(context) };
        let last_run = LastRun::read(&context, &settings);
        let recorded = last_run.as_ref();
        let (early, hints) =
            connect_early(&context, &settings, &bottlerocket, recorded, reads_eni_config);
        let facts = observe::facts(&context, &settings, bottlerocket, hints, recorded, deadline);
        let (facts, image) = facts.await?;
        let last_run = last_run.and_then(|it| it.applicable(&facts, &settings));
        Ok(Self {
            context,
            settings,
            facts,
            image,
            last_run,
            zone_subnets_time: ZONE_SUBNETS_TIME,
            subnets_not_checked: None,
            imds_deadline: deadline,
            reads_eni_config,
            early,
        })
    }

    /// Reads the files of the image again, and updates the facts that depend on them. Does nothing if the image was read
    /// within the last `age`.
    pub(super) async fn refresh_image(&mut self, age: Duration) -> Result<(), Error> {
        let Self { context, settings, facts, image, .. } = self;
        if image.is_current(age) {
            return Ok(());
        }
        Ok(image.refresh(context, settings, facts).await?)
    }

    /// Starts the time limit of `wait` for the cluster, with the fallback to the last run.
    pub(super) fn start_timer(&self, wait: Wait) -> WaitTimer {
        let settings = &self.settings.eni_config;
        let ends_if_full = match settings.on_full_subnet() {
            OnFullSubnet::Auto => self.facts.existing.karpenter_reserved.is_some(),
            OnFullSubnet::Fail => true,
            OnFullSubnet::Wait => false,
        };
        WaitTimer::start(wait)
            .ends_if_full(ends_if_full && settings.on_timeout() == OnTimeout::Fail)
            .with_fallback(self.last_run.as_ref().map(|it| it.wait))
    }

    /// Reads the state of the cluster, then the subnets and network interfaces that the plan depends on.
    pub(super) async fn cluster_state(&mut self, timer: WaitTimer) -> Result<ClusterState, Error> {
        let cluster = self.cluster_config(timer).await?;
        self.read_network(cluster.aws_node.as_ref()).await;
        Ok(cluster)
    }

    /// Reads the subnets and network interfaces that the plan for `aws_node` depends on.
    pub(super) async fn read_network(&mut self, aws_node: Option<&AwsNode>) {
        if let Some(aws_node) = aws_node {
            self.read_zone_subnets(aws_node).await;
        }
        self.read_attached_interfaces(aws_node).await;
    }

    /// Connects to the cluster and reads the CNI configuration, unless `cni.source` is `settings`.
    pub(super) async fn cluster_config(&self, timer: WaitTimer) -> Result<ClusterState, Error> {
        if self.settings.cni.source() == CniSource::Settings {
            return Ok(ClusterState::default());
        }
        let connection = self.connect(timer).await?;
        if let Some(name) = self.expected_eni_config() {
            connection.api.prefetch_eni_config(&name);
        }
        let aws_node = match until_cni_config(&connection.api, &self.local_node(), timer).await {
            Ok(aws_node) => aws_node,
            Err(timeout) => self.recorded_aws_node(timeout)?,
        };
        Ok(ClusterState { connection: Some(connection), aws_node: Some(aws_node) })
    }

    /// Returns what the CNI configuration of this node depends on. The labels are those that the kubelet
    /// sets, without those that the plan adds.
    pub(super) fn local_node(&self) -> LocalNode {
        let labels = self.facts.existing.node_labels.iter();
        let mut labels: Environment =
            labels.map(|label| (label.key.clone(), label.value.clone())).collect();
        let configured = self.settings.labels.0.iter();
        labels.extend(configured.map(|(key, value)| (key.to_string(), value.to_string())));
        let root = &self.context.root;
        let has_used_cni = observe::has_used_cni(root, &self.facts, &self.settings);
        LocalNode { labels, has_used_cni }
    }

    /// Returns the plan for this node.
    pub(super) fn plan(&self, cluster: &ClusterState) -> Result<Plan, Error> {
        Ok(plan(&self.facts, &self.settings, cluster.aws_node.as_ref())?)
    }

    /// Returns `existing`, or else a new connection, which is logged.
    pub(super) async fn connection(
        &self,
        existing: Option<Connection>,
        timer: WaitTimer,
    ) -> Result<Connection, Error> {
        if let Some(connection) = existing {
            return Ok(connection);
        }
        let connection = self.connect(timer).await?;
        report::cluster(&self.facts, Some(&connection), None);
        Ok(connection)
    }

    /// Finds the cluster and connects to it. Uses the cluster of the last run if EKS does not respond.
    pub(super) async fn connect(&self, timer: WaitTimer) -> Result<Connection, Error> {
        let access = access(&self.facts, &self.settings)
            .inspect_err(|_| report::cluster_unknown(&self.facts))?;
        // eks:DescribeCluster shares the time limit of the cluster, so that all waits together end in time.
        let mut deadline = timer.at_most(self.settings.imds.wait().into());
        let fallback = self.last_run.as_ref().and_then(|it| Some((it, it.record.cluster()?)));
        if let Some((last_run, _)) = &fallback {
            deadline = deadline.no_later_than(last_run.request_wait());
        }
        let region = &self.facts.instance.region;
        // Boxed: the future of the EKS request is large, and the request is rare.
        let is_expected = self.expected_eni_config().is_some();
        let early = (self.early.as_ref(), connections(&self.settings, is_expected));
        let connect = observe::connect(&self.context, region, &access, deadline, early);
        match (Box::pin(connect).await, fallback) {
            (Err(ClusterError::Eks(error)), Some((last_run, access))) if !error.is_answer() => {
                last_run.warn(&format!("cluster: {}", one_line(&error)), "the cluster endpoint");
                let connect = observe::connect(&self.context, region, &access, deadline, early);
                Ok(Box::pin(connect).await?)
            }
            (connected, _) => Ok(connected?),
        }
    }

    /// Returns the CNI configuration of the last run if the API server did not respond.
    fn recorded_aws_node(&self, timeout: WaitTimeout) -> Result<AwsNode, WaitTimeout> {
        let recorded = self.last_run.as_ref().and_then(|it| Some((it, it.record.aws_node()?)));
        match recorded.filter(|_| timeout.is_unanswered()) {
            Some((last_run, aws_node)) => {
                let failure = format!("cluster: {}", timeout.state());
                last_run.warn(&failure, "the CNI configuration");
                Ok(aws_node)
            }
            None => Err(timeout),
        }
    }

    /// Returns whether the last run found ENIConfig `name` and the API server did not respond now. Then warns.
    pub(super) fn uses_recorded_eni_config(
        &self,
        name: &EniConfigName,
        timeout: &WaitTimeout,
    ) -> bool {
        let recorded =
            self.last_run.as_ref().and_then(|it| Some((it, it.record.eni_config(name)?)));
        let Some((last_run, recorded)) = recorded.filter(|_| timeout.is_unanswered()) else {
            return false;
        };
        let failure = format!("wait: {}", timeout.state());
        last_run.warn(&failure, &format!("ENIConfig {name} ({})", recorded.subnet));
        true
    }

    /// Waits until the ENIConfig `name` exists and fits this node.
    pub(super) async fn wait_for_eni_config(
        &self,
        name: &EniConfigName,
        plan: &Plan,
        connection: &Connection,
        aws_node: Option<&AwsNode>,
        timer: WaitTimer,
    ) -> Result<Ready, Error> {
        let target = WaitTarget::EniConfig(name.clone());
        info!("wait: {}", timer.announcement(&target));
        let has_run = has_record(&self.context.root);
        let objects = if has_run { ClusterObjects::Node } else { ClusterObjects::None };
        let verifier = self.verifier(name, plan, connection, aws_node, objects).await;
        let verify = async |eni_config: &EniConfig| match &verifier {
            Some(verifier) => verifier.diagnostics(eni_config).await,
            None => Vec::new(),
        };
        let spread = if verifier.is_some() { EC2_SPREAD } else { Duration::ZERO };
        Ok(Box::pin(until_ready(&connection.api, name, timer, (spread, verify))).await?)
    }
}
