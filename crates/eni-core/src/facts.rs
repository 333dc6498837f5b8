//! What the machine is. Read once, never changed, never guessed.

use crate::domain::eni_config::Field;
use crate::domain::identifier::{InstanceId, InstanceType, SubnetId, VpcId};
use crate::domain::limits::{InstanceLimits, Source};
use crate::domain::zone::{Region, Zone, ZoneId};
use crate::host::cluster::Told;
use crate::host::{DetectedHost, ExistingConfig};
use ipnet::Ipv4Net;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything about this machine that the plan depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What the instance metadata service says.
    pub instance: Instance,
    /// What the type offers to the CNI.
    pub limits: Limits,
    /// What the machine itself has; `None` where another root than `/` is worked on.
    pub machine: Option<Machine>,
    /// Which family of node image this is.
    pub host: DetectedHost,
    /// What others configured for the kubelet.
    pub existing: ExistingConfig,
    /// What the sources on the machine say of the cluster, the strongest first; none that is not
    /// there.
    pub told: Vec<Told>,
}

/// What the instance metadata service says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Instance {
    /// Such as `m5.large`.
    pub instance_type: InstanceType,
    /// Such as `i-0123456789abcdef0`.
    pub instance_id: InstanceId,
    /// The zone's name.
    pub zone: Zone,
    /// The zone's id, where the service tells it.
    pub zone_id: Option<ZoneId>,
    /// The region.
    pub region: Region,
    /// The primary interface's VPC.
    pub vpc_id: Option<VpcId>,
    /// The primary interface's subnet.
    pub subnet_id: Option<SubnetId>,
    /// Instance tags, as far as the ENIConfig's name asks for them and the instance shows them.
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    /// What a field of the ENIConfig's name stands for here.
    #[must_use]
    pub fn value(&self, field: &Field) -> Option<String> {
        match field {
            Field::Zone => Some(self.zone.to_string()),
            Field::ZoneId => self.zone_id.as_ref().map(ToString::to_string),
            Field::Region => Some(self.region.to_string()),
            Field::InstanceType => Some(self.instance_type.to_string()),
            Field::VpcId => self.vpc_id.as_ref().map(ToString::to_string),
            Field::SubnetId => self.subnet_id.as_ref().map(ToString::to_string),
            Field::Tag(key) => self.tags.get(key).cloned(),
        }
    }
}

/// A type's limits, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The limits.
    pub limits: InstanceLimits,
    /// Who says so.
    pub source: Source,
}

/// What the machine itself has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// CPUs that are online.
    pub cpus: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
}

/// A subnet, as EC2 describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Such as `subnet-0123456789abcdef0`.
    pub id: String,
    /// Its zone's name, as the account that asks calls it.
    pub zone: String,
    /// Its zone's id, the same in every account.
    pub zone_id: String,
    /// Its VPC.
    pub vpc: String,
    /// Its IPv4 range; none in an IPv6-only subnet.
    pub cidr: Option<Ipv4Net>,
    /// IPv4 addresses that nobody has.
    pub free_addresses: u32,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A security group, as EC2 describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Such as `sg-0123456789abcdef0`.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
}

#[cfg(any(test, feature = "fixtures"))]
pub mod fixture;
