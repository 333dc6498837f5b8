use super::*;
use crate::host::bottlerocket::Bottlerocket;
use crate::host::{Read, reads, snap};

const KUBELET: &str = "[Service]\nExecStart=/usr/bin/kubelet $ARGS\n";
const KUBEADM: &str = "[Service]\nEnvironmentFile=-/etc/default/kubelet\nExecStart=/usr/bin/kubelet $KUBELET_EXTRA_ARGS\n";

fn image(files: &[(&str, &str)]) -> Image {
    let mut image = Image::default();
    for (path, text) in files {
        image.insert_file(*path, *text);
    }
    image
}

fn detected(kind: HostKind, image: &Image) -> Result<String, HostError> {
    detect(kind, image).map(|host| format!("{}: {}", host.kind, host.reason))
}

#[test]
fn the_most_specific_family_takes_precedence() {
    let mut image = image(&[
        ("/etc/systemd/system/nodeadm-run.service", "ExecStart=nodeadm /etc/eks/nodeadm.d/"),
        ("/etc/systemd/system/kubelet.service", KUBEADM),
    ]);
    image.insert_snap_option(snap::ARGUMENTS, "--v=2");
    image.bottlerocket = Some(Bottlerocket::default());
    let auto = |image: &Image| detected(HostKind::Auto, image).unwrap();
    assert_eq!(auto(&image), "bottlerocket: /run/api.sock is the Bottlerocket settings API");
    image.bottlerocket = None;
    assert_eq!(auto(&image), "nodeadm: nodeadm-run.service reads /etc/eks/nodeadm.d");
    image.insert_file("/etc/systemd/system/nodeadm-run.service", "ExecStart=nodeadm");
    assert_eq!(
        auto(&image),
        "snap: the image has snap.kubelet-eks.daemon.service; kubelet.service is not used"
    );
}

#[test]
fn a_broken_image_is_not_left_to_the_next_family() {
    let mut image = image(&[("/etc/systemd/system/kubelet.service", KUBEADM)]);
    assert_eq!(
        detected(HostKind::Auto, &image).unwrap(),
        "kubeadm: kubelet.service reads $KUBELET_EXTRA_ARGS from /etc/default/kubelet"
    );
    image.insert_file("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=\"open");
    let path = "/etc/default/kubelet".into();
    assert_eq!(
        detected(HostKind::Auto, &image),
        Err(HostError::ExtraArguments(kubeadm::Unquotable::Value { path }))
    );
}

#[test]
fn an_explicit_host_must_fit_the_image() {
    let kubelet = image(&[("/etc/systemd/system/kubelet.service", KUBELET)]);
    let text = |kind, image: &Image| detected(kind, image).map_err(|error| error.to_string());
    assert_eq!(text(HostKind::None, &kubelet).unwrap(), "none: configured explicitly");
    for (kind, image, expected) in [
        (
            HostKind::Nodeadm,
            &kubelet,
            "host.kind is nodeadm, but this image has no nodeadm-run.service",
        ),
        (
            HostKind::Kubeadm,
            &kubelet,
            "host.kind is kubeadm, but this image has no kubelet.service that reads /etc/default/kubelet or /etc/sysconfig/kubelet and ends with $KUBELET_EXTRA_ARGS",
        ),
        (
            HostKind::Snap,
            &kubelet,
            "host.kind is snap, but this image has no snap.kubelet-eks.daemon.service",
        ),
        (
            HostKind::KubeletDropin,
            &Image::default(),
            "host.kind is kubelet-dropin, but this image has no kubelet.service",
        ),
        (
            HostKind::Bottlerocket,
            &kubelet,
            "this image has no /run/api.sock, the socket of the Bottlerocket settings API",
        ),
        (
            HostKind::Auto,
            &Image::default(),
            "this image has neither nodeadm-run.service nor kubelet.service",
        ),
    ] {
        assert_eq!(text(kind, image), Err(expected.to_owned()));
    }
}

#[test]
fn each_file_is_requested_once_and_a_snap_option_after_its_unit() {
    let reads = reads();
    for (index, read) in reads.iter().enumerate() {
        assert_eq!(reads.iter().position(|other| other == read), Some(index));
        if let Read::SnapOption { unit, .. } = read {
            let is_unit =
                |read: &Read| matches!(read, Read::FirstOf(paths) if paths[0].ends_with(unit));
            assert!(reads[..index].iter().any(is_unit), "{unit}");
        }
    }
}

#[test]
fn help_for_a_wrong_family_does_not_suggest_the_same_family() {
    use crate::failure::Advice as _;
    let error = detected(HostKind::KubeletDropin, &image(&[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "host.kind is kubelet-dropin, but this image has no kubelet.service"
    );
    assert_eq!(error.help(), "set `host.kind = \"auto\"`, or use `--host-kind none`");
}

#[test]
fn removal_changes_the_files_before_the_snap() {
    let mut image = image(&[]);
    image.insert_snap_option(
        snap::ARGUMENTS,
        "--v=2 --max-pods=20 --kube-reserved=cpu=70m --node-labels=a=1",
    );
    let changes = super::super::remove(&image);
    let is_snap = |change: &Change| matches!(change, Change::SnapOption { .. });
    assert_eq!(changes.iter().position(is_snap), Some(changes.len() - 1), "{changes:?}");
}
