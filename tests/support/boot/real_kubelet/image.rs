//! The files of an image with the real kubelet.

use super::comparison::RESERVED_FOR_SYSTEM;
use crate::support::boot::complete_al2_bootstrap;
use crate::support::boot::node::{Family, Node};
use crate::support::real_parts::{ADDRESS, Cluster, NODEADM_INPUT_FILES, Who, free_address};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The host kind that eni-bootstrap detects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Nodeadm,
    KubeletDropin,
    Kubeadm,
}

impl Host {
    pub const ALL: [Self; 3] = [Self::Nodeadm, Self::KubeletDropin, Self::Kubeadm];

    /// Returns the value of `host.kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nodeadm => "nodeadm",
            Self::KubeletDropin => "kubelet-dropin",
            Self::Kubeadm => "kubeadm",
        }
    }

    pub(super) fn family(self) -> Family {
        match self {
            Self::Nodeadm => Family::Al2023,
            Self::KubeletDropin => Family::Al2,
            Self::Kubeadm => Family::Kubeadm,
        }
    }
}

/// A version of the kubelet that `tests/real/install.sh kubelet` builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1_34,
    V1_36,
}

impl Version {
    pub fn minor(self) -> &'static str {
        match self {
            Self::V1_34 => "1.34",
            Self::V1_36 => "1.36",
        }
    }
}

/// An image with the real kubelet.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    pub host: Host,
    pub version: Version,
    /// More kubelet flags, such as `--config-dir=/etc/kubernetes/kubelet/config.d`.
    pub flags: &'a [&'a str],
    /// More fields of the kubelet's configuration, as a JSON object.
    pub config: &'a str,
}

/// What the kubelet needs in a container without a writable `/proc/sys` and `/dev/kmsg`: the kernel settings
/// that it verifies with `protectKernelDefaults`, as files with their values.
const KERNEL: &str = "BindPaths=/dev/null:/dev/kmsg
BindReadOnlyPaths=/usr/share/kernel-settings/1:/proc/sys/vm/overcommit_memory
BindReadOnlyPaths=/usr/share/kernel-settings/10:/proc/sys/kernel/panic
BindReadOnlyPaths=/usr/share/kernel-settings/1:/proc/sys/kernel/panic_on_oops
";
/// The configuration file of Amazon Linux 2, with max-pods and a reserve that no mode plans.
///
/// Source: `templates/al2/runtime/kubelet-config.json` and `bootstrap.sh`, awslabs/amazon-eks-ami.
const AL2_CONFIG: &str = r#"{
    "kind": "KubeletConfiguration",
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "authentication": { "x509": { "clientCAFile": "/etc/kubernetes/pki/ca.crt" } },
    "clusterDomain": "cluster.local",
    "hairpinMode": "hairpin-veth",
    "readOnlyPort": 0,
    "cgroupDriver": "systemd",
    "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
    "protectKernelDefaults": true,
    "maxPods": 77,
    "kubeReserved": { "cpu": "1m", "memory": "1Mi", "ephemeral-storage": "2Gi" },
    "evictionHard": { "memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%" }
}"#;
/// The configuration file of `kubeadm join`. The kubelet has default values for the rest.
const KUBEADM_CONFIG: &str = r#"{
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "cgroupDriver": "systemd",
    "clusterDomain": "cluster.local",
    "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
    "protectKernelDefaults": true
}"#;

