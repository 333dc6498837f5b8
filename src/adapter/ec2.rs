//! EC2's `DescribeInstanceTypes`: the limits of one type, or of all of them.

use crate::adapter::aws::{self, AwsError};
use crate::adapter::dns::Names;
use crate::adapter::{Deadline, Endpoints, Transient, chain, retry};
use crate::domain::identifier::InstanceType;
use crate::domain::limits::{InstanceLimits, Platform, Row};
use crate::domain::zone::Region;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_ec2::operation::describe_instance_types::DescribeInstanceTypesError;
use aws_sdk_ec2::types::{InstanceTypeHypervisor, InstanceTypeInfo, VCpuInfo};
use std::collections::BTreeMap;
use std::time::Duration;

/// One attempt: a page of a hundred types is about 300 kB.
const ATTEMPT: Duration = Duration::from_secs(20);

/// EC2 did not say what a type's limits are.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    /// There is no such type in this region.
    #[error("EC2 knows no instance type {0}")]
    UnknownType(InstanceType),
    /// The node's role may not ask.
    #[error("the node's role may not call ec2:DescribeInstanceTypes: {0}")]
    NotPermitted(String),
    /// Nobody to ask as.
    #[error("there are no AWS credentials to ask EC2 with: {0}")]
    NoCredentials(String),
    /// It did not answer, or not in time.
    #[error("EC2 does not answer: {0}")]
    Unreachable(String),
    /// It refused.
    #[error("EC2 refused DescribeInstanceTypes: {0}")]
    Refused(String),
    /// Its answer lacks something that every type has.
    #[error("EC2's answer on {instance_type} lacks {what}")]
    Incomplete {
        /// The type.
        instance_type: String,
        /// What is missing.
        what: &'static str,
    },
    /// No request could be made.
    #[error("no request to EC2 could be made")]
    Aws(#[from] AwsError),
}

impl Transient for Ec2Error {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// A client of EC2's API.
#[derive(Clone, Debug)]
pub struct Ec2 {
    client: Client,
}

impl Ec2 {
    /// For `region`, at the injected endpoint or the region's own.
    pub async fn new(
        endpoints: &Endpoints,
        names: &Names,
        region: &Region,
    ) -> Result<Self, Ec2Error> {
        let shared = aws::sdk_config(endpoints, names, region).await?;
        let mut config = aws_sdk_ec2::config::Builder::from(&shared);
        config.set_endpoint_url(
            endpoints.ec2.clone().or_else(|| shared.endpoint_url().map(str::to_owned)),
        );
        Ok(Self { client: Client::from_conf(config.build()) })
    }

    /// The limits of one type.
    pub async fn limits(
        &self,
        instance_type: &InstanceType,
        deadline: Deadline,
    ) -> Result<InstanceLimits, Ec2Error> {
        let answer = retry(deadline, async || {
            let request =
                self.client.describe_instance_types().instance_types(instance_type.as_str().into());
            within(deadline, request.send()).await?.map_err(|error| refusal(instance_type, &error))
        })
        .await?;
        let found = answer.instance_types().iter().find(|info| {
            info.instance_type().is_some_and(|name| name.as_str() == instance_type.as_str())
        });
        let info = found.ok_or_else(|| Ec2Error::UnknownType(instance_type.clone()))?;
        let row = row(instance_type.as_str(), info)?;
        Ok(InstanceLimits::new(instance_type, row))
    }

    /// What EC2 says of every type in the region, all pages of them. `page` is told how many are there
    /// so far.
    pub async fn all_rows(
        &self,
        deadline: Deadline,
        mut page: impl FnMut(usize),
    ) -> Result<BTreeMap<String, Row>, Ec2Error> {
        let mut types = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let answer = retry(deadline, async || {
                let request = self
                    .client
                    .describe_instance_types()
                    .max_results(100)
                    .set_next_token(next.clone());
                within(deadline, request.send()).await?.map_err(|error| classified(&error))
            })
            .await?;
            for info in answer.instance_types() {
                let name = info.instance_type().map_or("", |name| name.as_str());
                types.insert(name.to_owned(), row(name, info)?);
            }
            page(types.len());
            next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(types);
            }
        }
    }
}

