//! nodeadm itself on a node in a scratch root, as its two services run it.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use super::{MetadataMock, Moto, instance, metadata_mock, moto, nodeadm_program, root_rights};

const ZONE: &str = "us-west-2a";
/// Where systemd itself listens, beside the system bus.
const SYSTEMD: &str = "run/systemd/private";
/// Where nodeadm keeps the configuration that it has resolved.
const CACHE: &str = "--config-cache=/run/eks/nodeadm/config.json";

/// What nodeadm reads of an image. It asks for versions where these files are not there, and writes
/// nothing for a kubelet whose credential provider is missing.
pub const NODEADM_READS: [(&str, &str); 3] = [
    ("etc/eks/kubelet-version.txt", "Kubernetes v1.34.2-eks-ecaa3a6\n"),
    ("etc/eks/containerd-version.txt", "containerd github.com/containerd/containerd/v2 2.1.5\n"),
    ("etc/eks/image-credential-provider/ecr-credential-provider", ""),
];

/// nodeadm, and the instance that it finds itself on: metadata by the mock, EC2 by moto.
#[derive(Debug)]
pub struct Nodeadm {
    program: PathBuf,
    imds: MetadataMock,
    ec2: &'static Moto,
    cpus: u32,
}

/// nodeadm on an instance of `instance_type` in `us-west-2a` with `cpus` CPUs and this user data.
/// Root only: nodeadm is run in the scratch root with chroot, and writes nothing outside of it.
pub fn nodeadm(instance_type: &str, cpus: u32, user_data: &str) -> Option<Nodeadm> {
    let program = nodeadm_program()?;
    let (ec2, ()) = (moto()?, root_rights()?);
    let imds = metadata_mock(known_to_ec2(ec2, instance(instance_type, ZONE, user_data)))?;
    Some(Nodeadm { program, imds, ec2, cpus })
}

/// `instance` with the id of one that is in `ec2`: EC2 names the node (`PrivateDnsName`). Of which
/// type it is there does not matter, and moto would refuse to start one of a type that it has never
/// heard of.
pub fn known_to_ec2(ec2: &Moto, mut instance: Value) -> Value {
    let launch =
        "Action=RunInstances&ImageId=ami-12c6146b&InstanceType=t3.medium&MinCount=1&MaxCount=1";
    let id = ec2.account().ask("ec2", launch, "instanceId");
    instance["metadata"]["values"]["instance-id"] = id.as_str().into();
    instance["dynamic"]["values"]["instance-identity-document"]["instanceId"] = id.into();
    instance
}

impl Nodeadm {
    /// The metadata service of the instance.
    pub fn imds(&self) -> String {
        self.imds.endpoint()
    }

    /// `nodeadm-config.service`, which runs before cloud-init.
    ///
    /// Source: `templates/al2023/runtime/rootfs/etc/systemd/system/`, awslabs/amazon-eks-ami.
    pub fn config_service(&self, root: &Path) -> Output {
        self.image(root);
        self.init(root, &["--skip=run", "--config-source=imds://user-data", CACHE])
    }

    /// `nodeadm-run.service`, which runs after us and reads the drop-ins, up to where it would start
    /// containerd and the kubelet: `--skip=run` is the one thing that the unit does not say.
    ///
    /// It configures again although it skips that, because what it has resolved is no longer what
    /// `nodeadm-config.service` left in the cache.
    pub fn run_service(&self, root: &Path) -> Output {
        let sources =
            ["--config-source=imds://user-data", "--config-source=file:///etc/eks/nodeadm.d/"];
        self.init(root, &[&["--skip=config", "--skip=run"][..], &sources, &[CACHE]].concat())
    }

    /// Puts what it needs of an image in `root`.
    fn image(&self, root: &Path) {
        let file = |path: &str, contents: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::File::create(path).unwrap().write_all(contents.as_bytes()).unwrap();
        };
        for (path, contents) in NODEADM_READS {
            file(path, contents);
        }
        file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        // It counts the CPUs of the NUMA nodes that are online.
        let cpus = root.join("sys/devices/system/node/node0");
        (0..self.cpus).for_each(|cpu| fs::create_dir_all(cpus.join(format!("cpu{cpu}"))).unwrap());
        file("sys/devices/system/cpu/online", &format!("0-{}\n", self.cpus - 1));
        let program = root.join("usr/bin/nodeadm");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        match fs::hard_link(&self.program, &program) {
            // 56 MiB: copied only where it must be.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                fs::copy(&self.program, &program).unwrap();
            }
            linked => linked.unwrap(),
        }
    }

    /// Runs it in `root`, and ends it where it waits: it would give EC2 ten minutes.
    fn init(&self, root: &Path, arguments: &[&str]) -> Output {
        let _systemd = Systemd::start(root);
        Command::new("timeout")
            .args(["120", "chroot"])
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

/// As much of systemd as nodeadm needs before it may configure anything: somebody who takes its two
/// connections. It has nothing to say on them until it starts a daemon, so each is closed as soon as
/// the handshake is over. Stops when dropped.
struct Systemd {
    socket: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Systemd {
    fn start(root: &Path) -> Self {
        let socket = root.join(SYSTEMD);
        fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let greet_all = move || {
            for connection in listener.incoming() {
                if !greet(&connection.unwrap()) {
                    return;
                }
            }
        };
        Self { socket, thread: Some(thread::spawn(greet_all)) }
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        drop(UnixStream::connect(&self.socket));
        let _ = self.thread.take().map(JoinHandle::join);
        let _ = fs::remove_file(&self.socket);
    }
}

/// The server's side of D-Bus's handshake; false where the client said nothing at all.
///
/// Source: D-Bus Specification, "Authentication Protocol".
fn greet(mut connection: &UnixStream) -> bool {
    let mut lines = BufReader::new(connection);
    let mut has_spoken = false;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return has_spoken;
        }
        has_spoken = true;
        let answer = match line.trim_start_matches('\0').trim_end() {
            "AUTH" => "REJECTED EXTERNAL",
            "AUTH EXTERNAL" => "OK 0123456789abcdef0123456789abcdef",
            "NEGOTIATE_UNIX_FD" => "ERROR",
            _ => return true, // BEGIN
        };
        let _ = connection.write_all(format!("{answer}\r\n").as_bytes());
    }
}
