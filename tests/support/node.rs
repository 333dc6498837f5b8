//! A node for the tests: a scratch root that looks like an image, and the real binary run on it.

use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// `nodeadm-run.service` as far as it tells the image's family.
///
/// Source: `templates/al2023/runtime/rootfs/etc/systemd/system/`, awslabs/amazon-eks-ami.
const NODEADM_RUN: &str = "[Service]
ExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data --config-source file:///etc/eks/nodeadm.d/ --config-cache /run/eks/nodeadm/config.json
";
const NODEADM_KUBELET: &str = "[Service]
EnvironmentFile=/etc/eks/kubelet/environment
ExecStart=/usr/bin/kubelet $NODEADM_KUBELET_ARGS
";
/// AL2's unit, shortened.
const AL2_KUBELET: &str = "[Service]
ExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \\
    $KUBELET_ARGS $KUBELET_EXTRA_ARGS
";

/// A scratch root, and how to run `eni-bootstrap` on it.
pub struct Node {
    root: tempfile::TempDir,
    arguments: Vec<String>,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit status; `None` after a signal.
    pub status: Option<i32>,
    /// The result.
    pub stdout: String,
    /// The log.
    pub stderr: String,
}

impl Node {
    /// Amazon Linux 2023, whose nodeadm reads drop-ins.
    pub fn al2023() -> Self {
        let node = Self::empty();
        node.file("etc/systemd/system/nodeadm-run.service", NODEADM_RUN);
        node.file("etc/systemd/system/kubelet.service", NODEADM_KUBELET);
        node
    }

    /// Amazon Linux 2, or any image with a kubelet unit.
    pub fn al2() -> Self {
        let node = Self::empty();
        node.file("etc/eks/containerd/kubelet-containerd.service", AL2_KUBELET);
        node.file("etc/systemd/system/kubelet.service", AL2_KUBELET);
        node
    }

    /// No image at all.
    pub fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap(), arguments: Vec::new() }
    }

    /// Adds an argument to every run.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.arguments.push(format!("{name}={}", value.as_ref()));
        self
    }

    /// The root.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file below the root.
    #[expect(clippy::disallowed_methods, reason = "a test's fixture, not a node's file")]
    pub fn file(&self, path: &str, contents: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Reads a file below the root.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    /// The files that `eni-bootstrap` has written: all but the image's own, the settings and the lock.
    pub fn written(&self) -> Vec<String> {
        let mut files = crate::support::golden::files_under(self.root());
        let is_settings = |file: &str| Path::new(file).extension().is_some_and(|it| it == "toml");
        let ours = |file: &String| file.contains("eni-bootstrap") && !is_settings(file);
        files.retain(|file| ours(file) && file != "run/eni-bootstrap/lock");
        files
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        ended(self.command(arguments).output().unwrap())
    }

    /// Starts it.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        Running::new(self.command(arguments))
    }

    /// The command, with nothing of this machine's in its environment but static credentials. EC2
    /// is not asked unless the test says so: here it cannot be reached.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eni-bootstrap"));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "SECRETEXAMPLE")
            .env("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY", "false")
            .args(arguments)
            .arg(format!("--root={}", self.root().display()))
            .args(&self.arguments);
        command
    }
}

/// A run that goes on. Killed where the test ends before it does.
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// What it has logged so far.
    log: String,
}

impl Running {
    /// Starts `command`.
    pub fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, log: String::new() }
    }

    /// Reads its log until a line has `text` in it; fails where it ends before.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "it ended without {text:?}:\n{}", self.log);
            self.log.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        self.stderr.read_to_string(&mut self.log).unwrap();
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap().code();
        Ended { status, stdout, stderr: std::mem::take(&mut self.log) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An output as text.
pub fn ended(output: Output) -> Ended {
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What a run writes on an [`Node::al2023`].
pub const DROP_IN: &str = "etc/eks/nodeadm.d/90-eni-bootstrap.yaml";

/// A cluster that has the ENIConfig of the zone us-west-2a.
pub fn ready_api() -> KubernetesApi {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    api
}

/// A metadata service with this user data.
pub fn imds_with(user_data: impl Into<Vec<u8>>) -> Imds {
    Imds::start(&Instance { user_data: Some(user_data.into()), ..Instance::default() })
}

/// An AL2023 node with this metadata service.
pub fn with_imds(imds: &Imds) -> Node {
    Node::al2023().with("--imds-endpoint", imds.endpoint())
}

/// The same, whose user data names `api` as its cluster.
pub fn in_cluster(api: &KubernetesApi) -> (Node, Imds) {
    let imds = imds_with(api.node_config());
    (with_imds(&imds), imds)
}

/// The last lines of a log: the error, its reasons and its help.
pub fn error(ended: &Ended) -> &str {
    let begins = |line: &&str| line.starts_with("error: ");
    let line = ended.stderr.lines().find(begins).unwrap_or("no error");
    ended.stderr.find(&format!("{line}\n")).map_or(line, |at| &ended.stderr[at..])
}
