//! The configuration of the kubelet on each host family, with competing drop-ins, flags and environment
//! files.

use super::{START, UNITS, al2, in_effect, make_executable, not_effective, restart, restart_with};
use crate::support::boot::Fixture;
use crate::support::boot::node::Family::Al2023;
use std::fs;

/// The commands that start the kubelet after a failure.
const START_NODEADM: &str = "systemctl start nodeadm-run";
const START_SNAP: &str = "snap start kubelet-eks";

#[test]
fn kubelet_dropin_overrides_or_names_a_competing_drop_in_flag_or_environment_file() {
    let Some(fixture) = al2("effective_dropin") else { return };
    fixture.node.drop_in(
        "kubelet.service",
        "95-site",
        "[Service]\nEnvironmentFile=/etc/site.env\nExecStart=\nExecStart=/usr/bin/kubelet --max-pods=58 $KUBELET_EXTRA_ARGS\n",
    );
    let environment = "KUBELET_EXTRA_ARGS=\"--max-pods=57 --node-labels=team=red\"\nENI_BOOTSTRAP_KUBELET_ARGS=--max-pods=56\n";
    fixture.node.write("etc/site.env", environment);
    let (machine, kubelet) = fixture.boot();
    assert_eq!(kubelet.arguments[..2], ["--max-pods=58", "--max-pods=57"]);
    assert_eq!(in_effect(&kubelet), (20, Some("red".to_owned())));

    let unit = "kubelet.service";
    let late = format!("{UNITS}/{unit}.d/zzz-site.conf");
    let file = |text: &str| restart_with(&machine, unit, &[(&late, text)]).unwrap_err();
    assert_eq!(
        file("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --max-pods=58\n"),
        format!(
            "error: failed to add arguments to kubelet.service\n  caused by: {late} sets ExecStart= and is read after zz-eni-bootstrap.conf\n  help: rename {late} so that its name sorts before zz-eni-bootstrap.conf, or add `$ENI_BOOTSTRAP_KUBELET_ARGS` to the end of its ExecStart=\n"
        )
    );
    assert_eq!(
        file("[Service]\nEnvironmentFile=/etc/site.env\n"),
        not_effective(
            "kubelet.service starts the kubelet with --max-pods=56 instead of --max-pods=20",
            unit,
            "/etc/site.env",
            START
        )
    );
    assert!(file("[Service]\nEnvironmentFile=\n").contains(&format!("because of {late}\n")));
    // A drop-in for all services, which eni-bootstrap does not read.
    let all = format!("{UNITS}/service.d/zzz-all.conf");
    let text = "[Service]\nUnsetEnvironment=ENI_BOOTSTRAP_KUBELET_ARGS\n";
    assert_eq!(
        restart_with(&machine, unit, &[(&all, text)]).unwrap_err(),
        not_effective(
            "kubelet.service starts the kubelet with --max-pods=57 instead of --max-pods=20",
            unit,
            &all,
            START
        )
    );
    assert_eq!(restart(&machine, unit).unwrap().arguments, kubelet.arguments);
}

