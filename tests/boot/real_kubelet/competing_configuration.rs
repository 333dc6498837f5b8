//! Another configuration of the kubelet competes with that of eni-bootstrap. If eni-bootstrap blocks the
//! kubelet, these tests also start the kubelet without it: the Node would differ from the plan, or the
//! kubelet would exit.

use super::{CUSTOM_NETWORKING, Mode, node, ready_cluster};
use crate::boot::effective_unit::{START, not_effective, write};
use crate::support::boot::machine::Machine;
use crate::support::boot::real_kubelet::{Host, Image, Version};
use std::fs;

const SITE: &str = "/etc/systemd/system/kubelet.service.d";

/// Returns the error of eni-bootstrap. Asserts that the kubelet has not started.
fn error_without_kubelet(machine: &Machine) -> String {
    machine.wait_until_booted();
    machine.order().assert_never_started("kubelet.service");
    let journal = machine.journal("eni-bootstrap");
    let report = journal.lines().skip_while(|line| !line.starts_with("error: "));
    let help = report.clone().position(|line| line.starts_with("  help: ")).unwrap();
    report.take(help + 1).collect::<Vec<_>>().join("\n") + "\n"
}

/// Starts the kubelet although eni-bootstrap has failed.
fn start_kubelet_anyway(machine: &Machine) {
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    machine.stdout_of(&["systemctl", "start", "--job-mode=ignore-dependencies", "kubelet.service"]);
}

fn label<'a>(object: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    object["metadata"]["labels"][name].as_str()
}

/// A drop-in that replaces `ExecStart=` of the AL2 unit.
const EXEC_START: &str = "[Service]
ExecStart=
ExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json --kubeconfig /var/lib/kubelet/kubeconfig $KUBELET_ARGS $KUBELET_EXTRA_ARGS --max-pods=58
";
/// A drop-in that removes all environment files.
const NO_FILES: &str = "[Service]\nEnvironmentFile=\n";

#[test]
fn drop_in_that_removes_the_arguments_is_overridden_or_blocks_the_kubelet() {
    let Some(cluster) = ready_cluster() else { return };
    let image = Image::new(Host::KubeletDropin, Version::V1_34);
    let mode = Mode { name: "other ExecStart=", ..CUSTOM_NETWORKING };
    let Some((mut node, case)) = node(&cluster, mode, image) else { return };
    node.node.drop_in("kubelet.service", "95-site", EXEC_START);
    node.compare(&case).assert_equal();

    fs::remove_file(node.node.path(&format!("{SITE}/95-site.conf"))).unwrap();
    let late = format!("{SITE}/zzz-site.conf");
    for (drop_in, error, max_pods) in [
        (
            EXEC_START,
            format!(
                "error: failed to add arguments to kubelet.service\n  caused by: {late} sets ExecStart= and is read after zz-eni-bootstrap.conf\n  help: rename {late} so that its name sorts before zz-eni-bootstrap.conf, or add `$ENI_BOOTSTRAP_KUBELET_ARGS` to the end of its ExecStart=\n"
            ),
            "58",
        ),
        (
            NO_FILES,
            not_effective(
                "kubelet.service starts the kubelet with --max-pods=29 instead of --max-pods=20",
                "kubelet.service",
                &late,
                START,
            ),
            "29",
        ),
    ] {
        node.node.drop_in("kubelet.service", "zzz-site", drop_in);
        let machine = node.node.boot();
        assert_eq!(error_without_kubelet(&machine), error);
        start_kubelet_anyway(&machine);
        assert_eq!(node.registered(&machine)["status"]["capacity"]["pods"], max_pods);
        node.power_off(machine);
    }
}

/// systemd applies the last file. A variable in an `EnvironmentFile=` overrides `Environment=`.
#[test]
fn kubelet_extra_args_that_are_set_twice_keep_their_effective_value() {
    let Some(cluster) = ready_cluster() else { return };
    let image = Image::new(Host::Kubeadm, Version::V1_34);
    let mode = Mode { name: "KUBELET_EXTRA_ARGS twice", ..CUSTOM_NETWORKING };
    let Some((mut node, case)) = node(&cluster, mode, image) else { return };
    let site =
        "[Service]\nEnvironment=\"KUBELET_EXTRA_ARGS=--node-labels=team=red --max-pods=58\"\n";
    node.node.drop_in("kubelet.service", "20-site", site);
    for (contents, team) in
        [("KUBELET_EXTRA_ARGS=--node-labels=team=blue\n", "blue"), ("OTHER=1\n", "red")]
    {
        node.node.write("etc/default/kubelet", contents);
        let (machine, object) = node.boot_and_register();
        node.comparison(&format!("{case}, team={team}"), &machine, &object).assert_equal();
        assert_eq!(label(&object, "team"), Some(team));
        node.power_off(machine);
        node.delete_object();
    }
}

#[test]
fn reserve_above_the_cpus_blocks_the_kubelet_which_would_exit() {
    let Some(cluster) = ready_cluster() else { return };
    let image = Image::new(Host::KubeletDropin, Version::V1_34);
    let mode = Mode { name: "reserve above the CPUs", ..CUSTOM_NETWORKING };
    let Some((node, _)) = node(&cluster, mode, image) else { return };
    node.node.settings("[reserve]\ncpu = \"1000\"\n");
    let machine = node.node.boot();
    let cpus: u32 = machine.stdout_of(&["nproc"]).trim_end().parse().unwrap();
    assert_eq!(
        error_without_kubelet(&machine),
        format!(
            "error: failed to compute the node configuration\n  caused by: the kubelet would exit, because no CPU is left for pods: {cpus}000m − kube-reserved 1000 − system-reserved 50m\n  help: set reserve.cpu to less than {}m\n",
            cpus * 1000 - 50
        )
    );
    let flag = "[Service]\nEnvironment=KUBELET_EXTRA_ARGS=--kube-reserved=cpu=1000\n";
    write(&machine, &format!("{SITE}/99-site.conf"), flag);
    start_kubelet_anyway(&machine);
    machine.wait_until("exit of the kubelet", || {
        machine.property("kubelet.service", "SubState") == "auto-restart"
    });
    // In thousandths: 1000 CPUs, and 50m for the system.
    let expected = r#""Failed to start ContainerManager" err="invalid Node Allocatable configuration. Resource \"cpu\" has a reservation of {{1000050 -3} {<nil>}  DecimalSI} but capacity of "#;
    let journal = machine.journal("kubelet");
    assert!(journal.contains(expected), "{journal}");
}