impl Image<'_> {
    /// Returns the image of `host` with this kubelet.
    pub fn new(host: Host, version: Version) -> Self {
        Self { host, version, flags: &[], config: "{}" }
    }

    /// Returns the fields of the kubelet's configuration that this machine and the tests require.
    fn fields(self) -> Value {
        let address = free_address();
        let mut fields = json!({
            // The control groups of the container are read-only, and of version 1 on some machines. Some
            // machines have swap.
            "cgroupsPerQOS": false,
            // Not an empty list: with --config-dir, the kubelet replaces it with the default.
            "enforceNodeAllocatable": ["none"],
            "failCgroupV1": false,
            "failSwapOn": false,
            "nodeStatusUpdateFrequency": "1s",
            "systemReserved": BTreeMap::from(RESERVED_FOR_SYSTEM),
            // The container uses the network of this machine.
            "address": address.ip(),
            "port": address.port(),
            "healthzPort": 0,
        });
        let more: Value = serde_json::from_str(self.config).unwrap();
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    }

    /// Returns the user data: on AL2023 a `NodeConfig` with max-pods and a label.
    pub(super) fn user_data(self, cluster: &Cluster) -> String {
        if self.host != Host::Nodeadm {
            return String::new();
        }
        let mut config = self.fields();
        config["maxPods"] = 77.into();
        let flags = [&["--node-labels=team=blue"], self.flags].concat();
        let kubelet = json!({ "config": config, "flags": flags });
        format!("{}  kubelet: {kubelet}\n", cluster.node_config())
    }

    /// Writes the files of the image, for the Node `name` of `cluster`.
    pub(super) fn install(self, node: &Node, name: &str, cluster: &Cluster, kubelet: &Path) {
        replace_with(node, "usr/bin/kubelet", kubelet);
        // The root contains the real unit, which is enabled.
        node.systemctl(&["disable", "containerd.service"]);
        fs::remove_file(node.path("etc/systemd/system/containerd.service")).unwrap();
        for value in ["1", "10"] {
            node.write(&format!("usr/share/kernel-settings/{value}"), &format!("{value}\n"));
        }
        match self.host {
            Host::Nodeadm => {}
            Host::KubeletDropin => self.install_al2(node, name, cluster),
            Host::Kubeadm => self.install_kubeadm(node, name, cluster),
        }
    }

    /// Writes nodeadm and the files that it reads. It uses the EC2 API at `ec2`.
    pub(super) fn install_nodeadm(node: &Node, program: &Path, ec2: &str) {
        replace_with(node, "usr/bin/nodeadm", program);
        let endpoint = format!("[Service]\nEnvironment=AWS_ENDPOINT_URL_EC2={ec2}\n");
        for unit in ["nodeadm-config.service", "nodeadm-run.service"] {
            node.drop_in(unit, "60-ec2", &endpoint);
        }
        for (path, contents) in NODEADM_INPUT_FILES {
            node.write(path, contents);
        }
        // The version of the root: nodeadm writes the configuration of that version.
        let containerd = "containerd github.com/containerd/containerd 1.6.20\n";
        node.write("etc/eks/containerd-version.txt", containerd);
        let provider = "etc/eks/image-credential-provider/ecr-credential-provider";
        script(node, provider, "exit 0");
        script(node, "usr/bin/aws", "shift 2 # eks get-token\nexec eni-bootstrap token \"$@\"");
    }

    /// Writes the files that `bootstrap.sh` leaves on the disk.
    fn install_al2(self, node: &Node, name: &str, cluster: &Cluster) {
        complete_al2_bootstrap(node, cluster);
        script(
            node,
            "usr/bin/aws-iam-authenticator",
            "# token -i CLUSTER --region REGION\nexec eni-bootstrap token --cluster-name \"$3\" --region \"$5\"",
        );
        let arguments = self.arguments(name);
        node.drop_in(
            "kubelet.service",
            "10-kubelet-args",
            &format!("[Service]\nEnvironment='KUBELET_ARGS={arguments}'\n"),
        );
        self.write_config(node, "etc/kubernetes/kubelet/kubelet-config.json", AL2_CONFIG);
    }

    /// Writes the files that `kubeadm join` leaves on the disk, and the settings that identify the cluster.
    fn install_kubeadm(self, node: &Node, name: &str, cluster: &Cluster) {
        let arguments = self.arguments(name);
        node.write(
            "var/lib/kubelet/kubeadm-flags.env",
            &format!("KUBELET_KUBEADM_ARGS=\"{arguments}\"\n"),
        );
        node.write("etc/kubernetes/kubelet.conf", &cluster.kubeconfig(Who::Node));
        self.write_config(node, "var/lib/kubelet/config.yaml", KUBEADM_CONFIG);
        node.write(
            "etc/eni-bootstrap/80-cluster.toml",
            &format!(
                "[cluster]\nname = \"real\"\nendpoint = \"{}\"\ncertificate-authority = \"{}\"\n",
                cluster.url(),
                cluster.ca_base64()
            ),
        );
    }

    /// Returns the kubelet flags of a host whose configuration the test writes.
    fn arguments(self, name: &str) -> String {
        // Without --node-ip, the kubelet resolves its name, which takes 20 s without a DNS server.
        let own = [format!("--node-ip={ADDRESS}"), format!("--hostname-override={name}")];
        let more = self.flags.iter().map(|&flag| flag.to_owned());
        own.into_iter().chain(more).collect::<Vec<_>>().join(" ")
    }

    /// Writes the kubelet's configuration file: `text` with the required fields.
    fn write_config(self, node: &Node, path: &str, text: &str) {
        let mut config: Value = serde_json::from_str(text).unwrap();
        let fields = self.fields();
        config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let is_yaml = Path::new(path).extension().is_some_and(|it| it == "yaml");
        let yaml = || serde_saphyr::to_string(&config).unwrap();
        let text = if is_yaml { yaml() } else { format!("{config:#}\n") };
        node.write(path, &text);
    }

    /// Writes the drop-in of the kubelet unit that a container requires. The exec plugin of the kubelet
    /// uses the metadata service `imds`.
    pub(super) fn configure_unit(node: &Node, imds: &str) {
        let imds = format!("Environment=AWS_EC2_METADATA_SERVICE_ENDPOINT={imds}\n");
        node.drop_in("kubelet.service", "50-test", &format!("[Service]\n{imds}{KERNEL}"));
    }
}

/// Writes a shell script.
fn script(node: &Node, path: &str, text: &str) {
    node.write(path, &format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(node.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Replaces a file of the image with `program`.
fn replace_with(node: &Node, path: &str, program: &Path) {
    let path = node.path(path);
    fs::remove_file(&path).unwrap();
    match fs::hard_link(program, &path) {
        // The kubelet has 80 MiB: copy it only if linking is impossible.
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            fs::copy(program, &path).unwrap();
        }
        linked => linked.unwrap(),
    }
}
