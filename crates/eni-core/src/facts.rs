//! The properties of the instance and its image, which the agent reads once.

use crate::domain::eni_config::Field;
use crate::domain::identifier::{InstanceId, InstanceType, InterfaceId, SubnetId, VpcId};
use crate::domain::instance_limits::{InstanceLimits, LimitsSource};
use crate::domain::prefixes;
use crate::domain::zone::{Region, Zone, ZoneId};
use crate::host::cluster_hints::ClusterHint;
use crate::host::{DetectedHost, ExistingConfig};
use ipnet::Ipv4Net;
use serde::Serialize;
use std::collections::BTreeMap;

/// The properties of the instance and its image that the plan depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The instance's own metadata.
    pub instance: Instance,
    /// The limits of the instance type.
    pub limits: InstanceLimits,
    /// Where `limits` comes from.
    pub limits_source: LimitsSource,
    /// CPUs and memory as the operating system reports them; `None` if the root is not `/`.
    pub machine: Option<Machine>,
    /// The size in bytes of the file system of `/var/lib/kubelet`; `None` if it is unknown.
    pub storage_bytes: Option<u64>,
    /// The family of the node image.
    pub host: DetectedHost,
    /// The kubelet configuration that other programs have written.
    pub existing: ExistingConfig,
    /// The descriptions of the cluster on the instance, in order of precedence.
    pub cluster_hints: Vec<ClusterHint>,
    /// The subnets in the zone and the VPC of the instance.
    pub zone_subnets: ZoneSubnets,
}

/// The subnets in the zone and the VPC of the instance, as `ec2:DescribeSubnets` returns them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ZoneSubnets {
    /// The plan does not depend on them.
    #[default]
    NotRead,
    /// All of them, including the subnet of the instance.
    Read(Vec<Subnet>),
    /// EC2 did not return them.
    Unknown {
        /// Why, on one line.
        reason: String,
        /// Whether IAM denies the call.
        is_denied: bool,
    },
}

/// The instance's own metadata, from IMDS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Instance {
    /// The instance type, such as `m5.large`.
    pub instance_type: InstanceType,
    /// The instance id, such as `i-0123456789abcdef0`.
    pub instance_id: InstanceId,
    /// The availability zone's name, such as `us-west-2a`.
    pub zone: Zone,
    /// The availability zone's id, such as `usw2-az1`, if IMDS provides it.
    pub zone_id: Option<ZoneId>,
    /// The region, such as `us-west-2`.
    pub region: Region,
    /// The VPC of the primary network interface.
    pub vpc_id: Option<VpcId>,
    /// The subnet of the primary network interface.
    pub subnet_id: Option<SubnetId>,
    /// The primary network interface; `None` if IMDS does not describe it.
    pub primary_interface: Option<NetworkInterface>,
    /// The network interfaces on the first network card, without the primary one; `None` if IMDS
    /// does not describe them.
    pub interfaces: Option<Vec<NetworkInterface>>,
    /// The instance tags that `eni-config.name` refers to. Empty if IMDS does not expose tags.
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    /// Returns the value of a placeholder in `eni-config.name`; `None` if the instance does not
    /// have it.
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

/// An attached network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkInterface {
    /// The network interface id, such as `eni-0123456789abcdef0`.
    pub id: InterfaceId,
    /// The subnet of the network interface.
    pub subnet_id: SubnetId,
    /// The number of its private IPv4 addresses, without the primary one.
    pub secondary_addresses: u32,
    /// The number of its `/28` prefixes.
    pub prefixes: u32,
}

impl NetworkInterface {
    /// Returns the number of addresses that the CNI can assign to pods. The CNI never assigns the
    /// primary address to a pod.
    #[must_use]
    pub fn pod_addresses(&self) -> u32 {
        self.secondary_addresses + self.prefixes * prefixes::ADDRESSES
    }
}

/// CPUs and memory as the operating system reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// CPUs that are online.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

/// A subnet as `ec2:DescribeSubnets` returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The subnet id, such as `subnet-0123456789abcdef0`.
    pub id: String,
    /// The availability zone's name in the account of the caller.
    pub zone: String,
    /// The availability zone's id, which is the same in every account.
    pub zone_id: String,
    pub vpc: String,
    /// The IPv4 CIDR block; `None` for an IPv6-only subnet.
    pub cidr: Option<Ipv4Net>,
    /// The number of unused IPv4 addresses.
    pub free_addresses: u32,
    pub tags: BTreeMap<String, String>,
}

/// A security group as `ec2:DescribeSecurityGroups` returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// The security group id, such as `sg-0123456789abcdef0`.
    pub id: String,
    pub vpc: String,
}

#[cfg(any(test, feature = "fixtures"))]
pub mod fixture;
