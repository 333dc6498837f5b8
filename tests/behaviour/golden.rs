//! What each host is told in each CNI mode, byte for byte.
//!
//! To accept a change: `UPDATE_GOLDEN=1 cargo test --test it golden`, and read the difference.

use crate::support::golden::{expect_golden, files_under, golden};
use eni_bootstrap::adapter::disk::Outcome;
use eni_bootstrap::apply::{Applied, apply};
use eni_core::domain::limits::{self, Source};
use eni_core::facts::{Facts, Instance, Limits};
use eni_core::host::kubeadm::ExtraArguments;
use eni_core::host::{Change, Detected, Host, ToldElsewhere};
use eni_core::plan::plan;
use eni_core::settings::Settings;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const MODES: [(&str, &str); 4] = [
    ("plain", "[cni]\ncustom-networking = false"),
    ("custom-networking", ""),
    ("prefix-delegation", "[cni]\ncustom-networking = false\nprefix-delegation = true"),
    ("both", "[cni]\nprefix-delegation = true"),
];

/// AL2's own command, shortened: what stands there must stay.
const AL2: &str = "/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json $KUBELET_ARGS $KUBELET_EXTRA_ARGS";

/// What stands in kubeadm's file, and must stay.
const KUBEADM: &str = "# the site's own\nKUBELET_EXTRA_ARGS=\"--v=2\"\n";

fn hosts() -> [Host; 6] {
    let file = ExtraArguments::read("/etc/default/kubelet".into(), KUBEADM).unwrap();
    let exec_start = AL2.to_owned();
    let snap = Host::Snap { arguments: "--v=2".to_owned() };
    let bottlerocket = Host::Bottlerocket(Box::default());
    let dropin = Host::KubeletDropin { exec_start };
    [Host::Nodeadm, dropin, Host::Kubeadm(file), snap, bottlerocket, Host::None]
}

fn changes(host: Host, mode: &str) -> Vec<Change> {
    let instance_type = "c5.large".parse().unwrap();
    let facts = Facts {
        limits: Limits {
            limits: limits::embedded(&instance_type).unwrap(),
            source: Source::EmbeddedTable,
        },
        instance: Instance {
            instance_type,
            instance_id: "i-0123456789abcdef0".parse().unwrap(),
            zone: "us-west-2a".parse().unwrap(),
            zone_id: Some("usw2-az1".parse().unwrap()),
            region: "us-west-2".parse().unwrap(),
            vpc_id: None,
            subnet_id: None,
            tags: BTreeMap::new(),
        },
        machine: None,
        host: Detected { host, reason: "set by hand".to_owned() },
        elsewhere: ToldElsewhere::default(),
        told: Vec::new(),
    };
    let text = format!("{mode}\n[cluster]\nkubeconfig = \"/kubeconfig\"");
    let settings = Settings::from_toml(Path::new("golden.toml"), &text).unwrap();
    plan(&facts, &settings, None).unwrap().changes
}

#[test]
fn every_host_in_every_mode() {
    for host in hosts() {
        for (mode, text) in MODES {
            let written: BTreeMap<PathBuf, String> = changes(host.clone(), text)
                .into_iter()
                .map(|change| match change {
                    Change::File { path, contents } => (path, contents),
                    Change::Absent { path } => (path, "absent\n".to_owned()),
                    Change::SnapArguments { arguments, .. } => ("args".into(), arguments + "\n"),
                    Change::BottlerocketSettings { wanted, .. } => {
                        ("settings.json".into(), format!("{:#}\n", json!(wanted)))
                    }
                })
                .collect();
            let folder = golden().join(host.to_string()).join(mode);
            for (path, contents) in &written {
                expect_golden(&folder.join(path.file_name().unwrap()), contents);
            }
            let kept = fs::read_dir(&folder).into_iter().flatten().count();
            assert_eq!(kept, written.len(), "files in {} that nothing writes", folder.display());
        }
    }
}

#[tokio::test]
async fn a_second_apply_changes_nothing_and_another_host_takes_its_files_away() {
    use Outcome::{Absent, Removed, Unchanged, Written};
    let root = tempfile::tempdir().unwrap();
    let outcomes = async |host: Host| {
        let applied = apply(root.path(), &changes(host, ""), Duration::ZERO).await.unwrap();
        applied.into_iter().map(|Applied { outcome, .. }| outcome).collect::<Vec<_>>()
    };
    let [nodeadm, dropin, ..] = hosts();
    assert_eq!(outcomes(dropin.clone()).await, [Written, Written, Absent]);
    assert_eq!(outcomes(dropin).await, [Unchanged, Unchanged, Absent]);
    assert_eq!(outcomes(nodeadm.clone()).await, [Written, Removed, Removed]);
    assert_eq!(outcomes(nodeadm).await, [Unchanged, Absent, Absent]);
    assert_eq!(files_under(root.path()), ["etc/eks/nodeadm.d/90-eni-bootstrap.yaml"]);
}
