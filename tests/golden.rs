//! What each host is told in each CNI mode, byte for byte.
//!
//! To accept a change: `UPDATE_GOLDEN=1 cargo test --test it golden`, and read the difference.

use eni_bootstrap::adapter::disk::Outcome;
use eni_bootstrap::apply::{Applied, apply};
use eni_core::domain::limits::{self, Source};
use eni_core::facts::{Facts, Instance, Limits};
use eni_core::host::kubeadm::ExtraArguments;
use eni_core::host::{Change, Detected, Host, ToldElsewhere};
use eni_core::plan::plan;
use eni_core::settings::{Layer, Settings};
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
    let layer = Layer::from_toml(Path::new("golden.toml"), &text).unwrap();
    plan(&facts, &Settings::from_layer(layer).unwrap(), None).unwrap().changes
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

/// Every file below `root`, in order.
pub fn files_under(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    files.sort();
    files
}

/// The folder of the golden files.
pub fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares with the golden file, or writes it where `UPDATE_GOLDEN` says so.
pub fn expect_golden(path: &Path, actual: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch and fixture, not a node's")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{}: UPDATE_GOLDEN=1 if the change is meant", path.display());
}
