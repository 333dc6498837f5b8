//! The calculator: a figure for an instance type, with the flags of EKS's `max-pods-calculator.sh`.

use crate::adapter::dns::Names;
use crate::adapter::ec2::Ec2;
use crate::adapter::{Deadline, Endpoints};
use crate::command::print;
use crate::domain::cni::{Addressing, Cni};
use crate::domain::identifier::InstanceType;
use crate::domain::limits::InstanceLimits;
use crate::domain::max_pods::{Ceiling, Wishes, capacity};
use crate::domain::zone::Region;
use crate::error::{Error, UsageError};
use crate::observe::{self, ObserveError};
use clap::Args;
use std::time::Duration;
use tracing::warn;

/// As long as the instance and EC2 together may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The flags.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the script this replaces")]
pub struct Wanted {
    /// The instance type
    #[arg(long, value_name = "TYPE", required_unless_present = "instance_type_from_imds")]
    pub instance_type: Option<InstanceType>,
    /// Ask the instance metadata service for the type; wins over --instance-type
    #[arg(long)]
    pub instance_type_from_imds: bool,
    /// The VPC CNI's version; prefixes need 1.9 or later [default: a version that has them]
    #[arg(long, value_name = "VERSION")]
    pub cni_version: Option<CniVersion>,
    /// Pods live on an ENIConfig's subnet: the primary interface carries none
    #[arg(long)]
    pub cni_custom_networking_enabled: bool,
    /// Prefixes of 16 addresses
    #[arg(long)]
    pub cni_prefix_delegation_enabled: bool,
    /// The most interfaces that the CNI uses; 0 is no limit
    #[arg(long, value_name = "N")]
    pub cni_max_eni: Option<u32>,
    /// Print the figure before the ceiling of 110 or 250
    #[arg(long)]
    pub show_max_allowed: bool,
    /// The region to ask for a type that the table lacks
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub region: Option<Region>,
}

/// A version of the VPC CNI, such as `1.19.0` or `v1.19`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CniVersion {
    major: u32,
    minor: u32,
}

/// The first version with prefix delegation.
///
/// Source: CHANGELOG of aws/amazon-vpc-cni-k8s, v1.9.0.
const FIRST_WITH_PREFIXES: CniVersion = CniVersion { major: 1, minor: 9 };

impl std::str::FromStr for CniVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut number = || numbers.next().and_then(|digits| digits.parse().ok());
        match (number(), number()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(format!("{text:?} is not a version such as 1.19.0")),
        }
    }
}

/// Prints the figure alone.
pub async fn show(endpoints: Endpoints, names: Names, wanted: Wanted) -> Result<(), Error> {
    let deadline = Deadline::after(PATIENCE);
    let (instance_type, region) = if wanted.instance_type_from_imds {
        let found = observe::instance_type(&endpoints, &names, deadline).await;
        let (instance_type, region) = found.map_err(ObserveError::from)?;
        (instance_type, Some(region))
    } else {
        (
            wanted.instance_type.clone().ok_or(Error::Usage(UsageError::NoInstanceType))?,
            wanted.region.clone(),
        )
    };
    let limits = match (endpoints.table)(&instance_type) {
        Some(limits) => limits,
        None => by_ec2(&endpoints, &names, &instance_type, region, deadline).await?,
    };
    let addressing = if wanted.cni_prefix_delegation_enabled
        && wanted.cni_version.is_none_or(|version| version >= FIRST_WITH_PREFIXES)
    {
        Addressing::Prefixes
    } else {
        Addressing::SecondaryAddresses
    };
    let cni = Cni {
        addressing,
        custom_networking: wanted.cni_custom_networking_enabled,
        max_eni: wanted.cni_max_eni,
        ..Cni::default()
    };
    let ceiling = if wanted.show_max_allowed { Ceiling::Unlimited } else { Ceiling::Recommended };
    let capacity = capacity(&limits, cni, Wishes { ceiling, ..Wishes::default() })
        .map_err(|source| Error::NoCapacity { instance_type: instance_type.to_string(), source })?;
    for caveat in &capacity.caveats {
        warn!("{caveat}");
    }
    print(&format!("{}\n", capacity.max_pods))
}

async fn by_ec2(
    endpoints: &Endpoints,
    names: &Names,
    instance_type: &InstanceType,
    region: Option<Region>,
    deadline: Deadline,
) -> Result<InstanceLimits, Error> {
    let region = region.ok_or_else(|| Error::Usage(UsageError::NoRegion(instance_type.clone())))?;
    warn!("the table in this eni-bootstrap has no {instance_type}; asking EC2");
    let failed = |source| ObserveError::Limits { instance_type: instance_type.clone(), source };
    let ec2 = Ec2::new(endpoints, names, &region).await.map_err(failed)?;
    Ok(ec2.limits(instance_type, deadline).await.map_err(failed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_their_letter() {
        let version = |text: &str| text.parse::<CniVersion>();
        assert_eq!(version("1.19.0"), Ok(CniVersion { major: 1, minor: 19 }));
        assert_eq!(version("v1.18.0-eksbuild.1"), Ok(CniVersion { major: 1, minor: 18 }));
        assert_eq!(version("1.9"), Ok(FIRST_WITH_PREFIXES));
        assert!(version("1.8.9").unwrap() < FIRST_WITH_PREFIXES);
        assert!(version("2.0").unwrap() > FIRST_WITH_PREFIXES);
        assert_eq!(version("latest"), Err("\"latest\" is not a version such as 1.19.0".to_owned()));
        assert_eq!(version("2"), Err("\"2\" is not a version such as 1.19.0".to_owned()));
    }
}
