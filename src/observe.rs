//! Collects the facts about the instance and its image. Independent requests run concurrently.

mod bottlerocket_settings;
mod cluster_connection;
mod last_run;

pub(crate) use bottlerocket_settings::{BottlerocketSettings, bottlerocket};
pub(crate) use cluster_connection::{ClusterError, Connection, connect};
pub(crate) use last_run::{LastRun, record, record_path};

use crate::adapter::aws::call::CallError;
use crate::adapter::bottlerocket_api::BottlerocketError;
use crate::adapter::disk::DiskError;
use crate::adapter::ec2::{Ec2, Ec2Error};
use crate::adapter::hardware::{self, HardwareError};
use crate::adapter::image_files::{self, ImageError};
use crate::adapter::imds::{ImdsError, Session};
use crate::adapter::{Context, Deadline};
use eni_core::domain::eni_config::Field;
use eni_core::domain::identifier::{InstanceId, InstanceType, Mac, SubnetId, VpcId};
use eni_core::domain::instance_limits::{InstanceLimits, LimitsSource};
use eni_core::domain::zone::{Region, Zone, ZoneId};
use eni_core::facts::{Facts, Instance, Machine};
use eni_core::failure::{Advice, ExitCode, one_line};
use eni_core::host::user_data::{self, UserDataError};
use eni_core::host::{self, HostError, HostKind};
use eni_core::settings::Settings;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::try_join;
use tracing::warn;

