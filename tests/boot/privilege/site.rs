//! A booted node whose unit runs with changed restrictions, and whose runs are traced.

use crate::boot::effective_unit::write;
use crate::support::boot::Fixture;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::{self, Al2, Al2023, Kubeadm};
use crate::support::boot::restrictions::{SystemCallSets, WRITABLE};
use crate::support::lines::{report, text_of};
use crate::support::real_parts::program;
use crate::support::trace::Trace;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

/// A drop-in of this test. It applies after `50-test.conf`.
pub const DROP_IN: &str = "/etc/systemd/system/eni-bootstrap.service.d/60-timeout.conf";
pub const UNIT: &str = "eni-bootstrap.service";
pub const RETRY: &str = "eni-bootstrap-retry.service";

/// The writable paths without which a run fails or warns: those that each test asserts with
/// [`Site::assert_necessary`], in the order of their names.
pub const NECESSARY: [(&str, &[&str]); 3] = [
    ("privilege_nodeadm", &["/etc/eks/nodeadm.d", "/var/lib/eni-bootstrap"]),
    ("privilege_kubelet_dropin", &["/etc/kubernetes", "/etc/systemd/system"]),
    ("privilege_kubeadm", &["/etc/default", "/etc/sysconfig"]),
];

/// uid 0 without a capability, with a system call filter.
pub const RESTRICTED: &str = "Uid 0
CapInh 0000000000000000
CapPrm 0000000000000000
CapEff 0000000000000000
CapBnd 0000000000000000
CapAmb 0000000000000000
NoNewPrivs 1
Seccomp 2
";

/// The exec plugin on Amazon Linux 2: `token -i CLUSTER --region REGION`.
const PLUGIN: &str = "#!/bin/sh\nexec eni-bootstrap token --cluster-name \"$3\" --region \"$5\"\n";

/// Returns the fields of `/proc/PID/status` that describe the privileges of the main process of `unit`.
pub fn privileges(machine: &Machine, unit: &str) -> String {
    let process = machine.property(unit, "MainPID");
    let status = machine.read(&format!("/proc/{process}/status")).unwrap();
    let names = ["Uid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"];
    let fields = status.lines().filter_map(|line| line.split_once(":\t"));
    let fields = fields.filter(|(name, _)| names.contains(name));
    text_of(fields.map(|(name, value)| format!("{name} {}", value.split('\t').next().unwrap())))
}

/// A booted node of an image family, with one or more host families one after another.
pub struct Site {
    _fixture: Fixture,
    pub machine: Machine,
    strace: PathBuf,
    sets: SystemCallSets,
    /// The system calls of the traced runs.
    calls: BTreeSet<String>,
    case: String,
    /// The paths of [`Site::assert_necessary`].
    necessary: BTreeSet<String>,
}

impl Site {
    /// Boots the node. Asserts the privileges of the running process while it waits for the ENIConfig.
    pub fn boot(case: &str, family: Family) -> Option<Self> {
        let strace = program("strace", "strace")?;
        let fixture = Fixture::new(case, family)?;
        match family {
            Al2 => {
                fixture.complete_al2_bootstrap();
                // The exec plugin of the kubeconfig.
                fixture.node.settings("[cluster]\nkubeconfig = \"/var/lib/kubelet/kubeconfig\"\n");
                fixture.node.write("usr/bin/aws-iam-authenticator", PLUGIN);
                let plugin = fixture.node.path("usr/bin/aws-iam-authenticator");
                fs::set_permissions(plugin, Permissions::from_mode(0o755)).unwrap();
            }
            Kubeadm => fixture.node.settings(&format!(
                "[cluster]\nname = \"real\"\nendpoint = \"{}\"\ncertificate-authority = \"{}\"\n",
                fixture.cluster.url(),
                fixture.cluster.ca_base64()
            )),
            Al2023 => {}
        }
        let machine = fixture.node.boot();
        machine.wait_for_console("wait: ENIConfig us-west-2a not found; retrying");
        assert_eq!(privileges(&machine, UNIT), RESTRICTED, "{case}");
        fixture.create_eni_config();
        machine.wait_until_booted();
        let writable = WRITABLE.map(|path| format!("-{path}")).join(" ");
        assert_eq!(machine.property(UNIT, "ReadWritePaths"), writable);
        let sets = SystemCallSets::of(&machine);
        Some(Self {
            _fixture: fixture,
            machine,
            strace,
            sets,
            calls: BTreeSet::new(),
            case: case.to_owned(),
            necessary: BTreeSet::new(),
        })
    }