#[test]
fn kubeadm_overrides_or_names_a_competing_drop_in_flag_or_environment_file() {
    let Some(fixture) = al2("effective_kubeadm") else { return };
    fs::remove_dir_all(fixture.node.path("etc/eks/containerd")).unwrap();
    for name in ["10-kubelet-args", "30-kubelet-extra-args"] {
        fs::remove_file(fixture.node.path(&format!("{UNITS}/kubelet.service.d/{name}.conf")))
            .unwrap();
    }
    let unit = "kubelet.service";
    fixture.node.drop_in(
        unit,
        "10-kubeadm",
        "[Service]\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n",
    );
    fixture.node.drop_in(
        unit,
        "20-site",
        "[Service]\nEnvironment=\"KUBELET_EXTRA_ARGS=--node-labels=team=blue --v=3\"\n",
    );
    fixture.node.write("var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=--max-pods=58\n");
    fixture.node.write("etc/default/kubelet", "OTHER=1\n");
    let (machine, kubelet) = fixture.boot();
    assert_eq!(kubelet.arguments[..3], ["--max-pods=58", "--node-labels=team=blue", "--v=3"]);
    assert_eq!(in_effect(&kubelet), (20, Some("blue".to_owned())));
    assert!(machine.journal("eni-bootstrap").contains("\nhost: kubeadm ("));

    let site = format!("{UNITS}/{unit}.d/95-site.conf");
    let all = format!("{UNITS}/service.d/zzz-all.conf");
    let environment =
        ("/etc/site.env", "KUBELET_EXTRA_ARGS=\"--max-pods=57 --node-labels=team=red\"\n");
    // Another host overrides what the file of kubeadm cannot.
    for (text, team) in [
        (
            "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_EXTRA_ARGS --max-pods=57\n",
            "blue",
        ),
        ("[Service]\nEnvironmentFile=/etc/site.env\n", "red"),
    ] {
        let kubelet = restart_with(&machine, unit, &[(&site, text), environment]).unwrap();
        assert_eq!(in_effect(&kubelet), (20, Some(team.to_owned())), "{text}");
    }
    // Drop-ins for all services, which eni-bootstrap does not read.
    for (text, cause, location) in [
        (
            "[Service]\nEnvironmentFile=/etc/site.env\n",
            "kubelet.service starts the kubelet with --max-pods=57 instead of --max-pods=20",
            "/etc/site.env",
        ),
        (
            "[Service]\nUnsetEnvironment=KUBELET_EXTRA_ARGS\n",
            "kubelet.service starts the kubelet with --max-pods=58 instead of --max-pods=20",
            all.as_str(),
        ),
    ] {
        let error = restart_with(&machine, unit, &[(&all, text), environment]).unwrap_err();
        assert_eq!(error, not_effective(cause, unit, location, START));
    }
    let again = restart(&machine, unit).unwrap();
    assert_eq!(again.arguments, kubelet.arguments);
}

#[test]
fn nodeadm_overrides_or_names_a_competing_drop_in_flag_or_environment_file() {
    let Some(fixture) = Fixture::new("effective_nodeadm", Al2023) else { return };
    fixture.create_eni_config();
    let kubelet_unit = "kubelet.service";
    fixture.node.drop_in(
        kubelet_unit,
        "95-site",
        "[Service]\nEnvironment=SITE_ARGS=--max-pods=57\nExecStart=\nExecStart=/usr/bin/kubelet --max-pods=58 $SITE_ARGS $NODEADM_KUBELET_ARGS\n",
    );
    let (machine, kubelet) = fixture.boot();
    assert_eq!(in_effect(&kubelet), (20, Some("blue".to_owned())));

    let unit = "nodeadm-run.service";
    let late = format!("{UNITS}/{kubelet_unit}.d/96-site.conf");
    let environment = ("/etc/site.env", "NODEADM_KUBELET_ARGS=--max-pods=56\n");
    for (text, cause, location) in [
        (
            "[Service]\nEnvironmentFile=/etc/site.env\n",
            "kubelet.service starts the kubelet without --node-labels=k8s.amazonaws.com/eniConfig=us-west-2a",
            "/etc/site.env",
        ),
        (
            "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exec kubelet $NODEADM_KUBELET_ARGS'\n",
            "kubelet.service runs /bin/sh, which does not pass the planned arguments to the kubelet",
            &late,
        ),
    ] {
        let error = restart_with(&machine, unit, &[(&late, text), environment]).unwrap_err();
        assert_eq!(error, not_effective(cause, kubelet_unit, location, START_NODEADM));
    }
    let with_max_pods = |max_pods: u64| {
        let text = format!(
            "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet $NODEADM_KUBELET_ARGS --max-pods={max_pods}\n"
        );
        restart_with(&machine, unit, &[(&late, &text)])
    };
    assert_eq!(in_effect(&with_max_pods(18).unwrap()), (18, Some("blue".to_owned())));
    assert_eq!(
        with_max_pods(55).unwrap_err(),
        format!(
            "error: failed to compute the node configuration\n  caused by: a kubelet flag in {late} sets max-pods to 55, and the kubelet reads these arguments after those of eni-bootstrap, but the capacity of this node is 20 pods; additional pods would stay in ContainerCreating without an IP address\n  help: remove --max-pods from {late}\n"
        )
    );
    let run = format!("{UNITS}/{unit}.d/95-site.conf");
    let text = "[Service]\nExecStart=\nExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data\n";
    assert_eq!(
        restart_with(&machine, unit, &[(&run, text)]).unwrap_err(),
        not_effective(
            "nodeadm-run.service runs /usr/bin/nodeadm without /etc/eks/nodeadm.d",
            unit,
            &run,
            START_NODEADM
        )
    );
    assert_eq!(in_effect(&restart(&machine, unit).unwrap()), (20, Some("blue".to_owned())));
}