async fn within<T>(deadline: Deadline, request: impl Future<Output = T>) -> Result<T, Ec2Error> {
    let attempt = deadline.at_most(ATTEMPT);
    tokio::time::timeout(attempt, request)
        .await
        .map_err(|_| Ec2Error::Unreachable(format!("no answer within {} s", attempt.as_secs())))
}

type Failure = SdkError<DescribeInstanceTypesError>;

fn refusal(instance_type: &InstanceType, error: &Failure) -> Ec2Error {
    match error.as_service_error().and_then(|error| error.code()) {
        Some("InvalidInstanceType") => Ec2Error::UnknownType(instance_type.clone()),
        _ => classified(error),
    }
}

fn classified(error: &Failure) -> Ec2Error {
    let Some(service) = error.as_service_error() else {
        if let Some(why) = credentials_error(error) {
            return Ec2Error::NoCredentials(why);
        }
        return match error {
            SdkError::ConstructionFailure(_) => Ec2Error::Refused(chain(error)),
            _ => Ec2Error::Unreachable(chain(error)),
        };
    };
    let said = format!(
        "{} {}",
        service.code().unwrap_or("no code"),
        service.message().unwrap_or("and no reason")
    );
    match service.code() {
        Some("UnauthorizedOperation" | "AccessDenied" | "AuthFailure") => {
            Ec2Error::NotPermitted(said)
        }
        Some("RequestLimitExceeded" | "Throttling" | "InternalError" | "Unavailable") => {
            Ec2Error::Unreachable(said)
        }
        _ => Ec2Error::Refused(said),
    }
}

/// Why there are no credentials, if that is what went wrong: it does not pass by itself.
fn credentials_error(error: &Failure) -> Option<String> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(found) = cause.downcast_ref::<CredentialsError>() {
            return Some(chain(found));
        }
        source = cause.source();
    }
    None
}

/// What the CNI uses of a type's description. The default card is found by its index: the list
/// need not be in that order.
fn row(name: &str, info: &InstanceTypeInfo) -> Result<Row, Ec2Error> {
    let lacks = |what| Ec2Error::Incomplete { instance_type: name.to_owned(), what };
    let network = info.network_info().ok_or_else(|| lacks("NetworkInfo"))?;
    let default = network.default_network_card_index().unwrap_or(0);
    let card = network
        .network_cards()
        .iter()
        .find(|card| card.network_card_index() == Some(default))
        .ok_or_else(|| lacks("its default network card"))?;
    let count = |value: Option<i32>, what| {
        value.and_then(|value| u32::try_from(value).ok()).ok_or_else(|| lacks(what))
    };
    let platform = match info.hypervisor() {
        _ if info.bare_metal() == Some(true) => Platform::BareMetal,
        Some(InstanceTypeHypervisor::Nitro) => Platform::Nitro,
        Some(InstanceTypeHypervisor::Xen) => Platform::Xen,
        _ => return Err(lacks("Hypervisor")),
    };
    let interfaces = count(card.maximum_network_interfaces(), "MaximumNetworkInterfaces")?;
    let others = network.network_cards().iter().filter(|other| *other != card);
    let of_others = others.map(|other| {
        let most = count(other.maximum_network_interfaces(), "MaximumNetworkInterfaces")?;
        Ok(most.min(interfaces))
    });
    Ok(Row {
        interfaces,
        interfaces_of_other_cards: of_others.sum::<Result<u32, Ec2Error>>()?,
        ipv4_per_interface: count(
            network.ipv4_addresses_per_interface(),
            "Ipv4AddressesPerInterface",
        )?,
        platform,
        vcpus: count(info.v_cpu_info().and_then(VCpuInfo::default_v_cpus), "DefaultVCpus")?,
    })
}
