//! Collects the facts about the instance and its image. Independent requests run concurrently.

mod bottlerocket_settings;
mod cluster_connection;
mod interfaces;
mod last_run;
mod observe_error;
mod observed_image;
mod zone_subnets;

pub(crate) use bottlerocket_settings::{BottlerocketSettings, bottlerocket};
pub(crate) use cluster_connection::{ClusterError, Connection, EarlyHints, connect, connect_early};
pub(crate) use interfaces::{AttachedInterfaces, required_interfaces};
pub(crate) use last_run::{
    LastRun, has_record, has_used_cni, record, record_path, warn_unreadable,
};
pub use observe_error::ObserveError;
pub(crate) use observed_image::ObservedImage;
pub(crate) use zone_subnets::zone_subnets;

use crate::adapter::ec2::Ec2;
use crate::adapter::hardware::{self, HardwareError};
use crate::adapter::imds::{ImdsError, Session};
use crate::adapter::{Context, Deadline};
use eni_core::domain::eni_config::Field;
use eni_core::domain::identifier::{InstanceId, InstanceType, Mac, VpcId};
use eni_core::domain::instance_limits::{InstanceLimits, LimitsSource};
use eni_core::domain::zone::{Region, Zone, ZoneId};
use eni_core::facts::{Facts, Instance, Machine, ZoneSubnets};
use eni_core::failure::one_line;
use eni_core::host::{self, HostKind, user_data};
use eni_core::settings::Settings;
use futures::future::try_join_all;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::try_join;
use tracing::warn;

/// Collects the facts about the instance, retrying IMDS until `deadline`. Returns them with the image
/// that they were read from. Uses the limits of `last_run` if EC2 does not return them.
pub(crate) async fn facts(
    context: &Context,
    settings: &Settings,
    bottlerocket: BottlerocketSettings,
    hints: EarlyHints,
    last_run: Option<&LastRun>,
    deadline: Deadline,
) -> Result<(Facts, ObservedImage), ObserveError> {
    let cluster_hint = bottlerocket.cluster_hint.clone();
    let mut image = ObservedImage::read(&context.root, bottlerocket).await?;
    let host = image.host(settings)?;
    // Before the request to IMDS, which an EKS hybrid node does not have.
    host::check_image(&image.image)?;
    let machine = local_machine(&context.root)?;
    let storage_bytes = kubelet_storage(&context.root, host.kind);
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
    node_config.as_ref().map_or(Ok(()), host::check_user_data)?;
    let (cluster, kubelet) = node_config.map(|config| (config.cluster, config.kubelet)).unzip();
    image.node_config = kubelet;
    let existing = image.existing_config(host.kind, &instance.instance_type);
    let cluster_hints = cluster_connection::hints(&context.root, cluster, cluster_hint, hints);
    let facts = Facts {
        instance,
        limits,
        limits_source,
        machine,
        storage_bytes,
        host,
        existing,
        cluster_hints,
        zone_subnets: ZoneSubnets::NotRead,
    };
    Ok((facts, image))
}

/// Returns the CPUs and the memory of this machine; `None` if `root` is not `/`, because its files
/// then belong to another machine. The plan then uses the limits of the instance type.
fn local_machine(root: &Path) -> Result<Option<Machine>, HardwareError> {
    if root == Path::new("/") { hardware::machine().map(Some) } else { Ok(None) }
}

/// Returns the size in bytes of the file system that the kubelet uses for ephemeral storage; `None` if
/// it is unknown: the files belong to another machine, or this is a Bottlerocket container.
fn kubelet_storage(root: &Path, kind: HostKind) -> Option<u64> {
    let is_known = root == Path::new("/") && kind != HostKind::Bottlerocket;
    is_known.then(|| hardware::file_system_bytes(Path::new("/var/lib/kubelet"))).flatten()
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
const MAC: &str = "meta-data/mac";

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
    interfaces::prefetch(session, &hardware::mac_addresses(&context.root));
    // try_join! cancels all requests at the first error, so an unknown instance type fails
    // immediately.
    let (type_facts, identity, network, interfaces, tags, user_data) = try_join!(
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
        from_imds(interfaces::attached(session)),
        from_imds(tags(session, settings)),
        from_imds(session.bytes("user-data")),
    )?;
    let (instance_type, region, (limits, limits_source)) = type_facts;
    let (instance_id, zone, zone_id) = identity;
    let (mac, vpc_id) = network;
    let subnet_id = match (&interfaces.primary, mac) {
        (Some(primary), _) => Some(primary.subnet_id.clone()),
        (None, Some(mac)) => session.expected(&interfaces::of_interface(&mac, "subnet-id")).await?,
        (None, None) => None,
    };
    let instance = Instance {
        instance_type,
        instance_id,
        zone,
        zone_id,
        region,
        vpc_id,
        subnet_id,
        primary_interface: interfaces.primary,
        interfaces: interfaces.others,
        tags,
    };
    Ok(Metadata { instance, limits, limits_source, user_data })
}

async fn from_imds<T>(read: impl Future<Output = Result<T, ImdsError>>) -> Result<T, ObserveError> {
    Ok(read.await?)
}

type Identity = (InstanceId, Zone, Option<ZoneId>);

async fn identity(session: &Session) -> Result<Identity, ImdsError> {
    let zone_id = "meta-data/placement/availability-zone-id";
    let identity = try_join!(
        session.required("meta-data/instance-id"),
        session.required("meta-data/placement/availability-zone"),
        session.expected(zone_id),
    )?;
    if identity.2.is_none() {
        warn_missing(zone_id, "the zone of the subnet is checked by its name only");
    }
    Ok(identity)
}

/// Returns the MAC address and the VPC of the primary network interface.
async fn network(session: &Session) -> Result<(Option<Mac>, Option<VpcId>), ImdsError> {
    const EFFECT: &str = "the VPC of the subnet is not checked";
    let Some(mac) = session.expected::<Mac>(MAC).await? else {
        warn_missing(MAC, EFFECT);
        return Ok((None, None));
    };
    let path = interfaces::of_interface(&mac, "vpc-id");
    let vpc = session.expected(&path).await?;
    if vpc.is_none() {
        warn_missing(&path, EFFECT);
    }
    Ok((Some(mac), vpc))
}

fn warn_missing(path: &str, effect: &str) {
    warn!("instance: {path} not found (HTTP status 404); {effect}");
}

/// Returns the instance tags that `eni-config.name` refers to. Empty if IMDS does not expose tags.
async fn tags(
    session: &Session,
    settings: &Settings,
) -> Result<BTreeMap<String, String>, ImdsError> {
    let tag = async |field: &Field| match field {
        Field::Tag(key) => {
            let path = format!("meta-data/tags/instance/{key}");
            let value = session.expected_text(&path).await?;
            Ok(value.map(|value| (key.clone(), value)))
        }
        _ => Ok(None),
    };
    let tags = try_join_all(settings.eni_config.name().fields().map(tag)).await?;
    Ok(tags.into_iter().flatten().collect())
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
    let failed = |error| {
        let (instance_type, source) = (instance_type.clone(), Box::new(error));
        ObserveError::Limits { instance_type, source, nearest: None }
    };
    let ec2 = Ec2::new(context, region).await.map_err(failed)?;
    ec2.limits(instance_type, deadline).await.map_err(failed)
}
