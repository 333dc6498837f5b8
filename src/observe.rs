//! Adapters → facts. What does not depend on each other is asked for at the same time.

mod bottlerocket;
mod cluster;

pub use bottlerocket::{OnBottlerocket, bottlerocket};
pub use cluster::{ClusterError, Connection, Reached, connect};

use crate::adapter::aws::call::CallError;
use crate::adapter::bottlerocket::BottlerocketError;
use crate::adapter::disk::DiskError;
use crate::adapter::dns::Names;
use crate::adapter::ec2::{Ec2, Ec2Error};
use crate::adapter::imds::{ImdsError, Session};
use crate::adapter::machine::{self, MachineError};
use crate::adapter::{Deadline, Endpoints};
use eni_core::domain::eni_config::Field;
use eni_core::domain::identifier::{InstanceId, InstanceType, Mac, SubnetId, VpcId};
use eni_core::domain::limits::{InstanceLimits, Source};
use eni_core::domain::zone::{Region, Zone, ZoneId};
use eni_core::facts::{Facts, Instance, Limits, Machine};
use eni_core::host::user_data::{self, UserDataError};
use eni_core::host::{self, Host, HostError, Image};
use eni_core::settings::Settings;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::try_join;
use tracing::warn;

/// Something about the machine that could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The instance metadata service.
    #[error("the instance metadata service does not say what this instance is")]
    Imds(#[from] ImdsError),
    /// The image.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Bottlerocket's settings.
    #[error("Bottlerocket does not say what it is set to")]
    Bottlerocket(#[from] BottlerocketError),
    /// The machine's own files.
    #[error("this machine cannot be looked at")]
    Machine(#[from] MachineError),
    /// User data.
    #[error("the user data cannot be used")]
    UserData(#[from] UserDataError),
    /// A type that neither the table nor EC2 knows.
    #[error("the limits of instance type {instance_type} are not known")]
    Limits {
        /// The type.
        instance_type: InstanceType,
        /// Why EC2 did not tell, either.
        source: Ec2Error,
    },
}

impl From<DiskError> for ObserveError {
    fn from(error: DiskError) -> Self {
        Self::Machine(error.into())
    }
}

impl ObserveError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Imds(ImdsError::Unreachable { .. }) => {
                "check that this is an EC2 instance with instance metadata enabled (HttpEndpoint=enabled), a hop limit that reaches here (HttpPutResponseHopLimit), and no firewall before 169.254.169.254"
            }
            Self::Imds(ImdsError::Disabled { .. }) => {
                "enable instance metadata: `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`"
            }
            Self::Imds(_) => {
                "check what answers at the metadata endpoint: AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may point elsewhere"
            }
            Self::Host(error) => error.help(),
            Self::Bottlerocket(error) => error.help(),
            Self::Machine(_) => "run it as root on the node itself",
            Self::UserData(_) => "correct the NodeConfig in user data",
            Self::Limits { source: Ec2Error::Call(CallError::NotPermitted { .. }), .. } => {
                "allow ec2:DescribeInstanceTypes to the node's role, or use an eni-bootstrap whose table has the type"
            }
            Self::Limits { source: Ec2Error::Call(CallError::NoCredentials { .. }), .. } => {
                "give the instance a role that allows ec2:DescribeInstanceTypes, or use an eni-bootstrap whose table has the type"
            }
            Self::Limits { .. } => {
                "check the type's name, and that EC2's API can be reached from here; an eni-bootstrap of a later date may have the type in its table"
            }
        }
    }
}

/// Looks at the machine: its image, its metadata and its type's limits.
pub async fn facts(
    endpoints: &Endpoints,
    names: &Names,
    settings: &Settings,
    bottlerocket: OnBottlerocket,
    deadline: Deadline,
) -> Result<Facts, ObserveError> {
    let OnBottlerocket { found, said: by_bottlerocket, .. } = bottlerocket;
    let image = Image { bottlerocket: found, ..machine::image(&endpoints.root)? };
    let host = host::detect(settings.host.kind(), &image)?;
    let machine = this_machine(&endpoints.root)?;
    // On the heap: a dozen requests at once make a large future.
    let ask = || Box::pin(metadata(endpoints, names, settings, deadline));
    let metadata = match ask().await {
        // A token may be lost with its service: one new session, and not more.
        Err(ObserveError::Imds(ImdsError::TokenRefused { path })) => {
            warn!(
                "the metadata service no longer takes the token (401 for {path}); fetching a new one"
            );
            ask().await?
        }
        answer => answer?,
    };
    let Metadata { instance, limits, user_data } = metadata;
    // On Bottlerocket it is settings, which the API has told.
    let user_data = user_data.filter(|_| !matches!(host.host, Host::Bottlerocket(_)));
    let said = user_data::node_config(&user_data.unwrap_or_default())?;
    let kubelet = said.as_ref().map(|said| &said.kubelet);
    let elsewhere = host::told_elsewhere(&image, &host.host, &instance.instance_type, kubelet);
    let told = cluster::told(&endpoints.root, said.map(|said| said.cluster), by_bottlerocket);
    Ok(Facts { instance, limits, machine, host, elsewhere, told })
}

