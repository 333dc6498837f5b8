//! The drop-ins of the kubelet.

use super::*;
use crate::domain::kubelet::{Kubelet, NeededFlags};
use crate::domain::label::Labels;
use crate::domain::reserved::{ReserveOverrides, Reserved};
use crate::host::config_directory::ConfigDirectory;
use crate::host::{Change, Image, kubelet_unit};

/// A check for a kubelet whose drop-in sets max-pods and kube-reserved. `files` are beside that drop-in.
fn verify_drop_ins(show: &str, files: &[(&str, &str)]) -> Result<(), UnitMismatch> {
    let mut image = Image::default();
    let command = "[Service]\nExecStart=/usr/bin/kubelet --config-dir=/etc/kubelet.d\n";
    image.insert_file("/usr/lib/systemd/system/kubelet.service", command);
    let directory = ConfigDirectory::find(&image, None).unwrap();
    let kubelet = Kubelet {
        max_pods: 20,
        kube_reserved: Reserved::compute(2, 20, &ReserveOverrides::default()),
        node_labels: Labels::default(),
        needed_flags: NeededFlags::default(),
    };
    let Change::OwnedFile { path, contents } = directory.change(&kubelet) else { panic!() };
    let own = [(path.clone(), contents)];
    let others = files.iter().map(|(name, text)| (path.with_file_name(name), (*text).to_owned()));
    let unit = LoadedUnit::parse(&format!(
        "LoadState=loaded\nExecStart={{ path=/usr/bin/kubelet ; argv[]={show} ; ignore_errors=no ; start_time=[n/a] }}\nEnvironment=OWN=--node-labels=\n"
    )).unwrap();
    let files = UnitFiles {
        unit: vec![(UNIT.into(), "[Service]\nExecStart=/usr/bin/kubelet\n".to_owned())],
        config: own.into_iter().chain(others).collect(),
        ..UnitFiles::default()
    };
    kubelet_unit::check(&kubelet, Some(&directory), "OWN").verify(&unit, &files)
}

#[test]
fn the_kubelet_must_read_the_drop_in_directory() {
    let own = "--config-dir=/etc/kubelet.d $OWN";
    for show in [
        own,
        "--config-dir /etc/kubelet.d $OWN",
        "--config-dir=/a --config_dir=/etc/kubelet.d $OWN",
    ] {
        assert_eq!(verify_drop_ins(&format!("/usr/bin/kubelet {show}"), &[]), Ok(()), "{show}");
    }
    for (show, expected) in [
        (
            "--config-dir=/etc/kubelet.d $OWN --config-dir=/a",
            "with --config-dir=/a instead of --config-dir=/etc/kubelet.d",
        ),
        ("$OWN", "without --config-dir=/etc/kubelet.d"),
        (
            "--config-dir=/etc/kubelet.d $OWN --max-pods=58",
            "with --max-pods=58 instead of --max-pods=20",
        ),
        (
            "--kube-reserved=cpu=1 --config-dir=/etc/kubelet.d $OWN",
            "with --kube-reserved=cpu=1 instead of --kube-reserved=cpu=70m",
        ),
    ] {
        let error = verify_drop_ins(&format!("/usr/bin/kubelet {show}"), &[]).unwrap_err();
        assert_eq!(
            report(&error),
            format!(
                "error: kubelet.service starts the kubelet {expected}, because of {UNIT}\n  help: run `systemctl cat kubelet.service`, correct {UNIT}, then run `systemctl start kubelet`"
            )
        );
    }
}

#[test]
fn a_later_drop_in_of_the_kubelet_is_named() {
    let show = "/usr/bin/kubelet --config-dir=/etc/kubelet.d $OWN";
    for (text, expected) in [
        ("maxPods: 58", "with maxPods: 58 instead of maxPods: 20"),
        ("kubeReserved: null", "without kubeReserved.cpu: 70m"),
    ] {
        let error = verify_drop_ins(show, &[("zzz.conf", text)]).unwrap_err();
        assert_eq!(
            report(&error),
            format!(
                "error: kubelet.service starts the kubelet {expected}, because of /etc/kubelet.d/zzz.conf\n  help: correct or remove /etc/kubelet.d/zzz.conf, then run `systemctl start kubelet`"
            )
        );
        assert_eq!(error.exit_code().number(), 65);
    }
}
