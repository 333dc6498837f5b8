//! Applies the changes of a host to a real directory. `tests/scenarios` covers what each host writes.

use crate::support::golden::files_under;
use eni_bootstrap::adapter::Context;
use eni_bootstrap::apply::{Applied, apply};
use eni_core::facts::Facts;
use eni_core::facts::fixture::facts;
use eni_core::failure::{Advice as _, ExitCode, report};
use eni_core::host::{Change, HostKind, Image, Outcome, detect};
use eni_core::plan::plan;
use eni_core::settings::Settings;
use std::path::Path;
use std::time::Duration;

const KUBELET: &str = "etc/systemd/system/kubelet.service";

/// Writes a file of the image.
#[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Creates an image in which both `nodeadm` and `kubelet-dropin` can be configured.
fn image() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let nodeadm = "[Service]\nExecStart=nodeadm /etc/eks/nodeadm.d\n";
    write(root.path(), "etc/systemd/system/nodeadm-run.service", nodeadm);
    write(root.path(), KUBELET, "[Service]\nExecStart=/usr/bin/kubelet\n");
    root
}

/// Returns the image below `root`, and the changes that are computed from it.
fn changes(root: &Path, kind: HostKind) -> (Image, Vec<Change>) {
    let mut image = Image::default();
    for file in files_under(root) {
        let text = std::fs::read_to_string(root.join(&file)).unwrap();
        image.insert_file(format!("/{file}"), text);
    }
    let facts = Facts { host: detect(kind, &image).unwrap(), ..facts("c5.large") };
    let changes = plan(&facts, &Settings::default(), None).unwrap().changes;
    (image, changes)
}

/// Returns the context of a command on the node below `root`.
fn context(root: &Path) -> Context {
    Context { root: root.to_owned(), ..Context::default() }
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_another_host_removes_the_files() {
    use Outcome::{Removed, Unchanged, Written};
    let root = image();
    let before = files_under(root.path());
    let outcomes = async |kind: HostKind| {
        let (image, changes) = changes(root.path(), kind);
        let applied = apply(&context(root.path()), &changes, &image, Duration::ZERO).await.unwrap();
        applied.into_iter().map(|Applied { outcome, .. }| outcome).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(HostKind::KubeletDropin).await, [Written, Written]);
    assert_eq!(outcomes(HostKind::KubeletDropin).await, [Unchanged, Unchanged]);
    assert_eq!(outcomes(HostKind::Nodeadm).await, [Written, Removed, Removed]);
    assert_eq!(outcomes(HostKind::Nodeadm).await, [Unchanged]);
    let mut files = files_under(root.path());
    files.retain(|file| !before.contains(file));
    assert_eq!(files, ["etc/eks/nodeadm.d/90-eni-bootstrap.yaml"]);
}

#[tokio::test]
async fn nothing_is_applied_if_the_image_has_changed_since_the_plan() {
    let root = image();
    let (image, changes) = changes(root.path(), HostKind::KubeletDropin);
    write(root.path(), KUBELET, "[Service]\nExecStart=/usr/bin/kubelet --v=4\n");
    let before = files_under(root.path());
    let error = apply(&context(root.path()), &changes, &image, Duration::ZERO).await.unwrap_err();
    assert_eq!(
        report(&error),
        "error: /etc/systemd/system/kubelet.service changed after eni-bootstrap read it\n  help: find the program that changes /etc/systemd/system/kubelet.service, and run the command again after that program has ended"
    );
    assert_eq!(error.exit_code(), ExitCode::CannotWrite);
    assert_eq!(files_under(root.path()), before);
}