/// What this machine has. Under another root than `/` the files are some other machine's, and its
/// type's table stands in.
fn this_machine(root: &Path) -> Result<Option<Machine>, MachineError> {
    if root == Path::new("/") { machine::machine().map(Some) } else { Ok(None) }
}

/// Only the type and the region: for the calculator.
pub async fn instance_type(
    endpoints: &Endpoints,
    names: &Names,
    deadline: Deadline,
) -> Result<(InstanceType, Region), ImdsError> {
    let session = Session::open(&endpoints.imds, names, deadline).await?;
    try_join!(session.required(INSTANCE_TYPE), session.required(REGION))
}

const INSTANCE_TYPE: &str = "meta-data/instance-type";
const REGION: &str = "meta-data/placement/region";

/// What is asked of the network.
struct Metadata {
    instance: Instance,
    limits: Limits,
    user_data: Option<Vec<u8>>,
}

async fn metadata(
    endpoints: &Endpoints,
    names: &Names,
    settings: &Settings,
    deadline: Deadline,
) -> Result<Metadata, ObserveError> {
    let session = &Session::open(&endpoints.imds, names, deadline).await?;
    // The first failure ends them all: a type that nobody knows is said at once.
    let (of_type, identity, network, tags, user_data) = try_join!(
        async {
            let (instance_type, region) =
                try_join!(session.required(INSTANCE_TYPE), session.required(REGION))?;
            // On the heap: rarely more than a table look-up, and large when it is.
            let limits =
                Box::pin(type_limits(endpoints, names, &instance_type, &region, deadline)).await?;
            Ok::<_, ObserveError>((instance_type, region, limits))
        },
        of_imds(identity(session)),
        of_imds(network(session)),
        of_imds(tags(session, settings)),
        of_imds(session.bytes("user-data")),
    )?;
    let (instance_type, region, limits) = of_type;
    let (instance_id, zone, zone_id) = identity;
    let (vpc_id, subnet_id) = network;
    let instance =
        Instance { instance_type, instance_id, zone, zone_id, region, vpc_id, subnet_id, tags };
    Ok(Metadata { instance, limits, user_data })
}

async fn of_imds<T>(read: impl Future<Output = Result<T, ImdsError>>) -> Result<T, ObserveError> {
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

/// The primary interface's VPC and subnet.
async fn network(session: &Session) -> Result<(Option<VpcId>, Option<SubnetId>), ImdsError> {
    let Some(mac) = session.item::<Mac>("meta-data/mac").await? else { return Ok((None, None)) };
    let vpc = format!("meta-data/network/interfaces/macs/{mac}/vpc-id");
    let subnet = format!("meta-data/network/interfaces/macs/{mac}/subnet-id");
    try_join!(session.item(&vpc), session.item(&subnet))
}

/// The tags that the ENIConfig's name asks for; none where the instance does not show its tags.
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

/// From the embedded table, else from EC2, else not at all: a guessed figure is what we exist to end.
async fn type_limits(
    endpoints: &Endpoints,
    names: &Names,
    instance_type: &InstanceType,
    region: &Region,
    deadline: Deadline,
) -> Result<Limits, ObserveError> {
    if let Some((limits, source)) = endpoints.table.find(instance_type) {
        return Ok(Limits { limits, source });
    }
    let limits = limits_by_ec2(endpoints, names, instance_type, region, deadline).await?;
    Ok(Limits { limits, source: Source::Ec2 })
}

/// What EC2 says of a type that the table lacks.
pub async fn limits_by_ec2(
    endpoints: &Endpoints,
    names: &Names,
    instance_type: &InstanceType,
    region: &Region,
    deadline: Deadline,
) -> Result<InstanceLimits, ObserveError> {
    warn!("the table in this eni-bootstrap has no {instance_type}; asking EC2");
    let failed = |source| ObserveError::Limits { instance_type: instance_type.clone(), source };
    let ec2 = Ec2::new(endpoints, names, region).await.map_err(failed)?;
    ec2.limits(instance_type, deadline).await.map_err(failed)
}
