//! The facts of an example instance for tests.

use super::{Facts, Instance, ZoneSubnets};
use crate::domain::instance_limits::{self, LimitsSource};
use crate::host::{ExistingConfig, HostKind, Image, detect};
use std::collections::BTreeMap;

/// Returns the facts of an instance in us-west-2a with one tag, `pool`. Its image belongs to no
/// family, has no kubelet configuration and contains no description of a cluster.
#[must_use]
#[allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "test fixture")]
pub fn facts(instance_type: &str) -> Facts {
    let instance_type = instance_type.parse().unwrap();
    Facts {
        limits: instance_limits::embedded(&instance_type).unwrap(),
        limits_source: LimitsSource::EmbeddedTable,
        instance: Instance {
            instance_type,
            instance_id: "i-0123456789abcdef0".parse().unwrap(),
            zone: "us-west-2a".parse().unwrap(),
            zone_id: None,
            region: "us-west-2".parse().unwrap(),
            vpc_id: None,
            subnet_id: None,
            primary_interface: None,
            interfaces: Some(Vec::new()),
            tags: BTreeMap::from([("pool".to_owned(), "Blue Pool".to_owned())]),
        },
        machine: None,
        storage_bytes: None,
        host: detect(HostKind::None, &Image::default()).unwrap(),
        existing: ExistingConfig::default(),
        cluster_hints: Vec::new(),
        zone_subnets: ZoneSubnets::NotRead,
    }
}
