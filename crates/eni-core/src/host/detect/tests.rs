use super::*;
use crate::host::bottlerocket::Bottlerocket;

const KUBELET: &str = "[Service]\nExecStart=/usr/bin/kubelet $ARGS\n";

fn image(nodeadm: Option<&str>, kubelet: &[&str]) -> Image {
    Image {
        nodeadm_run_unit: nodeadm.map(str::to_owned),
        kubelet_unit: kubelet.iter().map(|&text| text.to_owned()).collect(),
        ..Image::default()
    }
}

#[test]
fn hosts_are_found_by_what_the_image_has() {
    let new = "ExecStart=/usr/bin/nodeadm init --config-source file:///etc/eks/nodeadm.d/";
    let old = "ExecStart=/usr/bin/nodeadm init";
    let dropin = Host::KubeletDropin { exec_start: "/usr/bin/kubelet $ARGS".to_owned() };
    let auto =
        |image: &Image| detect(HostKind::Auto, image).map(|found| (found.host, found.reason));
    assert_eq!(
        auto(&image(Some(new), &[KUBELET])),
        Ok((Host::Nodeadm, "nodeadm-run.service reads /etc/eks/nodeadm.d".to_owned()))
    );
    assert_eq!(
        auto(&image(Some(old), &[KUBELET])),
        Ok((
            dropin.clone(),
            "there is a kubelet.service, and its nodeadm-run.service does not read /etc/eks/nodeadm.d"
                .to_owned()
        ))
    );
    assert_eq!(
        auto(&image(None, &[KUBELET])),
        Ok((dropin, "there is a kubelet.service, and there is no nodeadm-run.service".to_owned()))
    );
    assert_eq!(auto(&image(None, &[])), Err(HostError::Unknown));
}

#[test]
fn the_surest_claim_comes_first() {
    const KUBEADM: &str = "[Service]\nEnvironmentFile=-/etc/default/kubelet\nExecStart=/usr/bin/kubelet $KUBELET_EXTRA_ARGS\n";
    let mut image = Image {
        nodeadm_run_unit: Some(nodeadm::DIRECTORY.to_owned()),
        kubelet_unit: vec![KUBEADM.to_owned()],
        snap_arguments: Some("--v=2".to_owned()),
        bottlerocket: Some(Bottlerocket::default()),
        ..Image::default()
    };
    let auto = |image: &Image| {
        let found = detect(HostKind::Auto, image).unwrap();
        format!("{}: {}", found.host, found.reason)
    };
    assert_eq!(auto(&image), "bottlerocket: there is Bottlerocket's settings API");
    image.bottlerocket = None;
    assert_eq!(auto(&image), "nodeadm: nodeadm-run.service reads /etc/eks/nodeadm.d");
    image.nodeadm_run_unit = None;
    assert_eq!(
        auto(&image),
        "snap: there is a snap.kubelet-eks.daemon.service; there is a kubelet.service, too, which the snap's image does not use"
    );
    image.snap_arguments = None;
    assert_eq!(
        auto(&image),
        "kubeadm: kubelet.service reads kubeadm's file of further arguments; kubelet-dropin would fit, too"
    );
    // A broken file of kubeadm's is said, and not passed over for the next family.
    let path = PathBuf::from("/etc/default/kubelet");
    image.extra_arguments = vec![(path.clone(), "KUBELET_EXTRA_ARGS=\"open".to_owned())];
    assert_eq!(
        detect(HostKind::Auto, &image),
        Err(HostError::ExtraArguments(kubeadm::Unquotable { path }))
    );
}

#[test]
fn a_host_set_by_hand_must_fit_the_image() {
    let found = |kind, image: &Image| detect(kind, image).map(|found| found.host);
    assert_eq!(found(HostKind::None, &image(None, &[])), Ok(Host::None));
    assert_eq!(
        found(HostKind::Nodeadm, &image(None, &[KUBELET])),
        Err(HostError::NoDropIns("there is no nodeadm-run.service"))
    );
    assert_eq!(
        found(HostKind::KubeletDropin, &image(None, &[])),
        Err(HostError::Unit(unit_file::UnitError::NoExecStart))
    );
}
