//! A node for the tests of what stands above.

use super::{Facts, Instance, Limits};
use crate::domain::limits::{self, Source};
use crate::host::{ExistingConfig, HostKind, Image, detect};
use std::collections::BTreeMap;

/// An instance of this type in us-west-2a with one tag, `pool`, and an image of no family. Nobody else
/// has told the kubelet anything, and nobody has named a cluster.
#[must_use]
#[allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "test fixture")]
pub fn facts(instance_type: &str) -> Facts {
    let instance_type = instance_type.parse().unwrap();
    Facts {
        limits: Limits {
            limits: limits::embedded(&instance_type).unwrap(),
            source: Source::EmbeddedTable,
        },
        instance: Instance {
            instance_type,
            instance_id: "i-0123456789abcdef0".parse().unwrap(),
            zone: "us-west-2a".parse().unwrap(),
            zone_id: None,
            region: "us-west-2".parse().unwrap(),
            vpc_id: None,
            subnet_id: None,
            tags: BTreeMap::from([("pool".to_owned(), "Blue Pool".to_owned())]),
        },
        machine: None,
        host: detect(HostKind::None, &Image::default()).unwrap(),
        existing: ExistingConfig::default(),
        told: Vec::new(),
    }
}
