//! The restrictions of the units fit what eni-bootstrap does on each host family: it runs without
//! capabilities and with the system call filter, it uses no blocked system call, and it writes only to the
//! writable paths. Each writable path is necessary for a host family.
//!
//! eni-bootstrap has no unit in a bootstrap container of Bottlerocket.

mod site;

use crate::boot::effective_unit::write;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::{Al2, Al2023, Kubeadm};
use crate::support::boot::restrictions::{WRITABLE, differences};
use crate::support::real_parts::kubelet_program;
use site::{DROP_IN, NECESSARY, RESTRICTED, RETRY, Site, UNIT, not_written, privileges};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

/// Simulates `snap`. As with snapd, another process stores the option, without the restrictions of the unit.
const SNAP: &str = r#"#!/bin/sh
case "$1 $2" in
"get kubelet-eks") cat /var/snap-args ;;
"set kubelet-eks") systemd-run --quiet -p Type=oneshot sh -c 'printf "%s\n" "$0" >/var/snap-args' "${3#args=}" ;;
esac
"#;

/// Writes an executable file of the running machine.
fn install(machine: &Machine, path: &str, text: &str) {
    write(machine, path, text);
    fs::set_permissions(machine.path(path), Permissions::from_mode(0o755)).unwrap();
}

const NODEADM: &str = "nodeadm (nodeadm-run.service reads /etc/eks/nodeadm.d)";
const DROPIN: &str = "kubelet-dropin (the image has kubelet.service and no nodeadm-run.service)";

#[test]
fn nodeadm_and_retry_fit_the_restrictions() {
    let Some(mut site) = Site::boot("privilege_nodeadm", Al2023) else { return };
    site.trace_host("nodeadm", &["eni-bootstrap", "systemctl"]);
    site.assert_sufficient("nodeadm", &["/var/lib/eni-bootstrap", "/etc/eks/nodeadm.d"]);
    let file = "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml";
    site.assert_necessary("/etc/eks/nodeadm.d", "", &not_written(NODEADM, file));
    // The failure has started the retry unit, which pauses.
    assert_eq!(privileges(&site.machine, RETRY), RESTRICTED);

    let warning = "warning: record: failed to write /var/lib/eni-bootstrap";
    let read_only = "Read-only file system (os error 30)";
    let warnings = format!(
        "host: {NODEADM}\n{warning}/configured-for.json: {read_only}\n{warning}/last-run.json: {read_only}; if the API server is unreachable at the next boot, the kubelet does not start\n"
    );
    let state = "/var/lib/eni-bootstrap";
    site.assert_necessary(state, "StateDirectory=\n", &("0".to_owned(), warnings));

    write(&site.machine, "/etc/eni-bootstrap/90-site.toml", "[retry]\npause = \"1s\"\n");
    site.machine.stdout_of(&["systemctl", "stop", "kubelet.service"]);
    let trace = site.trace(&["retry"]);
    assert_eq!(trace.written, BTreeSet::new(), "files written by retry");
    site.add_calls("retry", trace);
    assert_weaker_units_differ(&site.machine);
    site.end();
}

/// Asserts that a drop-in that weakens a restriction is found.
fn assert_weaker_units_differ(machine: &Machine) {
    for (line, expected) in [
        ("ProtectSystem=full", "ProtectSystem is Some(\"full\"), expected \"strict\""),
        (
            "ReadWritePaths=/usr",
            "ReadWritePaths is Some(\"-/var/lib/eni-bootstrap -/etc/eks/nodeadm.d -/etc/kubernetes -/etc/systemd/system -/etc/default -/etc/sysconfig /usr\"), expected \"-/var/lib/eni-bootstrap -/etc/eks/nodeadm.d -/etc/kubernetes -/etc/systemd/system -/etc/default -/etc/sysconfig\"",
        ),
        (
            "CapabilityBoundingSet=CAP_CHOWN",
            "CapabilityBoundingSet is Some(\"cap_chown\"), expected \"\"",
        ),
        ("NoNewPrivileges=no", "NoNewPrivileges is Some(\"no\"), expected \"yes\""),
        ("SystemCallFilter=fchown", "SystemCallFilter does not block: fchown; also blocks: "),
    ] {
        write(machine, DROP_IN, &format!("[Service]\n{line}\n"));
        machine.stdout_of(&["systemctl", "daemon-reload"]);
        assert_eq!(differences(machine), [format!("{UNIT}: {expected}")], "{line}");
    }
    write(machine, DROP_IN, "[Service]\nExecStart=\nExecStart=+/usr/bin/eni-bootstrap run\n");
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    let found = differences(machine);
    let expected = format!("{UNIT}: ExecStart= runs without restrictions: ");
    assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    let other = DROP_IN.replace("60-timeout", "60-other");
    fs::rename(machine.path(DROP_IN), machine.path(&other)).unwrap();
    write(machine, &other, "[Service]\nTimeoutStartSec=14min\n");
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    assert_eq!(differences(machine), [format!("{UNIT}: {other} is not in the list of drop-ins")]);
    fs::remove_file(machine.path(&other)).unwrap();
    machine.stdout_of(&["systemctl", "daemon-reload"]);
}

