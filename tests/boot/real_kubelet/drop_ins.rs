//! A drop-in of the kubelet sets the planned values instead of deprecated flags.

use super::{CUSTOM_NETWORKING, Mode, node, ready_cluster};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Node;
use crate::support::boot::real_kubelet::{Host, Image, Version};
use std::fs;

const ADDED: &str = "--config-dir=/var/lib/eni-bootstrap/kubelet.conf.d";
const ADDED_FILE: &str = "/var/lib/eni-bootstrap/kubelet.conf.d/zz-eni-bootstrap.conf";
const SITE: &str = "/etc/kubernetes/kubelet.conf.d";
const SITE_FLAG: &str = "--config-dir=/etc/kubernetes/kubelet.conf.d";

/// Makes the AL2 image one whose unit belongs to the site: without the unit that `bootstrap.sh` installs,
/// and without existing max-pods.
fn remove_bootstrap_script(node: &Node) {
    fs::remove_dir_all(node.path("etc/eks/containerd")).unwrap();
    let labels = "[Service]\nEnvironment='KUBELET_EXTRA_ARGS=--node-labels=team=blue'\n";
    node.drop_in("kubelet.service", "30-kubelet-extra-args", labels);
}

/// Writes a drop-in of the kubelet.
fn write_drop_in(node: &Node, name: &str, text: &str) {
    let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    node.write(&format!("{SITE}/{name}"), &format!("{head}{text}"));
}

/// Returns the arguments of the running kubelet that name the drop-in directory or set planned values.
fn own_arguments(machine: &Machine) -> Vec<String> {
    let pid = machine.property("kubelet.service", "MainPID");
    let arguments = machine.stdout_of(&["cat", &format!("/proc/{pid}/cmdline")]);
    let flags = ["--config-dir", "--max-pods", "--kube-reserved"];
    let is_own = |it: &&str| flags.iter().any(|flag| it.starts_with(flag));
    arguments.split('\0').filter(is_own).map(str::to_owned).collect()
}

#[test]
fn an_added_directory_replaces_the_flags_and_undo_removes_it() {
    let Some(cluster) = ready_cluster() else { return };
    for version in [Version::V1_34, Version::V1_36] {
        let image = Image::new(Host::KubeletDropin, version);
        let mode = Mode { name: "added --config-dir", ..CUSTOM_NETWORKING };
        let Some((mut node, case)) = node(&cluster, mode, image) else { return };
        remove_bootstrap_script(&node.node);
        // As with a version of eni-bootstrap that only knows flags.
        node.node.write("etc/eks/kubelet-version.txt", "Kubernetes v1.29.15\n");
        let (machine, object) = node.boot_and_register();
        node.comparison(&format!("{case}, flags"), &machine, &object).assert_equal();
        let flags = own_arguments(&machine);
        assert_eq!(flags[0], "--max-pods=20");
        assert!(flags[1].starts_with("--kube-reserved=cpu="), "{flags:?}");
        node.power_off(machine);

        fs::remove_file(node.node.path("etc/eks/kubelet-version.txt")).unwrap();
        let (machine, object) = node.boot_and_register();
        node.comparison(&case, &machine, &object).assert_equal();
        assert_eq!(own_arguments(&machine), [ADDED]);
        let journal = machine.journal("eni-bootstrap");
        let host = "host: kubelet-dropin (the image has kubelet.service and no nodeadm-run.service; the kubelet reads drop-ins from /var/lib/eni-bootstrap/kubelet.conf.d)\n";
        assert!(journal.contains(host), "{journal}");
        machine.stdout_of(&["systemctl", "disable", "eni-bootstrap.service"]);
        machine.stdout_of(&["eni-bootstrap", "undo"]);
        assert_eq!(machine.read(ADDED_FILE), None);
        node.power_off(machine);

        let (machine, object) = node.boot_and_register();
        assert_eq!(object["status"]["capacity"]["pods"], "77", "the value of the image");
        assert_eq!(own_arguments(&machine), Vec::<String>::new());
        node.power_off(machine);
    }
}

#[test]
fn an_existing_directory_contains_the_values_unless_a_later_file_sets_them() {
    let Some(cluster) = ready_cluster() else { return };
    let flags = [SITE_FLAG];
    for host in [Host::KubeletDropin, Host::Kubeadm] {
        let image = Image { flags: &flags, ..Image::new(host, Version::V1_36) };
        let mode = Mode { name: "existing --config-dir", ..CUSTOM_NETWORKING };
        let Some((mut node, case)) = node(&cluster, mode, image) else { return };
        if host == Host::KubeletDropin {
            remove_bootstrap_script(&node.node);
        }
        write_drop_in(&node.node, "10-site.conf", "maxPods: 58\nkubeReserved: {memory: 2Gi}\n");
        let (machine, object) = node.boot_and_register();
        node.comparison(&case, &machine, &object).assert_equal();
        assert_eq!(own_arguments(&machine), [SITE_FLAG], "{case}");
        node.power_off(machine);

        write_drop_in(&node.node, "zzz-site.conf", "maxPods: 12\n");
        let (machine, object) = node.boot_and_register();
        let mut comparison = node.comparison(&format!("{case}, later"), &machine, &object);
        for name in ["capacity.pods", "allocatable.pods"] {
            comparison.expect(name, "12");
        }
        comparison.assert_equal();
        let warning = "warning: plan: /etc/kubernetes/kubelet.conf.d/zzz-site.conf sets max-pods to 12; the kubelet reads this file after zz-eni-bootstrap.conf, so it takes precedence over 20; rename the file so that it sorts before zz-eni-bootstrap.conf, or remove maxPods from it\n";
        let journal = machine.journal("eni-bootstrap");
        assert!(journal.contains(warning), "{journal}");
        node.power_off(machine);
    }
}
