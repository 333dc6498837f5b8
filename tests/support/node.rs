//! A node in a temporary folder: a root with the files of an image, on which the tests run the binary.

use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};

/// The lines of `nodeadm-run.service` by which eni-bootstrap detects AL2023.
///
/// Source: `templates/al2023/runtime/rootfs/etc/systemd/system/`, awslabs/amazon-eks-ami.
const NODEADM_RUN: &str = "[Service]
ExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data --config-source file:///etc/eks/nodeadm.d/ --config-cache /run/eks/nodeadm/config.json
";
const NODEADM_KUBELET: &str = "[Service]
EnvironmentFile=/etc/eks/kubelet/environment
ExecStart=/usr/bin/kubelet $NODEADM_KUBELET_ARGS
";
/// The kubelet unit of AL2, shortened.
const AL2_KUBELET: &str = "[Service]
ExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \\
    $KUBELET_ARGS $KUBELET_EXTRA_ARGS
";

/// A root in a temporary folder, and the arguments to run eni-bootstrap on it.
pub struct Node {
    root: tempfile::TempDir,
    arguments: Vec<String>,
}

/// The exit status and the output of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct RunOutput {
    /// The exit status; `None` if a signal killed the process.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Node {
    /// Creates an AL2023 node whose nodeadm reads drop-ins.
    pub fn al2023() -> Self {
        let node = Self::empty();
        node.file("etc/systemd/system/nodeadm-run.service", NODEADM_RUN);
        node.file("etc/systemd/system/kubelet.service", NODEADM_KUBELET);
        node
    }

    /// Creates an AL2 node, which has a kubelet unit.
    pub fn al2() -> Self {
        let node = Self::empty();
        node.file("etc/eks/containerd/kubelet-containerd.service", AL2_KUBELET);
        node.file("etc/systemd/system/kubelet.service", AL2_KUBELET);
        node
    }

    /// Creates a node with an empty root.
    pub fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap(), arguments: Vec::new() }
    }

    /// Adds `name=value` to the arguments of every run.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.arguments.push(format!("{name}={}", value.as_ref()));
        self
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file below the root, and returns its path.
    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    pub fn file(&self, path: &str, contents: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Reads a file below the root; `None` if it does not exist.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    /// Returns the files that eni-bootstrap has written, without its lock, and the records and results of its runs.
    pub fn written(&self) -> Vec<String> {
        let mut files = crate::support::golden::files_under(self.root());
        let is_settings = |file: &str| Path::new(file).extension().is_some_and(|it| it == "toml");
        let is_written = |file: &String| file.contains("eni-bootstrap") && !is_settings(file);
        let is_internal = |file: &str| {
            let files = ["run/eni-bootstrap/lock", RESULT, BOTTLEROCKET_RESULT];
            files.contains(&file) || file.starts_with("var/lib/eni-bootstrap/")
        };
        files.retain(|file| is_written(file) && !is_internal(file));
        files
    }

    /// Runs eni-bootstrap, and waits until it exits.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> RunOutput {
        run_output(self.command(arguments).output().unwrap())
    }

    /// Starts eni-bootstrap.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        Running::new(self.command(arguments))
    }

    /// Returns the command that runs eni-bootstrap. Its environment has static credentials and nothing
    /// from this machine. The subnet verification is disabled, because there is no EC2 API.
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

/// A running process. Dropping it kills the process.
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// The part of the log that has been read.
    log: String,
}

impl Running {
    pub fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, log: String::new() }
    }

    /// Reads the log until a line contains `text`, and returns that line. Panics if the process exits
    /// first.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "exited without logging {text:?}:\n{}", self.log);
            self.log.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Returns the process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process exits, and returns its status.
    pub fn status(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Sends SIGTERM to the process.
    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until the process exits.
    pub fn end(mut self) -> RunOutput {
        self.stderr.read_to_string(&mut self.log).unwrap();
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap().code();
        RunOutput { status, stdout, stderr: std::mem::take(&mut self.log) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Converts the output of a command to text.
pub fn run_output(output: Output) -> RunOutput {
    RunOutput {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The result of a run.
pub const RESULT: &str = "run/eni-bootstrap/result.json";
/// The result of a run in a bootstrap container of Bottlerocket.
pub const BOTTLEROCKET_RESULT: &str =
    ".bottlerocket/bootstrap-containers/current/eni-bootstrap-result.json";
/// The file that a run writes on [`Node::al2023`].
pub const DROP_IN: &str = "etc/eks/nodeadm.d/90-eni-bootstrap.yaml";

/// Starts an API server that has the ENIConfig us-west-2a.
pub fn ready_api() -> KubernetesApi {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    api
}

/// Starts a metadata service with this user data.
pub fn imds_with(user_data: impl Into<Vec<u8>>) -> Imds {
    Imds::start(&Instance { user_data: Some(user_data.into()), ..Instance::default() })
}

/// Creates an AL2023 node that uses this metadata service.
pub fn with_imds(imds: &Imds) -> Node {
    Node::al2023().with("--imds-endpoint", imds.endpoint())
}

/// Creates an AL2023 node whose user data configures the cluster `api`.
pub fn in_cluster(api: &KubernetesApi) -> (Node, Imds) {
    let imds = imds_with(api.node_config());
    (with_imds(&imds), imds)
}

/// Returns the log from its `error: ` line to the end: the error, its causes and its help.
pub fn error(output: &RunOutput) -> &str {
    let is_error = |line: &&str| line.starts_with("error: ");
    let line = output.stderr.lines().find(is_error).unwrap_or("no error");
    output.stderr.find(&format!("{line}\n")).map_or(line, |at| &output.stderr[at..])
}
