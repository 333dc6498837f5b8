use super::*;
use crate::domain::cni::{Addressing, Cni};
use crate::domain::kubelet::Kubelet;
use crate::domain::label::Labels;
use crate::domain::limits;
use crate::domain::max_pods::{Ceiling, Wishes, capacity};
use crate::domain::reserved::{Overrides, Reserved};
use crate::facts::{Instance, Limits, Machine};
use crate::host::{Detected, Host, ToldElsewhere};
use crate::plan::in_force;
use crate::settings::CniLayer;
use std::collections::BTreeMap;

/// A t3.small with prefixes: 3 interfaces of 4 addresses on 2 GiB.
fn warned(memory_mebibytes: u64, ceiling: Ceiling) -> Vec<String> {
    let instance_type = "t3.small".parse().unwrap();
    let (limits, source) = limits::Table::default().find(&instance_type).unwrap();
    let facts = Facts {
        instance: Instance {
            instance_type,
            instance_id: "i-0".parse().unwrap(),
            zone: "us-west-2a".parse().unwrap(),
            zone_id: None,
            region: "us-west-2".parse().unwrap(),
            local_ipv4: None,
            vpc_id: None,
            subnet_id: None,
            tags: BTreeMap::new(),
        },
        limits: Limits { limits, source },
        machine: Some(Machine { cpus: 2, memory_bytes: memory_mebibytes << 20 }),
        host: Detected { host: Host::None, reason: String::new() },
        elsewhere: ToldElsewhere::default(),
        told: Vec::new(),
    };
    let cni = Cni { addressing: Addressing::Prefixes, ..Cni::default() };
    let capacity = capacity(&limits, cni, Wishes { ceiling, ..Wishes::default() }).unwrap();
    let kube_reserved = Reserved::of(2, capacity.max_pods, &Overrides::default());
    let max_pods = capacity.max_pods;
    let node_labels = Labels::default();
    let kubelet = Kubelet { max_pods, kube_reserved, node_labels, beats_flags: false };
    let cni = in_force(&CniLayer::default(), None);
    let plan = Plan {
        cni,
        remarks: Vec::new(),
        capacity,
        settled: None,
        expression: None,
        kubelet,
        changes: Vec::new(),
        wait: None,
    };
    warnings(&facts, &plan)
}

#[test]
fn a_memory_reserve_above_half_of_the_machine_is_said_with_its_sum() {
    assert_eq!(
        warned(2048, Ceiling::Recommended),
        [
            "the kubelet keeps back 255 + 11 × 110 = 1465 Mi of 2048 Mi: more than half; a lower pods.ceiling leaves more for pods"
        ]
    );
    assert_eq!(warned(2930, Ceiling::Recommended), Vec::<String>::new(), "exactly half");
    assert_eq!(warned(2048, Ceiling::At(58)), Vec::<String>::new());
}