/// Simulates `snap`: stores the option in a file, and starts the kubelet with it.
const SNAP: &str = r#"#!/bin/sh
case "$1 $2" in
"get kubelet-eks") cat /etc/default/snap-args ;;
"set kubelet-eks") printf '%s\n' "${3#args=}" >/etc/default/snap-args ;;
"run kubelet-eks.daemon") shift 2; exec /usr/bin/kubelet $(cat /etc/default/snap-args) "$@" ;;
esac
"#;

#[test]
fn snap_overrides_or_names_a_competing_drop_in_flag_or_environment_file() {
    let Some(fixture) = al2("effective_snap") else { return };
    fixture.node.systemctl(&["disable", "kubelet.service"]);
    let unit = "snap.kubelet-eks.daemon.service";
    fixture.node.write(
        &format!("{UNITS}/{unit}"),
        "[Service]\nEnvironmentFile=-/etc/environment\nExecStart=/usr/bin/snap run kubelet-eks.daemon\n[Install]\nWantedBy=multi-user.target\n",
    );
    fixture.node.write("usr/bin/snap", SNAP);
    make_executable(&fixture.node, "usr/bin/snap");
    fixture.node.write("etc/default/snap-args", "--max-pods=58 --node-labels=team=blue\n");
    fixture.node.write("etc/environment", "SITE=--max-pods=57\n");
    fixture.node.systemctl(&["enable", unit]);
    let (machine, kubelet) = fixture.boot();
    assert_eq!(kubelet.arguments[..2], ["--max-pods=58", "--node-labels=team=blue"]);
    assert_eq!(in_effect(&kubelet), (20, Some("blue".to_owned())));

    let site = format!("{UNITS}/{unit}.d/95-site.conf");
    let command = |text: &str| format!("[Service]\nExecStart=\nExecStart={text}\n");
    for (text, cause, location) in [
        (
            "/usr/bin/snap run kubelet-eks.daemon --max-pods=56",
            "snap.kubelet-eks.daemon.service starts the kubelet with --max-pods=56 instead of --max-pods=20",
            site.as_str(),
        ),
        (
            "/usr/bin/snap run kubelet-eks.daemon $SITE",
            "snap.kubelet-eks.daemon.service starts the kubelet with --max-pods=57 instead of --max-pods=20",
            "/etc/environment",
        ),
        (
            "/usr/bin/kubelet --max-pods=55",
            "snap.kubelet-eks.daemon.service runs /usr/bin/kubelet without kubelet-eks",
            site.as_str(),
        ),
    ] {
        let error = restart_with(&machine, unit, &[(&site, &command(text))]).unwrap_err();
        assert_eq!(error, not_effective(cause, unit, location, START_SNAP));
    }
    assert_eq!(restart(&machine, unit).unwrap().arguments, kubelet.arguments);
}