/// A failure to collect the facts about the instance.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// IMDS is unreachable or returned invalid data.
    #[error("failed to read instance metadata")]
    Imds(#[from] ImdsError),
    /// The family of the image is unknown or not supported.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The settings API of Bottlerocket failed.
    #[error("failed to read Bottlerocket's settings")]
    Bottlerocket(#[from] BottlerocketError),
    /// A file of the node image cannot be read.
    #[error("failed to detect the image family of this node")]
    Image(#[from] ImageError),
    /// The number of CPUs or the memory size cannot be read.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// User data contains an invalid `NodeConfig`.
    #[error(transparent)]
    UserData(#[from] UserDataError),
    /// The instance type is not in the table, and EC2 did not return its limits.
    #[error("failed to look up the limits of instance type {instance_type}")]
    Limits { instance_type: InstanceType, source: Ec2Error },
}

impl From<DiskError> for ObserveError {
    fn from(error: DiskError) -> Self {
        Self::Image(error.into())
    }
}

impl Advice for ObserveError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Imds(error) => return error.help(),
            Self::Host(error) => return error.help(),
            Self::Bottlerocket(error) => return error.help(),
            Self::Image(error) => return error.help(),
            Self::Hardware(error) => return error.help(),
            Self::UserData(error) => return error.help(),
            Self::Limits { source: Ec2Error::Call(CallError::AccessDenied { .. }), .. } => {
                "allow ec2:DescribeInstanceTypes in the node's IAM role, or install an eni-bootstrap version whose table contains the instance type"
            }
            Self::Limits { source: Ec2Error::Call(CallError::NoCredentials { .. }), .. } => {
                "attach an instance profile that allows ec2:DescribeInstanceTypes, or install an eni-bootstrap version whose table contains the instance type"
            }
            Self::Limits { .. } => {
                "check that the EC2 API is reachable from this node, or install a newer eni-bootstrap version, whose table may contain the instance type"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Imds(error) => error.exit_code(),
            Self::Host(error) => error.exit_code(),
            Self::Bottlerocket(error) => error.exit_code(),
            Self::Image(error) => error.exit_code(),
            Self::Hardware(error) => error.exit_code(),
            Self::UserData(error) => error.exit_code(),
            Self::Limits { source, .. } => source.exit_code(),
        }
    }
}

/// Collects the facts about the instance, retrying IMDS until `deadline`. Uses the limits of `last_run` if
/// EC2 does not return them.
pub(crate) async fn facts(
    context: &Context,
    settings: &Settings,
    bottlerocket: BottlerocketSettings,
    last_run: Option<&LastRun>,
    deadline: Deadline,
) -> Result<Facts, ObserveError> {
    let BottlerocketSettings { settings: bottlerocket_settings, cluster_hint, .. } = bottlerocket;
    let mut image = image_files::read(&context.root).await?;
    image.bottlerocket = bottlerocket_settings;
    let host = host::detect(settings.host.kind(), &image)?;
    let machine = local_machine(&context.root)?;
    // Boxed: the future of a dozen concurrent requests is large.
    let read = || Box::pin(metadata(context, settings, last_run, deadline));
    let metadata = match read().await {
        // A restart of IMDS invalidates its tokens. Retry once with a new token.
        Err(ObserveError::Imds(ImdsError::TokenRejected { path })) => {
            warn!("imds: the token was rejected (401 for {path}); requesting a new one");
            read().await?
        }
        result => result?,
    };
    let Metadata { instance, limits, limits_source, user_data } = metadata;
    // On Bottlerocket, user data contains settings, which its API has already returned.
    let user_data = user_data.filter(|_| host.kind != HostKind::Bottlerocket);
    let node_config = user_data::node_config(&user_data.unwrap_or_default())?;
    let kubelet = node_config.as_ref().map(|config| &config.kubelet);
    let existing = host::existing_config(&image, host.kind, &instance.instance_type, kubelet);
    let cluster = node_config.map(|config| config.cluster);
    let cluster_hints = cluster_connection::hints(&context.root, cluster, cluster_hint);
    Ok(Facts { instance, limits, limits_source, machine, host, existing, cluster_hints })
}

/// Returns the CPUs and the memory of this machine; `None` if `root` is not `/`, because its files
/// then belong to another machine. The plan then uses the limits of the instance type.
fn local_machine(root: &Path) -> Result<Option<Machine>, HardwareError> {
    if root == Path::new("/") { hardware::machine().map(Some) } else { Ok(None) }
}

/// Returns the type and the region of this instance.
pub(crate) async fn instance_type(
    context: &Context,
    deadline: Deadline,
) -> Result<(InstanceType, Region), ImdsError> {
    let session = Session::open(context, deadline).await?;
    try_join!(session.required(INSTANCE_TYPE), session.required(REGION))
}

const INSTANCE_TYPE: &str = "meta-data/instance-type";
const REGION: &str = "meta-data/placement/region";

/// The facts from IMDS and EC2.
struct Metadata {
    instance: Instance,
    limits: InstanceLimits,
    limits_source: LimitsSource,
    user_data: Option<Vec<u8>>,
}

async fn metadata(
    context: &Context,
    settings: &Settings,
    last_run: Option<&LastRun>,
    deadline: Deadline,
) -> Result<Metadata, ObserveError> {
    let session = &Session::open(context, deadline).await?;
    // try_join! cancels all requests at the first error, so an unknown instance type fails
    // immediately.
    let (type_facts, identity, network, tags, user_data) = try_join!(
        async {
            let (instance_type, region) =
                try_join!(session.required(INSTANCE_TYPE), session.required(REGION))?;
            // Boxed: the future of the EC2 request is large, and the request is rare.
            let limits = limits(context, session, &instance_type, &region, last_run, deadline);
            let limits = Box::pin(limits).await?;
            Ok::<_, ObserveError>((instance_type, region, limits))
        },
        from_imds(identity(session)),
        from_imds(network(session)),
        from_imds(tags(session, settings)),
        from_imds(session.bytes("user-data")),
    )?;
    let (instance_type, region, (limits, limits_source)) = type_facts;
    let (instance_id, zone, zone_id) = identity;
    let (vpc_id, subnet_id) = network;
    let instance =
        Instance { instance_type, instance_id, zone, zone_id, region, vpc_id, subnet_id, tags };
    Ok(Metadata { instance, limits, limits_source, user_data })
}

async fn from_imds<T>(read: impl Future<Output = Result<T, ImdsError>>) -> Result<T, ObserveError> {
    Ok(read.await?)
}

type Identity = (InstanceId, Zone, Option<ZoneId>);

async fn identity(session: &Session) -> Result<Identity, ImdsError> {
    try_join!(
        session.required("meta-data/instance-id"),
        session.required("meta-data/placement/availability-zone"),
        session.item("meta-data/placement/availability-zone-id"),
    )
}

/// Returns the VPC and the subnet of the primary network interface.
async fn network(session: &Session) -> Result<(Option<VpcId>, Option<SubnetId>), ImdsError> {
    let Some(mac) = session.item::<Mac>("meta-data/mac").await? else { return Ok((None, None)) };
    let vpc = format!("meta-data/network/interfaces/macs/{mac}/vpc-id");
    let subnet = format!("meta-data/network/interfaces/macs/{mac}/subnet-id");
    try_join!(session.item(&vpc), session.item(&subnet))
}

/// Returns the instance tags that `eni-config.name` refers to. Empty if IMDS does not expose tags.
async fn tags(
    session: &Session,
    settings: &Settings,
) -> Result<BTreeMap<String, String>, ImdsError> {
    let mut tags = BTreeMap::new();
    for field in settings.eni_config.name().fields() {
        if let Field::Tag(key) = field
            && let Some(value) = session.text(&format!("meta-data/tags/instance/{key}")).await?
        {
            tags.insert(key.clone(), value);
        }
    }
    Ok(tags)
}

/// Returns the limits of the instance type from the table, from EC2, or from the last run of this instance.
/// If all fail, the command fails.
async fn limits(
    context: &Context,
    session: &Session,
    instance_type: &InstanceType,
    region: &Region,
    last_run: Option<&LastRun>,
    deadline: Deadline,
) -> Result<(InstanceLimits, LimitsSource), ObserveError> {
    if let Some(limits) = context.table.find(instance_type) {
        return Ok(limits);
    }
    let mut recorded = None;
    if let Some(last_run) = last_run {
        let id: InstanceId = session.required("meta-data/instance-id").await?;
        recorded = last_run.limits(&id, instance_type).map(|limits| (last_run, limits));
    }
    let deadline =
        recorded.map_or(deadline, |(last_run, _)| deadline.no_later_than(last_run.request_wait()));
    match (limits_from_ec2(context, instance_type, region, deadline).await, recorded) {
        (Ok(limits), _) => Ok((limits, LimitsSource::Ec2)),
        // The limits of an instance type do not change, so every error of EC2 may be ignored.
        (Err(error), Some((last_run, limits))) => {
            last_run.warn(&format!("instance: {}", one_line(&error)), "the limits");
            Ok((limits, LimitsSource::LastRun))
        }
        (Err(error), None) => Err(error),
    }
}

/// Returns the limits of an instance type from `ec2:DescribeInstanceTypes`.
pub(crate) async fn limits_from_ec2(
    context: &Context,
    instance_type: &InstanceType,
    region: &Region,
    deadline: Deadline,
) -> Result<InstanceLimits, ObserveError> {
    warn!(
        "instance: {instance_type} is not in the embedded table; calling ec2:DescribeInstanceTypes"
    );
    let failed = |source| ObserveError::Limits { instance_type: instance_type.clone(), source };
    let ec2 = Ec2::new(context, region).await.map_err(failed)?;
    ec2.limits(instance_type, deadline).await.map_err(failed)
}
