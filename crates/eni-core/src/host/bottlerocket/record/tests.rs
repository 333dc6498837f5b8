use super::*;
use crate::domain::kubelet::Kubelet;
use crate::domain::label::{self, Labels};
use crate::domain::reserved::{ReserveOverrides, Reserved};
use crate::host::bottlerocket::{Bottlerocket, Family, LiveSettings};
use crate::host::existing_config::{ConfigLocation, ExistingConfig, ExistingLabel};
use crate::host::{Change, HostFamily as _, Image, Renderer as _};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The existing configuration and the record after a run that computes `max_pods` and the labels of
/// zone us-west-2a.
fn run(bottlerocket: &Bottlerocket, max_pods: u32) -> (ExistingConfig, Record, Record) {
    let mut image = Image::default();
    image.bottlerocket = Some(bottlerocket.clone());
    let existing = Family.existing(&image, &"m5.large".parse().unwrap());
    let mut node_labels = Labels::default();
    for (key, value) in [
        ("k8s.amazonaws.com/eniConfig", "us-west-2a"),
        (label::ZONE, "us-west-2a"),
        (label::REGION, "us-west-2"),
    ] {
        node_labels.insert(key.parse().unwrap(), value.parse().unwrap());
    }
    let kube_reserved = Reserved::compute(2, max_pods, &ReserveOverrides::default());
    let kubelet = Kubelet {
        max_pods,
        kube_reserved,
        node_labels,
        needed_flags: crate::domain::kubelet::NeededFlags::default(),
    };
    let changes = bottlerocket.render_beside(&kubelet, &existing);
    let [Change::BottlerocketSettings { record_before, record_after, .. }] = &changes[..] else {
        panic!("{changes:?}")
    };
    (existing, Record::parse(record_before).unwrap(), Record::parse(record_after).unwrap())
}

fn labels() -> BTreeMap<String, String> {
    map(&[
        ("k8s.amazonaws.com/eniConfig", "us-west-2a"),
        ("topology.kubernetes.io/region", "us-west-2"),
        ("topology.kubernetes.io/zone", "us-west-2a"),
    ])
}

fn planned(max_pods: u32, memory: &str) -> KubeletSettings {
    KubeletSettings {
        max_pods: Some(max_pods),
        kube_reserved: map(&[("cpu", "70m"), ("ephemeral-storage", "1Gi"), ("memory", memory)]),
        node_labels: labels(),
    }
}

fn with_live(kubelet: KubeletSettings, record: Option<Record>) -> Bottlerocket {
    let live = LiveSettings { kubelet, ..LiveSettings::default() };
    let eni_max_pods = vec!["m5.large 29\n".to_owned()];
    Bottlerocket { live, record, eni_max_pods }
}

#[test]
fn the_record_does_not_contain_a_kept_value_of_the_user() {
    // The user's max-pods and memory equal what the run sets; the other values are computed.
    let live = KubeletSettings {
        max_pods: Some(110),
        kube_reserved: map(&[("memory", "1465Mi")]),
        node_labels: map(&[("k8s.amazonaws.com/eniConfig", "us-west-2a")]),
    };
    let (_, before, after) = run(&with_live(live.clone(), None), 110);
    let mut own = planned(110, "1465Mi");
    own.max_pods = None;
    own.kube_reserved.remove("memory");
    own.node_labels.remove("k8s.amazonaws.com/eniConfig");
    assert_eq!(after, Record { committed: own.clone(), pending: KubeletSettings::default() });
    assert_eq!(before, Record { committed: KubeletSettings::default(), pending: own });
    // The value of pluto is a default: eni-bootstrap may replace it on another instance type.
    let live = KubeletSettings { max_pods: Some(29), ..KubeletSettings::default() };
    let (_, _, after) = run(&with_live(live, None), 29);
    assert_eq!(after.committed, planned(29, "574Mi"));
}

#[test]
fn the_record_of_a_failed_run_contains_the_live_and_the_pending_values() {
    let record = Record { committed: planned(20, "475Mi"), pending: planned(44, "739Mi") };
    for live in [planned(20, "475Mi"), planned(44, "739Mi"), planned(20, "739Mi")] {
        let (existing, before, after) = run(&with_live(live.clone(), Some(record.clone())), 58);
        let expected = ExistingConfig { own_labels: labels(), ..ExistingConfig::default() };
        assert_eq!(existing, expected, "no value of the user");
        assert_eq!(before, Record { committed: live, pending: planned(58, "893Mi") });
        assert_eq!(after.committed, planned(58, "893Mi"));
    }
}

