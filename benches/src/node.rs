//! The files of an Amazon Linux 2023 node, before and after `nodeadm-config.service`.

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use eni_bootstrap_sandbox::Instance;

use crate::cloud::Cloud;
use crate::program::Program;
use eni_bootstrap_real_parts::systemd_socket::SystemdSocket;

/// The lines of the units by which eni-bootstrap detects AL2023.
///
/// Source: `templates/al2023/runtime/rootfs/etc/systemd/system/`, awslabs/amazon-eks-ami.
const UNITS: [(&str, &str); 2] = [
    (
        "etc/systemd/system/nodeadm-run.service",
        "[Service]\nExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data --config-source file:///etc/eks/nodeadm.d/ --config-cache /run/eks/nodeadm/config.json\n",
    ),
    (
        "etc/systemd/system/kubelet.service",
        "[Service]\nEnvironmentFile=/etc/eks/kubelet/environment\nExecStart=/usr/bin/kubelet $NODEADM_KUBELET_ARGS\n",
    ),
];

/// The files that nodeadm reads. Without the version files, it runs the programs to get their versions.
/// Without the credential provider, it does not configure the kubelet. It counts the CPUs of the NUMA nodes.
const NODEADM_INPUT: [(&str, &str); 7] = [
    ("etc/eks/kubelet-version.txt", "Kubernetes v1.34.2-eks-ecaa3a6\n"),
    ("etc/eks/containerd-version.txt", "containerd github.com/containerd/containerd/v2 2.1.5\n"),
    ("etc/eks/image-credential-provider/ecr-credential-provider", ""),
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    ("sys/devices/system/node/node0/cpu0/online", "1\n"),
    ("sys/devices/system/node/node0/cpu1/online", "1\n"),
    ("sys/devices/system/cpu/online", "0-1\n"),
];

/// The file with the certificate authority of the simulated AWS APIs.
const AUTHORITY: &str = "etc/aws-authority.pem";

/// The directory of the network interface of the instance.
const INTERFACE: &str = "sys/class/net/ens5";

/// The root directory of a node.
#[derive(Clone, Debug)]
pub struct Root(pub PathBuf);

impl Root {
    /// Creates a root with the files of the image.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn image(path: PathBuf) -> io::Result<Self> {
        remove(&path)?;
        let root = Self(path);
        for (name, text) in UNITS.into_iter().chain(NODEADM_INPUT) {
            root.write(name, text)?;
        }
        // The network interface of the instance, whose MAC address eni-bootstrap reads before it calls IMDS.
        root.write(&format!("{INTERFACE}/address"), &format!("{}\n", Instance::default().mac))?;
        root.write(&format!("{INTERFACE}/ifindex"), "2\n")?;
        fs::create_dir_all(root.0.join(INTERFACE).join("device"))?;
        // The package contains the second directory.
        for directory in ["etc/eks/nodeadm.d", "var/lib/eni-bootstrap"] {
            fs::create_dir_all(root.0.join(directory))?;
        }
        Ok(root)
    }

    /// Writes a file below the root, and returns its path.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        fs::File::create(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// Replaces the root `path` with a copy of this one.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be copied.
    pub fn copy_to(&self, path: PathBuf) -> io::Result<Self> {
        remove(&path)?;
        copy(&self.0, &path)?;
        Ok(Self(path))
    }

    /// Returns the root after `nodeadm-config.service`, in which the kubelet has its configuration and its
    /// kubeconfig. Requires root permissions for chroot.
    ///
    /// # Errors
    ///
    /// Returns an error if nodeadm fails.
    pub fn configured_by_nodeadm(
        path: PathBuf,
        nodeadm: &Path,
        logs: &Path,
        cloud: &Cloud,
    ) -> Result<Self, Box<dyn Error>> {
        let root = Self::image(path)?;
        root.install(nodeadm, "nodeadm")?;
        let _systemd = SystemdSocket::start(&root.0)?;
        root.nodeadm(logs, cloud)?.run()?;
        fs::remove_dir_all(root.0.join("usr"))?;
        Ok(root)
    }

    /// Links a program into `usr/bin` of the root.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be linked or copied.
    pub fn install(&self, program: &Path, name: &str) -> io::Result<()> {
        fs::create_dir_all(self.0.join("usr/bin"))?;
        let path = self.0.join("usr/bin").join(name);
        fs::hard_link(program, &path).or_else(|_| fs::copy(program, &path).map(drop))
    }

    /// Returns the program with the endpoint of the AWS APIs, and with their certificate authority in a file
    /// that it sees below `seen`, which is `/` in a chroot.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn with_aws(&self, program: Program, cloud: &Cloud, seen: &Path) -> io::Result<Program> {
        self.write(AUTHORITY, &cloud.aws_authority)?;
        let authority = seen.join(AUTHORITY);
        Ok(program
            .with("AWS_CA_BUNDLE", &authority)
            .with("SSL_CERT_FILE", &authority)
            .with("AWS_ENDPOINT_URL", cloud.aws_endpoint())
            .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.imds_endpoint()))
    }

    /// Returns the program that runs nodeadm as `nodeadm-config.service` does.
    ///
    /// # Errors
    ///
    /// As [`Root::with_aws`].
    pub fn nodeadm(&self, logs: &Path, cloud: &Cloud) -> io::Result<Program> {
        let root = self.0.to_string_lossy();
        let cache = "--config-cache=/run/eks/nodeadm/config.json";
        let source = "--config-source=imds://user-data";
        let command =
            ["/usr/sbin/chroot", &root, "/usr/bin/nodeadm", "init", "--skip=run", source, cache];
        let program = Program::new("nodeadm, config phase", logs, command);
        self.with_aws(program, cloud, Path::new("/"))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(path),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
