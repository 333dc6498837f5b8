//! Runs of the container image, natively and by qemu for the other architecture.

use super::ARCHITECTURES;
use crate::behaviour::cli::steady;
use crate::support::container::{Container, unpack};
use crate::support::golden::files_under;
use crate::support::node::{Node, RunOutput, Running, run_output};
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::json;

#[test]
fn root_contains_only_the_binary_its_sbom_and_the_licenses() {
    for architecture in ARCHITECTURES {
        let Some(bundle) = unpack(architecture) else { return };
        assert_eq!(
            files_under(&bundle.path().join("rootfs")),
            [
                "eni-bootstrap",
                "usr/share/eni-bootstrap/eni-bootstrap.cdx.json",
                "usr/share/licenses/eni-bootstrap/LICENSE",
                "usr/share/licenses/eni-bootstrap/third-party-licenses",
            ],
            "{architecture}"
        );
    }
}

#[test]
fn runs_without_host_mounts() {
    let version = format!("eni-bootstrap {}\n", env!("CARGO_PKG_VERSION"));
    for architecture in ARCHITECTURES {
        let Some(mut container) = Container::from_image(architecture) else { return };
        for (arguments, stdout) in [
            (["--version"].as_slice(), version.as_str()),
            (&["max-pods", "--instance-type", "c6g.large"], "29\n"),
        ] {
            let expected =
                RunOutput { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() };
            assert_eq!(container.run(arguments), expected, "{architecture}: {arguments:?}");
        }
    }
}

/// Only the environment configures the container. The ENIConfig is created while the run waits.
#[test]
fn default_command_waits_for_the_eniconfig() {
    for architecture in ARCHITECTURES {
        let Some(container) = Container::from_image(architecture) else { return };
        let api = KubernetesApi::start();
        let user_data = Some(api.node_config().into_bytes());
        let imds = Imds::start(&Instance { user_data, ..Instance::default() });
        let container = container
            .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.endpoint())
            .with("ENI_BOOTSTRAP_HOST_KIND", "none")
            .with("ENI_BOOTSTRAP_RESERVE_CPU", "70m") // the default depends on the CPUs
            .with("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY", "false");
        let mut run = Running::new(container.command());
        run.until("wait: ENIConfig us-west-2a not found; retrying");
        api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
        let run = run.end();
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
        let depends_on_machine = |line: &&str| line.starts_with("instance: c5.large (");
        let log = steady(&run.stderr, &api);
        let log: Vec<_> = log.lines().filter(|line| !depends_on_machine(line)).collect();
        assert_eq!(
            log,
            [
                "instance: c5.large i-0123456789abcdef0 in us-west-2a (usw2-az1), vpc-0123456789abcdef0, subnet-0123456789abcdef0",
                "host: none (configured explicitly)",
                "cluster: sandbox at https://API (source: NodeConfig in user data)",
                "cni: custom networking (source: aws-node DaemonSet); ENIConfig label k8s.amazonaws.com/eniConfig",
                "plan: max-pods 20: (3 network interfaces − 1 for custom networking) × 9 secondary IPv4 addresses + 2 host-network pods = 20",
                "plan: kube-reserved cpu=70m,ephemeral-storage=1Gi,memory=475Mi",
                "plan: node-labels k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a",
                "plan: ENIConfig us-west-2a",
                "wait: waiting up to 10m for ENIConfig us-west-2a",
                "wait: ENIConfig us-west-2a not found; retrying",
                "wait: ENIConfig us-west-2a found after N s (subnet-0a, sg-0b)",
                "warning: record: failed to write /var/lib/eni-bootstrap/last-run.json: Read-only file system (os error 30); if the API server is unreachable at the next boot, the kubelet does not start",
                "ready: the node is ready for the kubelet",
            ],
            "{architecture}"
        );
    }
}

/// The container resolves names with the host's `/etc/hosts` and reads settings from its user data. The
/// host root is mounted read-only, and the folder of the user data is writable.
#[test]
fn uses_the_mounts_of_a_bootstrap_container() {
    const UNIT: &str = "etc/systemd/system/kubelet.service";
    const WRITABLE: &str = ".bottlerocket/bootstrap-containers/current";
    let imds = Imds::start(&Instance::default());
    let host = Node::empty();
    host.file("etc/hosts", "127.0.0.1 imds.hosts.test\n");
    host.file("etc/resolv.conf", "");
    let settings = "[cni]\nsource = \"settings\"\ncustom-networking = false\n[host]\nkind = \"kubelet-dropin\"\n";
    host.file(&format!("{WRITABLE}/user-data"), settings);
    for root in [".bottlerocket/rootfs", WRITABLE] {
        host.file(&format!("{root}/{UNIT}"), "[Service]\nExecStart=/usr/bin/kubelet\n");
    }
    let run = |root: &str| {
        let container = Container::from_image(ARCHITECTURES[0])?
            .with_host(host.root())
            .with(
                "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                imds.endpoint().replace("127.0.0.1", "imds.hosts.test"),
            )
            .with("ENI_BOOTSTRAP_CONFIG", format!("/{WRITABLE}/user-data"))
            .with("ENI_BOOTSTRAP_ROOT", format!("/{root}"));
        Some(run_output(container.command().output().unwrap()))
    };
    let Some(failed) = run(".bottlerocket/rootfs") else { return };
    assert_eq!(failed.status, Some(73), "{}", failed.stderr);
    assert!(failed.stderr.contains("Read-only file system"), "{}", failed.stderr);
    assert_eq!(host.written(), Vec::<String>::new());
    let ready = run(WRITABLE).unwrap();
    assert_eq!(ready.status, Some(0), "{}", ready.stderr);
    let written = [
        "etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf",
        "run/eni-bootstrap/kubelet.env",
        "run/eni-bootstrap/lock",
        "run/eni-bootstrap/result.json",
        "var/lib/eni-bootstrap/configured-for.json",
        "var/lib/eni-bootstrap/last-run.json",
    ];
    assert_eq!(host.written(), written.map(|file| format!("{WRITABLE}/{file}")));
}