#[test]
fn a_lost_record_is_recognized_by_the_values_and_the_labels() {
    let lost = with_live(planned(20, "475Mi"), None);
    assert!(lost.has_lost_record());
    let (_, _, after) = run(&lost, 20);
    assert_eq!(after.committed, planned(20, "475Mi"), "recorded again");
    // A value that differs from the computed one may be the user's.
    let (existing, _, after) = run(&lost, 44);
    assert_eq!(existing.max_pods.len(), 1);
    assert_eq!(after.committed, planned(44, "739Mi"));
    let new_node =
        KubeletSettings { node_labels: map(&[("team", "blue")]), ..planned(20, "475Mi") };
    assert!(!with_live(new_node, None).has_lost_record());
}

#[test]
fn the_live_labels_of_the_user_are_existing_labels() {
    let mut live = planned(20, "475Mi");
    live.node_labels.insert("vpc.amazonaws.com/externalEniConfig".into(), "other-zone".into());
    live.node_labels.insert("team".into(), "blue".into());
    let mut committed = planned(20, "475Mi");
    committed.node_labels.insert("team".into(), "red".into());
    let record = Some(Record { committed, ..Record::default() });
    let (existing, _, _) = run(&with_live(live, record), 20);
    let label = |key: &str, value: &str| ExistingLabel {
        key: key.to_owned(),
        value: value.to_owned(),
        location: ConfigLocation::Bottlerocket,
    };
    assert_eq!(
        existing.node_labels,
        [label("team", "blue"), label("vpc.amazonaws.com/externalEniConfig", "other-zone")]
    );
    assert_eq!(existing.own_labels, labels());
}

#[test]
fn the_record_keeps_the_labels_of_earlier_runs() {
    let mut live = planned(20, "475Mi");
    live.node_labels.insert("example.com/eni".into(), "us-west-2a".into());
    let record = Some(Record { committed: live.clone(), ..Record::default() });
    let (_, _, after) = run(&with_live(live.clone(), record), 20);
    assert_eq!(after.committed, live);
}

#[test]
fn the_record_is_toml() {
    let record = Record { committed: planned(20, "475Mi"), pending: planned(44, "739Mi") };
    assert_eq!(
        record.to_toml(),
        "# eni-bootstrap writes this file at every boot, before the kubelet starts.
# The settings that eni-bootstrap configured. It uses them to detect values that others set.
max-pods = 20

[kube-reserved]
\"cpu\" = \"70m\"
\"ephemeral-storage\" = \"1Gi\"
\"memory\" = \"475Mi\"

[node-labels]
\"k8s.amazonaws.com/eniConfig\" = \"us-west-2a\"
\"topology.kubernetes.io/region\" = \"us-west-2\"
\"topology.kubernetes.io/zone\" = \"us-west-2a\"

# The settings that a run was about to commit. They are live if it failed after the commit.
[pending]
max-pods = 44

[pending.kube-reserved]
\"cpu\" = \"70m\"
\"ephemeral-storage\" = \"1Gi\"
\"memory\" = \"739Mi\"

[pending.node-labels]
\"k8s.amazonaws.com/eniConfig\" = \"us-west-2a\"
\"topology.kubernetes.io/region\" = \"us-west-2\"
\"topology.kubernetes.io/zone\" = \"us-west-2a\"
"
    );
    assert_eq!(Record::parse(&record.to_toml()), Ok(record));
}

#[test]
fn a_record_of_an_earlier_version_without_labels_contains_the_labels_that_it_overwrote() {
    let committed = KubeletSettings { node_labels: BTreeMap::new(), ..planned(20, "475Mi") };
    let record = Some(Record { committed, ..Record::default() });
    let mut live = planned(20, "475Mi");
    live.node_labels.insert("team".into(), "blue".into());
    let (existing, _, after) = run(&with_live(live, record), 20);
    let team = ExistingLabel {
        key: "team".to_owned(),
        value: "blue".to_owned(),
        location: ConfigLocation::Bottlerocket,
    };
    assert!(existing.has_unrecorded_labels);
    assert_eq!((existing.node_labels, existing.own_labels), (vec![team], labels()));
    assert_eq!(after.committed, planned(20, "475Mi"));
}

#[test]
fn a_label_that_a_run_sets_belongs_to_a_record_of_an_earlier_version_without_labels() {
    let committed = KubeletSettings { node_labels: BTreeMap::new(), ..planned(20, "475Mi") };
    let bottlerocket = with_live(
        KubeletSettings {
            node_labels: map(&[("example.com/eni", "old"), ("team", "blue")]),
            ..planned(20, "475Mi")
        },
        Some(Record { committed, ..Record::default() }),
    );
    for value in ["old", "new"] {
        let settings = KubeletSettings {
            node_labels: map(&[("example.com/eni", value)]),
            ..planned(20, "475Mi")
        };
        assert_eq!(
            bottlerocket.own_before(&settings).node_labels,
            map(&[("example.com/eni", "old")])
        );
        let record = bottlerocket.record_of(&settings, &ExistingConfig::default());
        assert_eq!(record.committed, settings);
    }
}