    /// Runs a command with the environment of the unit, and records its system calls.
    pub fn trace(&self, arguments: &[&str]) -> Trace {
        let environment = self.machine.property(UNIT, "Environment");
        let environment: Vec<&str> = environment.split(' ').collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        let command = [&["env"], &environment[..], &["eni-bootstrap"], arguments].concat();
        let output = self.machine.trace(file.path(), &self.strace, &command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        Trace::read(&fs::read_to_string(file.path()).unwrap(), "/usr/bin/eni-bootstrap")
    }

    /// Traces `undo` and `run`. Asserts that they start these programs, use no blocked system call and
    /// write only to writable paths.
    pub fn trace_host(&mut self, host: &str, programs: &[&str]) {
        let mut trace = self.trace(&["undo"]);
        trace.add(self.trace(&["run"]));
        let started: Vec<&str> = trace.programs.iter().map(String::as_str).collect();
        assert_eq!(started, programs, "{host}");
        let (calls, paths) = (trace.calls.len(), trace.written.len());
        report(&format!("{host}: {calls} system calls, {paths} paths"));
        let own = ["/run/eni-bootstrap", "/dev/null"];
        let is_writable =
            |path: &&String| WRITABLE.iter().chain(&own).any(|folder| path.starts_with(folder));
        let other: Vec<&String> = trace.written.iter().filter(|it| !is_writable(it)).collect();
        assert_eq!(other, Vec::<&String>::new(), "{host}: writes outside of the writable paths");
        self.add_calls(host, trace);
    }

    /// Asserts that the units block none of the system calls.
    pub fn add_calls(&mut self, what: &str, trace: Trace) {
        let blocked: Vec<String> =
            trace.calls.intersection(&self.sets.blocked()).cloned().collect();
        assert_eq!(blocked, Vec::<String>::new(), "{what}: blocked system calls");
        self.calls.extend(trace.calls);
    }

    /// Runs `undo`, and then the unit with these lines in a drop-in. Returns the exit status, and the
    /// warnings and the error.
    fn run_with(&self, lines: &str) -> (String, String) {
        let machine = &self.machine;
        machine.stdout_of(&["systemctl", "stop", RETRY]);
        machine.stdout_of(&["eni-bootstrap", "undo"]);
        write(machine, DROP_IN, &format!("[Service]\n{lines}"));
        machine.stdout_of(&["systemctl", "daemon-reload"]);
        machine.run(&["systemctl", "reset-failed"]);
        let before = machine.journal(UNIT).len();
        machine.run(&["systemctl", "restart", UNIT]);
        let status = machine.property(UNIT, "ExecMainStatus");
        let journal = machine.journal(UNIT)[before..].to_owned();
        let parts = ["warning: ", "error: ", "  caused by: ", "  help: ", "host: "];
        let is_shown = |line: &&str| parts.iter().any(|part| line.starts_with(part));
        let shown = text_of(journal.lines().filter(is_shown));
        fs::remove_file(machine.path(DROP_IN)).unwrap();
        machine.stdout_of(&["systemctl", "daemon-reload"]);
        (status, shown)
    }

    /// Asserts that the test has covered its paths in [`NECESSARY`]. Prints how many of the allowed system
    /// calls this test and the tests before it have used, and shuts the node down.
    pub fn end(self) {
        static USED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        let (_, expected) = NECESSARY.iter().find(|(case, _)| *case == self.case).unwrap();
        assert_eq!(self.necessary.iter().collect::<Vec<_>>(), *expected, "{}", self.case);
        let mut used = USED.lock().unwrap();
        used.extend(self.calls);
        let allowed = self.sets.expand("@known").difference(&self.sets.blocked()).count();
        let names: Vec<&str> = used.iter().map(String::as_str).collect();
        let (count, names) = (used.len(), names.join(" "));
        report(&format!(
            "{count} of {allowed} allowed system calls (of all architectures) are used: {names}"
        ));
        self.machine.power_off();
    }

    /// Runs the unit without `path` in the writable paths, and with the other lines of a drop-in `more`.
    /// Asserts the exit status, and the warnings and the error.
    pub fn assert_necessary(&mut self, path: &str, more: &str, expected: &(String, String)) {
        assert_eq!(&self.run_with(&format!("{more}{}", without(&[path]))), expected, "{path}");
        self.necessary.insert(path.to_owned());
    }

    /// Runs the unit with only these writable paths. Asserts that it succeeds.
    pub fn assert_sufficient(&self, host: &str, paths: &[&str]) {
        let others: Vec<&str> =
            WRITABLE.iter().copied().filter(|path| !paths.contains(path)).collect();
        let (status, shown) = self.run_with(&without(&others));
        assert_eq!(status, "0", "{host}: {shown}");
        assert!(!shown.contains("Read-only file system"), "{host}: {shown}");
    }
}

/// Returns the lines that remove `paths` from the writable paths.
fn without(paths: &[&str]) -> String {
    let rest = WRITABLE.iter().filter(|path| !paths.contains(path));
    let rest = text_of(rest.map(|path| format!("ReadWritePaths=-{path}")));
    format!("ReadWritePaths=\n{rest}")
}

/// Returns the line of the log for the host, and the error for a file that cannot be written.
pub fn not_written(host: &str, file: &str) -> (String, String) {
    (
        "73".to_owned(),
        format!(
            "host: {host}\nerror: failed to configure the node\n  caused by: failed to write {file}\n  caused by: Read-only file system (os error 30)\n  help: run eni-bootstrap as root, and check that the file system is writable and has free space; in eni-bootstrap.service, ReadWritePaths= must contain the directory; the previous file is intact\n"
        ),
    )
}
