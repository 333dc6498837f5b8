//! `run`: reads the instance and the CNI configuration, configures the kubelet, and waits for the
//! ENIConfig.

use crate::adapter::kubernetes::{ApiServer, EniConfig};
use crate::adapter::{Context, Transient as _, bottlerocket_commit};
use crate::apply::{self, Applied, ApplyError};
use crate::command::node_session::{ClusterState, NodeSession};
use crate::command::zone_subnets::CheckScope;
use crate::command::{kubelet_args, outdated, print, run_record, run_result, start_timeout};
use crate::error::Error;
use crate::report;
use crate::wait::{WaitReason, WaitTimer};
use clap::ValueEnum;
use eni_core::diagnostic::Diagnostic;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::failure::one_line;
use eni_core::plan::Plan;
use eni_core::record::RecordedEniConfig;
use eni_core::run_result::{EniConfigResult, EniConfigState, PhaseName};
use eni_core::settings::{OnTimeout, Settings};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use tokio::{select, try_join};
use tracing::{info, warn};

/// The values that `run` prints after success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The kubelet flags on one line, as `plan --output kubelet-args` prints them
    KubeletArgs,
}

/// How often the plan is computed if other programs change files at the same time.
const MOST_PLANS: u32 = 3;

/// If an ENIConfig is ready at once within this time, the units are not verified again. If the cluster responds within
/// this time, the image is not read again for the plan.
const BRIEF: Duration = Duration::from_secs(1);

/// The pause before another attempt to write to a full file system.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// How the wait for the ENIConfig ended.
enum WaitOutcome {
    /// The CNI needs none.
    NotNeeded,
    /// It fits this node, perhaps already at the first attempt.
    Ready { eni_config: EniConfig, at_once: bool },
    /// The API server did not respond; it was ready in the last run.
    Recorded,
    /// It is not ready, and `eni-config.on-timeout` is `continue`.
    Missing,
}

impl WaitOutcome {
    /// Returns the ENIConfig `name` for the result of the run.
    fn eni_config(&self, name: &EniConfigName) -> Option<EniConfigResult> {
        let in_state = |state| EniConfigResult::in_state(name, state);
        match self {
            Self::NotNeeded => None,
            Self::Ready { eni_config, .. } => {
                let EniConfig { subnet, security_groups } = eni_config.clone();
                let ready = in_state(EniConfigState::Ready);
                Some(EniConfigResult { subnet: Some(subnet), security_groups, ..ready })
            }
            Self::Recorded => Some(in_state(EniConfigState::Recorded)),
            Self::Missing => Some(in_state(EniConfigState::Missing)),
        }
    }
}

/// Runs [`run`] until it ends or SIGTERM stops it.
pub(crate) async fn run_until_sigterm(
    context: Context,
    settings: Settings,
    output: Option<Output>,
) -> Result<(), Error> {
    let stopped = context.clone();
    // Handle SIGTERM first, so that a run that systemd stops here also writes a result.
    let mut sigterm = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
    run_result::remove_earlier(&context.root, &settings);
    select! {
        result = Box::pin(run(context, settings, output)) => result,
        _ = sigterm.recv() => {
            bottlerocket_commit::clean_up(&stopped).await;
            Err(Error::Terminated)
        }
    }
}

