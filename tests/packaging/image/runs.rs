//! The image run as a bootstrap container: natively, and by qemu for the other architecture.

use super::ARCHITECTURES;
use crate::behaviour::cli::steady;
use crate::support::container::{Container, unpack};
use crate::support::golden::files_under;
use crate::support::node::{Ended, Node, Running, ended};
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::json;

#[test]
fn its_root_holds_one_file() {
    for architecture in ARCHITECTURES {
        let Some(bundle) = unpack(architecture) else { return };
        assert_eq!(files_under(&bundle.path().join("rootfs")), ["eni-bootstrap"], "{architecture}");
    }
}

#[test]
fn it_runs_without_anything_of_a_hosts() {
    let version = format!("eni-bootstrap {}\n", env!("CARGO_PKG_VERSION"));
    for architecture in ARCHITECTURES {
        let Some(mut container) = Container::of_image(architecture) else { return };
        for (arguments, stdout) in [
            (["--version"].as_slice(), version.as_str()),
            (&["max-pods", "--instance-type", "c6g.large"], "29\n"),
        ] {
            let expected =
                Ended { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() };
            assert_eq!(container.run(arguments), expected, "{architecture}: {arguments:?}");
        }
    }
}

/// Nothing is given to it but the environment: what runs is the image's own command. Over TLS, with an
/// ENIConfig that comes while it waits.
#[test]
fn its_own_command_is_a_whole_run() {
    for architecture in ARCHITECTURES {
        let Some(container) = Container::of_image(architecture) else { return };
        let api = KubernetesApi::start();
        let user_data = Some(api.node_config().into_bytes());
        let imds = Imds::start(&Instance { user_data, ..Instance::default() });
        let container = container
            .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.endpoint())
            .with("ENI_BOOTSTRAP_HOST_KIND", "none")
            .with("ENI_BOOTSTRAP_RESERVE_CPU", "70m") // by this machine's CPUs, else
            .with("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY", "false");
        let mut run = Running::new(container.command());
        run.until("wait: ENIConfig us-west-2a: it is not there");
        api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
        let run = run.end();
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
        let is_this_machines = |line: &&str| line.starts_with("limits: ");
        let log = steady(&run.stderr, &api);
        let log: Vec<_> = log.lines().filter(|line| !is_this_machines(line)).collect();
        assert_eq!(
            log,
            [
                "machine: c5.large i-0123456789abcdef0 in us-west-2a (usw2-az1), vpc-0123456789abcdef0, subnet-0123456789abcdef0",
                "host: none (set by hand); user data: holds a NodeConfig",
                "cluster: sandbox at https://API, by the NodeConfig in user data",
                "cni: the aws-node DaemonSet says custom networking; it reads the ENIConfig's name from the label k8s.amazonaws.com/eniConfig",
                "plan: max-pods 20: (3 network interfaces − 1 for custom networking) × 9 IPv4 addresses + 2 host-network pods = 20",
                "plan: kubeReserved cpu=70m,ephemeral-storage=1Gi,memory=475Mi",
                "plan: labels k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a",
                "plan: ENIConfig us-west-2a",
                "wait: for ENIConfig us-west-2a, for 10m at most",
                "wait: ENIConfig us-west-2a: it is not there",
                "wait: ENIConfig us-west-2a is there after N s: subnet-0a, sg-0b",
                "ready: the kubelet may start",
            ],
            "{architecture}"
        );
    }
}

/// Names by the host's `/etc/hosts`, settings by the container's user data; the host's root is there to
/// be read, and the one folder beside the user data to be written to.
#[test]
fn it_finds_its_host_where_a_bootstrap_container_does() {
    const UNIT: &str = "etc/systemd/system/kubelet.service";
    const KEPT: &str = ".bottlerocket/bootstrap-containers/current";
    let imds = Imds::start(&Instance::default());
    let host = Node::empty();
    host.file("etc/hosts", "127.0.0.1 imds.hosts.test\n");
    host.file("etc/resolv.conf", "");
    let settings = "[cni]\nsource = \"settings\"\ncustom-networking = false\n[host]\nkind = \"kubelet-dropin\"\n";
    host.file(&format!("{KEPT}/user-data"), settings);
    for place in [".bottlerocket/rootfs", KEPT] {
        host.file(&format!("{place}/{UNIT}"), "[Service]\nExecStart=/usr/bin/kubelet\n");
    }
    let run = |root: &str| {
        let container = Container::of_image(ARCHITECTURES[0])?
            .with_host(host.root())
            .with(
                "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                imds.endpoint().replace("127.0.0.1", "imds.hosts.test"),
            )
            .with("ENI_BOOTSTRAP_CONFIG", format!("/{KEPT}/user-data"))
            .with("ENI_BOOTSTRAP_ROOT", format!("/{root}"));
        Some(ended(container.command().output().unwrap()))
    };
    let Some(refused) = run(".bottlerocket/rootfs") else { return };
    assert_eq!(refused.status, Some(73), "{}", refused.stderr);
    assert!(refused.stderr.contains("Read-only file system"), "{}", refused.stderr);
    assert_eq!(host.written(), Vec::<String>::new());
    let ready = run(KEPT).unwrap();
    assert_eq!(ready.status, Some(0), "{}", ready.stderr);
    let written = [
        "etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf",
        "run/eni-bootstrap/kubelet.env",
        "run/eni-bootstrap/lock",
    ];
    assert_eq!(host.written(), written.map(|file| format!("{KEPT}/{file}")));
}