/// The host family `kubelet-dropin` with flags and with a drop-in of the kubelet.
#[test]
fn kubelet_dropin_and_snap_fit_the_restrictions() {
    let Some(kubelet) = kubelet_program("1.34") else { return };
    let Some(mut site) = Site::boot("privilege_kubelet_dropin", Al2) else { return };
    site.trace_host(
        "kubelet-dropin, exec plugin",
        &["aws-iam-authenticator", "eni-bootstrap", "systemctl"],
    );
    site.assert_sufficient("kubelet-dropin", &["/var/lib/eni-bootstrap", "/etc/systemd/system"]);
    let file = "/etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
    site.assert_necessary("/etc/systemd/system", "", &not_written(DROPIN, file));

    // A unit of the site starts a real kubelet, which reads drop-ins.
    let machine = &site.machine;
    machine.stdout_of(&["systemctl", "stop", "kubelet.service"]);
    fs::remove_file(machine.path("/usr/bin/kubelet")).unwrap();
    fs::copy(kubelet, machine.path("/usr/bin/kubelet")).unwrap();
    fs::remove_dir_all(machine.path("/etc/eks/containerd")).unwrap();
    let config = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    write(machine, "/etc/kubernetes/kubelet.yaml", config);
    write(machine, "/etc/kubernetes/kubelet.conf.d/10-site.conf", config);
    let command = "/usr/bin/kubelet --config=/etc/kubernetes/kubelet.yaml";
    write_command(machine, command);
    // eni-bootstrap runs the kubelet with --version.
    site.trace_host(
        "kubelet-dropin, without --config-dir",
        &["aws-iam-authenticator", "eni-bootstrap", "kubelet", "systemctl"],
    );
    write_command(&site.machine, &format!("{command} --config-dir=/etc/kubernetes/kubelet.conf.d"));
    site.trace_host(
        "kubelet-dropin, with --config-dir",
        &["aws-iam-authenticator", "eni-bootstrap", "systemctl"],
    );
    site.assert_sufficient(
        "--config-dir",
        &["/var/lib/eni-bootstrap", "/etc/systemd/system", "/etc/kubernetes"],
    );
    let flags = "host: kubelet-dropin (the image has kubelet.service and no nodeadm-run.service; kubelet flags are used, because /etc/kubernetes/kubelet.conf.d is read-only)\n";
    site.assert_necessary("/etc/kubernetes", "", &("0".to_owned(), flags.to_owned()));

    let unit = "/etc/systemd/system/snap.kubelet-eks.daemon.service";
    write(&site.machine, unit, "[Service]\nExecStart=/usr/bin/snap run kubelet-eks.daemon\n");
    install(&site.machine, "/usr/bin/snap", SNAP);
    write(&site.machine, "/var/snap-args", "--node-labels=team=blue\n");
    site.machine.stdout_of(&["systemctl", "daemon-reload"]);
    site.trace_host(
        "snap",
        &["aws-iam-authenticator", "cat", "eni-bootstrap", "snap", "systemctl", "systemd-run"],
    );
    site.assert_sufficient("snap", &["/var/lib/eni-bootstrap"]);
    let arguments = site.machine.read("/var/snap-args").unwrap();
    assert!(arguments.contains("--max-pods=20"), "{arguments}");
    site.end();
}

/// Replaces the command of kubelet.service, as a drop-in of the site does.
fn write_command(machine: &Machine, command: &str) {
    let text = format!("[Service]\nExecStart=\nExecStart={command}\n");
    write(machine, "/etc/systemd/system/kubelet.service.d/95-site.conf", &text);
    machine.stdout_of(&["systemctl", "daemon-reload"]);
}

/// The host family `kubeadm` on Debian, and with the path of an RPM distribution.
#[test]
fn kubeadm_fits_the_restrictions() {
    let Some(mut site) = Site::boot("privilege_kubeadm", Kubeadm) else { return };
    let drop_in = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
    for folder in ["/etc/default", "/etc/sysconfig"] {
        let text = site.machine.read(drop_in).unwrap();
        write(&site.machine, drop_in, &text.replace("/etc/default", folder));
        write(&site.machine, &format!("{folder}/kubelet"), "KUBELET_EXTRA_ARGS=--v=2\n");
        site.machine.stdout_of(&["systemctl", "daemon-reload"]);
        let file = format!("{folder}/kubelet");
        let host = format!("kubeadm (kubelet.service reads $KUBELET_EXTRA_ARGS from {file})");
        site.trace_host(&host, &["eni-bootstrap", "systemctl"]);
        site.assert_sufficient(&host, &["/var/lib/eni-bootstrap", folder]);
        site.assert_necessary(folder, "", &not_written(&host, &file));
    }
    site.end();
}

#[test]
fn each_writable_path_is_necessary_in_one_test() {
    let covered: Vec<&str> = NECESSARY.iter().flat_map(|(_, paths)| *paths).copied().collect();
    assert_eq!(covered.len(), WRITABLE.len());
    assert_eq!(BTreeSet::from_iter(covered), BTreeSet::from(WRITABLE));
}
