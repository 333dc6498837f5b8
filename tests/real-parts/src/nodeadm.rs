//! The real nodeadm in a temporary root, run as its two services run it.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::systemd_socket::SystemdSocket;
use super::{MetadataMock, Moto, instance, metadata_mock, moto, nodeadm_program, require_root};

const ZONE: &str = "us-west-2a";
/// The flag that sets the file to which nodeadm writes the resolved configuration.
const CACHE: &str = "--config-cache=/run/eks/nodeadm/config.json";

/// The image files that nodeadm reads. Without the version files it runs the programs to get their
/// versions. Without the credential provider it does not configure the kubelet.
pub const NODEADM_INPUT_FILES: [(&str, &str); 3] = [
    ("etc/eks/kubelet-version.txt", "Kubernetes v1.34.2-eks-ecaa3a6\n"),
    ("etc/eks/containerd-version.txt", "containerd github.com/containerd/containerd/v2 2.1.5\n"),
    ("etc/eks/image-credential-provider/ecr-credential-provider", ""),
];

/// nodeadm and the services of its instance: the metadata mock, and moto for EC2.
#[derive(Debug)]
pub struct Nodeadm {
    program: PathBuf,
    imds: MetadataMock,
    ec2: &'static Moto,
    cpus: u32,
}

/// Prepares nodeadm on an instance of `instance_type` in `us-west-2a` with `cpus` CPUs and this user
/// data. Requires root: nodeadm runs in a chroot, so that it writes only below the temporary root.
pub fn nodeadm(instance_type: &str, cpus: u32, user_data: &str) -> Option<Nodeadm> {
    let program = nodeadm_program()?;
    let (ec2, ()) = (moto()?, require_root()?);
    let imds = metadata_mock(with_ec2_instance_id(ec2, instance(instance_type, ZONE, user_data)))?;
    Some(Nodeadm { program, imds, ec2, cpus })
}

/// Starts an instance in `ec2`, and returns `instance` with its id. nodeadm reads the node name from EC2
/// (`PrivateDnsName`). The type in EC2 is always t3.medium, because moto rejects unknown types.
pub fn with_ec2_instance_id(ec2: &Moto, mut instance: Value) -> Value {
    let launch =
        "Action=RunInstances&ImageId=ami-12c6146b&InstanceType=t3.medium&MinCount=1&MaxCount=1";
    let id = ec2.account().query("ec2", launch, "instanceId");
    instance["metadata"]["values"]["instance-id"] = id.as_str().into();
    instance["dynamic"]["values"]["instance-identity-document"]["instanceId"] = id.into();
    instance
}

impl Nodeadm {
    /// Returns the URL of the instance metadata service.
    pub fn imds(&self) -> String {
        self.imds.endpoint()
    }

    /// Runs nodeadm as `nodeadm-config.service` does, before cloud-init.
    ///
    /// Source: `templates/al2023/runtime/rootfs/etc/systemd/system/`, awslabs/amazon-eks-ami.
    pub fn config_service(&self, root: &Path) -> Output {
        self.write_image_files(root);
        self.init(root, &["--skip=run", "--config-source=imds://user-data", CACHE])
    }

    /// Runs nodeadm as `nodeadm-run.service` does, after eni-bootstrap, with the drop-ins. Unlike the
    /// unit, it passes `--skip=run`, so that nodeadm does not start containerd and the kubelet.
    ///
    /// Despite `--skip=config`, nodeadm writes the configuration again, because the resolved
    /// configuration differs from the one that `nodeadm-config.service` cached.
    pub fn run_service(&self, root: &Path) -> Output {
        let sources =
            ["--config-source=imds://user-data", "--config-source=file:///etc/eks/nodeadm.d/"];
        self.init(root, &[&["--skip=config", "--skip=run"][..], &sources, &[CACHE]].concat())
    }

    /// Writes the image files that nodeadm reads, and links nodeadm into `root`.
    fn write_image_files(&self, root: &Path) {
        let file = |path: &str, contents: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::File::create(path).unwrap().write_all(contents.as_bytes()).unwrap();
        };
        for (path, contents) in NODEADM_INPUT_FILES {
            file(path, contents);
        }
        file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        // nodeadm counts the CPUs of the online NUMA nodes.
        let cpus = root.join("sys/devices/system/node/node0");
        (0..self.cpus).for_each(|cpu| fs::create_dir_all(cpus.join(format!("cpu{cpu}"))).unwrap());
        file("sys/devices/system/cpu/online", &format!("0-{}\n", self.cpus - 1));
        let program = root.join("usr/bin/nodeadm");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        match fs::hard_link(&self.program, &program) {
            // The binary has 56 MiB: copy it only if linking is impossible.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                fs::copy(&self.program, &program).unwrap();
            }
            linked => linked.unwrap(),
        }
    }

    /// Runs `nodeadm init` in `root` for at most 9 minutes. nodeadm itself retries EC2 for 10 minutes.
    fn init(&self, root: &Path, arguments: &[&str]) -> Output {
        let _systemd = SystemdSocket::start(root).unwrap();
        Command::new("timeout")
            .args(["540", "chroot"])
            .arg(root)
            .args(["/usr/bin/nodeadm", "init"])
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.imds.endpoint())
            .env("AWS_ENDPOINT_URL_EC2", &self.ec2.endpoint)
            .output()
            .unwrap()
    }
}