/// Prepares this node for its kubelet. The kubelet may start only if this succeeds. Prints `output` after
/// success.
pub async fn run(
    context: Context,
    settings: Settings,
    output: Option<Output>,
) -> Result<(), Error> {
    let started = Instant::now();
    let recorder = context.recorder.clone();
    let open = Box::pin(NodeSession::open_locked(context, settings));
    let (opened, fixed) = try_join!(open, async { Ok(start_timeout::fixed().await) })?;
    let (_lock, mut node) = opened;
    report::facts(&node.facts);
    outdated::remove_of_another_instance(&node.context, &node.facts.instance).await;
    recorder.phase(PhaseName::Cluster);
    let wait = start_timeout::limited(node.settings.eni_config.wait(), fixed, started);
    let timer = node.start_timer(wait);
    let mut cluster = node.cluster_state(timer).await?;
    let (mut plan, mut eni_config) = prepare(&mut node, &mut cluster, timer).await?;
    // If the API server responds again, the CNI configuration may have changed since the last run.
    let may_respond = matches!(eni_config, WaitOutcome::Ready { .. } | WaitOutcome::NotNeeded);
    if may_respond && refresh(&mut node, &mut cluster).await {
        (plan, eni_config) = prepare(&mut node, &mut cluster, timer).await?;
    }
    if plan.wait.is_none() {
        recorder.phase(PhaseName::Verify);
        let aws_node = cluster.aws_node.as_ref();
        let checks = node.zone_subnet_checks(&plan, aws_node, CheckScope::Boot).await;
        run_result::note_checks(&recorder, &checks);
        report::checks(&checks);
    }
    recorder.phase(PhaseName::Apply);
    let render_wait = node.settings.host.render_wait().into();
    apply::confirm(&node.context, &plan.changes, render_wait).await?;
    save(&node, &cluster, &plan, eni_config);
    info!("ready: the node is ready for the kubelet");
    match output {
        Some(Output::KubeletArgs) => print(&kubelet_args(&plan, &node.facts)?),
        None => Ok(()),
    }
}

/// Reads the CNI configuration again if it was recorded, and then what depends on it. Returns whether the
/// plan may differ.
async fn refresh(node: &mut NodeSession, cluster: &mut ClusterState) -> bool {
    if cluster.aws_node.as_ref().is_some_and(|it| it.is_recorded) {
        node.context.recorder.phase(PhaseName::Cluster);
    }
    let Some(differs) = cluster.refresh(&node.local_node()).await else { return false };
    let recorded = node.facts.zone_subnets.clone();
    node.read_network(cluster.aws_node.as_ref()).await;
    differs || node.facts.zone_subnets != recorded
}

/// Configures the kubelet and waits for the ENIConfig.
async fn prepare(
    node: &mut NodeSession,
    cluster: &mut ClusterState,
    timer: WaitTimer,
) -> Result<(Plan, WaitOutcome), Error> {
    report::cluster(&node.facts, cluster.connection.as_ref(), cluster.aws_node.as_ref());
    let plan = configure(node, cluster, timer).await?;
    let NodeSession { context, facts, .. } = &*node;
    let recorder = context.recorder.clone();
    recorder.phase(PhaseName::Verify);
    let unit_checks = facts.host.unit_checks(&plan.in_force);
    let verified = apply::effect::verify(&context.root, &unit_checks, &plan.changes).await?;
    report::verified(&verified);
    run_result::note_units(&recorder, &verified);
    let verified = Instant::now();
    let eni_config = wait(node, cluster, &plan, timer).await?;
    recorder.note(|result| {
        result.eni_config = plan.wait.as_ref().and_then(|name| eni_config.eni_config(name));
    });
    let at_once = matches!(eni_config, WaitOutcome::Ready { at_once: true, .. });
    if plan.wait.is_some() && !(at_once && verified.elapsed() < BRIEF) {
        // Another program may have changed a unit during the wait.
        recorder.phase(PhaseName::Verify);
        apply::effect::verify(&context.root, &unit_checks, &plan.changes).await?;
    }
    Ok((plan, eni_config))
}

/// Computes the plan from the files as they are now, and applies it. If another program changes a file in
/// between, computes the plan again, at most [`MOST_PLANS`] times in total.
///
/// If the plan has an ENIConfig to wait for, the cluster is connected when this returns.
async fn configure(
    node: &mut NodeSession,
    cluster: &mut ClusterState,
    timer: WaitTimer,
) -> Result<Plan, Error> {
    let mut plans = 0;
    let recorder = node.context.recorder.clone();
    loop {
        recorder.phase(PhaseName::Plan);
        // `apply` compares a current image with the files before it changes one.
        node.refresh_image(if plans == 0 { BRIEF } else { Duration::ZERO }).await?;
        let plan = node.plan(cluster)?;
        run_result::note_plan(&recorder, &node.facts, cluster, &plan);
        // Connect before any file is written: a run that cannot wait must not change the node.
        if plan.wait.is_some() {
            if cluster.connection.is_none() {
                recorder.phase(PhaseName::Cluster);
            }
            cluster.connection = Some(node.connection(cluster.connection.take(), timer).await?);
            // The plan in the result names the cluster.
            run_result::note_plan(&recorder, &node.facts, cluster, &plan);
        }
        let NodeSession { context, facts, .. } = &*node;
        report::plan(&plan);
        plans += 1;
        recorder.phase(PhaseName::Apply);
        if !plan.changes.is_empty() {
            run_record::mark(&context.root, &facts.instance);
        }
        match apply_changes(node, &plan).await {
            Err(error @ ApplyError::Changed(_)) if plans < MOST_PLANS => {
                warn!("apply: {error}; computing the plan again");
            }
            applied => {
                let applied = applied?;
                report::applied(&applied);
                return Ok(plan);
            }
        }
    }
}

