//! Applies the changes of a host to a real directory. `tests/scenarios` covers what each host writes.

use crate::support::golden::files_under;
use eni_bootstrap::apply::{Applied, apply};
use eni_core::facts::Facts;
use eni_core::facts::fixture::facts;
use eni_core::host::{Change, HostKind, Image, Outcome, detect};
use eni_core::plan::plan;
use eni_core::settings::Settings;
use std::path::Path;
use std::time::Duration;

fn changes(root: &Path, kind: HostKind) -> Vec<Change> {
    let mut image = Image::default();
    for file in files_under(root) {
        let text = std::fs::read_to_string(root.join(&file)).unwrap();
        image.insert_file(format!("/{file}"), text);
    }
    let units = "/etc/systemd/system";
    image.insert_file(
        format!("{units}/nodeadm-run.service"),
        "ExecStart=nodeadm /etc/eks/nodeadm.d",
    );
    image
        .insert_file(format!("{units}/kubelet.service"), "[Service]\nExecStart=/usr/bin/kubelet\n");
    let facts = Facts { host: detect(kind, &image).unwrap(), ..facts("c5.large") };
    plan(&facts, &Settings::default(), None).unwrap().changes
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_another_host_removes_the_files() {
    use Outcome::{Removed, Unchanged, Written};
    let root = tempfile::tempdir().unwrap();
    let outcomes = async |kind: HostKind| {
        let applied =
            apply(root.path(), &changes(root.path(), kind), Duration::ZERO).await.unwrap();
        applied.into_iter().map(|Applied { outcome, .. }| outcome).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(HostKind::KubeletDropin).await, [Written, Written]);
    assert_eq!(outcomes(HostKind::KubeletDropin).await, [Unchanged, Unchanged]);
    assert_eq!(outcomes(HostKind::Nodeadm).await, [Written, Removed, Removed]);
    assert_eq!(outcomes(HostKind::Nodeadm).await, [Unchanged]);
    assert_eq!(files_under(root.path()), ["etc/eks/nodeadm.d/90-eni-bootstrap.yaml"]);
}