/// Applies the changes of the plan. Retries on a full file system until the deadline for IMDS. There is no longer
/// wait, because systemd would stop the unit (`TimeoutStartSec=`) before the error is logged.
async fn apply_changes(node: &NodeSession, plan: &Plan) -> Result<Vec<Applied>, ApplyError> {
    let NodeSession { context, settings, image, imds_deadline, .. } = node;
    let render_wait = settings.host.render_wait().into();
    loop {
        match apply::apply(context, &plan.changes, &image.image, render_wait).await {
            Err(ApplyError::Disk(error))
                if error.is_transient() && imds_deadline.allows(FULL_PAUSE) =>
            {
                let seconds = FULL_PAUSE.as_secs();
                warn!("apply: {}; retrying in {seconds} s", one_line(&error));
                sleep(FULL_PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Waits for the ENIConfig of the plan.
async fn wait(
    node: &NodeSession,
    cluster: &ClusterState,
    plan: &Plan,
    timer: WaitTimer,
) -> Result<WaitOutcome, Error> {
    let (Some(name), Some(connection)) = (&plan.wait, &cluster.connection) else {
        return Ok(WaitOutcome::NotNeeded);
    };
    let recorder = &node.context.recorder;
    recorder.phase(PhaseName::Wait);
    let aws_node = cluster.aws_node.as_ref();
    match node.wait_for_eni_config(name, plan, connection, aws_node, timer).await {
        Ok(ready) => {
            report::ready(plan, &ready);
            Ok(WaitOutcome::Ready { eni_config: ready.eni_config, at_once: ready.at_once })
        }
        Err(Error::NotReady(timeout)) if node.uses_recorded_eni_config(name, &timeout) => {
            Ok(WaitOutcome::Recorded)
        }
        Err(Error::NotReady(error))
            if node.settings.eni_config.on_timeout() == OnTimeout::Continue =>
        {
            recorder.note(|result| run_result::note_timeout(result, &error));
            let error = one_line(&error);
            warn!("wait: {error}; continuing because eni-config.on-timeout is \"continue\"");
            Ok(WaitOutcome::Missing)
        }
        Err(Error::NotReady(error)) => {
            if let WaitReason::SubnetFull(diagnostic) = &error.reason {
                report_full_subnet(&connection.api, diagnostic).await;
            }
            Err(Error::NotReady(error))
        }
        Err(error) => Err(error),
    }
}

/// Creates an Event for this node about its full subnet, if the API server allows it.
async fn report_full_subnet(api: &ApiServer, diagnostic: &Diagnostic) {
    let help = diagnostic.help.iter().map(|help| format!("; {help}"));
    let message = diagnostic.text.clone() + &help.collect::<String>();
    match api.create_node_event("PodSubnetFull", &message).await {
        Ok(Some(node)) => info!("cluster: created Event PodSubnetFull for node {node}"),
        Ok(None) => {}
        Err(error) => {
            warn!("cluster: failed to create an Event for this node: {}", one_line(&error));
        }
    }
}

/// Saves the record of this run, unless it depends on recorded values or has no ENIConfig.
fn save(node: &NodeSession, cluster: &ClusterState, plan: &Plan, eni_config: WaitOutcome) {
    let eni_config = match eni_config {
        WaitOutcome::NotNeeded => None,
        WaitOutcome::Ready { eni_config, .. } => plan.wait.as_ref().map(|name| RecordedEniConfig {
            name: name.to_string(),
            subnet: eni_config.subnet,
            security_groups: eni_config.security_groups,
        }),
        WaitOutcome::Recorded | WaitOutcome::Missing => return,
    };
    run_record::save(node, cluster, plan, eni_config);
}
