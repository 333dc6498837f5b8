//! The restrictions of the units fit what eni-bootstrap does on each host family: it runs without
//! capabilities and with the system call filter, it uses no blocked system call, and it writes only to the
//! writable paths. Each writable path is necessary for a host family.
//!
//! eni-bootstrap has no unit in a bootstrap container of Bottlerocket.

use crate::boot::effective_unit::write;
use crate::support::boot::Fixture;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::{self, Al2, Al2023, Kubeadm};
use crate::support::boot::restrictions::{SystemCallSets, WRITABLE, differences};
use crate::support::lines::{report, text_of};
use crate::support::real_parts::{kubelet_program, program};
use crate::support::trace::Trace;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

/// A drop-in of this test. It applies after `50-test.conf`.
const DROP_IN: &str = "/etc/systemd/system/eni-bootstrap.service.d/60-timeout.conf";
const UNIT: &str = "eni-bootstrap.service";
const RETRY: &str = "eni-bootstrap-retry.service";

/// uid 0 without a capability, with a system call filter.
const RESTRICTED: &str = "Uid 0
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

/// Simulates `snap`. As with snapd, another process stores the option, without the restrictions of the unit.
const SNAP: &str = r#"#!/bin/sh
case "$1 $2" in
"get kubelet-eks") cat /var/snap-args ;;
"set kubelet-eks") systemd-run --quiet -p Type=oneshot sh -c 'printf "%s\n" "$0" >/var/snap-args' "${3#args=}" ;;
esac
"#;

/// Returns the fields of `/proc/PID/status` that describe the privileges of the main process of `unit`.
fn privileges(machine: &Machine, unit: &str) -> String {
    let process = machine.property(unit, "MainPID");
    let status = machine.read(&format!("/proc/{process}/status")).unwrap();
    let names = ["Uid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"];
    let fields = status.lines().filter_map(|line| line.split_once(":\t"));
    let fields = fields.filter(|(name, _)| names.contains(name));
    text_of(fields.map(|(name, value)| format!("{name} {}", value.split('\t').next().unwrap())))
}

/// A booted node of an image family, with one or more host families one after another.
struct Site {
    _fixture: Fixture,
    machine: Machine,
    strace: PathBuf,
    sets: SystemCallSets,
    /// The system calls of the traced runs.
    calls: BTreeSet<String>,
}

impl Site {
    /// Boots the node. Asserts the privileges of the running process while it waits for the ENIConfig.
    fn boot(case: &str, family: Family) -> Option<Self> {
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
        Some(Self { _fixture: fixture, machine, strace, sets, calls: BTreeSet::new() })
    }

    /// Runs a command with the environment of the unit, and records its system calls.
    fn trace(&self, arguments: &[&str]) -> Trace {
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
    fn trace_host(&mut self, host: &str, programs: &[&str]) {
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
    fn add_calls(&mut self, what: &str, trace: Trace) {
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

    /// Prints how many of the allowed system calls this test and the tests before it have used, and shuts
    /// the node down.
    fn end(self) {
        static USED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
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

    /// Runs the unit with only these writable paths. Asserts that it succeeds.
    fn assert_sufficient(&self, host: &str, paths: &[&str]) {
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
fn not_written(host: &str, file: &str) -> (String, String) {
    (
        "73".to_owned(),
        format!(
            "host: {host}\nerror: failed to configure the node\n  caused by: failed to write {file}\n  caused by: Read-only file system (os error 30)\n  help: run eni-bootstrap as root, and check that the file system is writable and has free space; in eni-bootstrap.service, ReadWritePaths= must contain the directory; the previous file is intact\n"
        ),
    )
}

/// Writes an executable file of the running machine.
fn install(machine: &Machine, path: &str, text: &str) {
    write(machine, path, text);
    fs::set_permissions(machine.path(path), Permissions::from_mode(0o755)).unwrap();
}

const NODEADM: &str = "nodeadm (nodeadm-run.service reads /etc/eks/nodeadm.d)";
const DROPIN: &str = "kubelet-dropin (the image has kubelet.service and no nodeadm-run.service)";

#[test]
fn nodeadm_and_retry_fit_the_restrictions() {
    let Some(mut site) = Site::boot("privilege_nodeadm", Al2023) else { return };
    site.trace_host("nodeadm", &["eni-bootstrap", "systemctl"]);
    site.assert_sufficient("nodeadm", &["/var/lib/eni-bootstrap", "/etc/eks/nodeadm.d"]);
    let file = "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml";
    assert_eq!(site.run_with(&without(&["/etc/eks/nodeadm.d"])), not_written(NODEADM, file));
    // The failure has started the retry unit, which pauses.
    assert_eq!(privileges(&site.machine, RETRY), RESTRICTED);

    let record = format!("StateDirectory=\n{}", without(&["/var/lib/eni-bootstrap"]));
    let warning = "warning: record: failed to write /var/lib/eni-bootstrap";
    let read_only = "Read-only file system (os error 30)";
    assert_eq!(
        site.run_with(&record),
        (
            "0".to_owned(),
            format!(
                "host: {NODEADM}\n{warning}/configured-for.json: {read_only}\n{warning}/last-run.json: {read_only}; if the API server is unreachable at the next boot, the kubelet does not start\n"
            )
        )
    );

    write(&site.machine, "/etc/eni-bootstrap/90-site.toml", "[retry]\npause = \"1s\"\n");
    site.machine.stdout_of(&["systemctl", "stop", "kubelet.service"]);
    let trace = site.trace(&["retry"]);
    assert_eq!(trace.written, BTreeSet::new(), "files written by retry");
    site.add_calls("retry", trace);
    assert_weaker_units_differ(&site.machine);
    site.end();
}

/// Asserts that a drop-in that weakens a restriction is found.
fn assert_weaker_units_differ(machine: &Machine) {
    for (line, expected) in [
        ("ProtectSystem=full", "ProtectSystem is Some(\"full\"), expected \"strict\""),
        (
            "ReadWritePaths=/usr",
            "ReadWritePaths is Some(\"-/var/lib/eni-bootstrap -/etc/eks/nodeadm.d -/etc/kubernetes -/etc/systemd/system -/etc/default -/etc/sysconfig /usr\"), expected \"-/var/lib/eni-bootstrap -/etc/eks/nodeadm.d -/etc/kubernetes -/etc/systemd/system -/etc/default -/etc/sysconfig\"",
        ),
        (
            "CapabilityBoundingSet=CAP_CHOWN",
            "CapabilityBoundingSet is Some(\"cap_chown\"), expected \"\"",
        ),
        ("NoNewPrivileges=no", "NoNewPrivileges is Some(\"no\"), expected \"yes\""),
        ("SystemCallFilter=fchown", "SystemCallFilter does not block: fchown; also blocks: "),
    ] {
        write(machine, DROP_IN, &format!("[Service]\n{line}\n"));
        machine.stdout_of(&["systemctl", "daemon-reload"]);
        assert_eq!(differences(machine), [format!("{UNIT}: {expected}")], "{line}");
    }
    write(machine, DROP_IN, "[Service]\nExecStart=\nExecStart=+/usr/bin/eni-bootstrap run\n");
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    let found = differences(machine);
    let expected = format!("{UNIT}: ExecStart= runs without restrictions: ");
    assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    let other = DROP_IN.replace("60-timeout", "60-other");
    fs::rename(machine.path(DROP_IN), machine.path(&other)).unwrap();
    write(machine, &other, "[Service]\nTimeoutStartSec=14min\n");
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    assert_eq!(differences(machine), [format!("{UNIT}: {other} is not in the list of drop-ins")]);
    fs::remove_file(machine.path(&other)).unwrap();
    machine.stdout_of(&["systemctl", "daemon-reload"]);
}

/// The host family `kubelet-dropin` with flags and with a drop-in of the kubelet.
#[test]
fn kubelet_dropin_and_snap_fit_the_restrictions() {
    let Some(kubelet) = kubelet_program("1.34") else { return };
    let Some(mut site) = Site::boot("privilege_kubelet_dropin", Al2) else { return };
    site.trace_host(
        "kubelet-dropin, exec plugin",
        &["aws-iam-authenticator", "eni-bootstrap", "systemctl"],
    );
    site.assert_sufficient("kubelet-dropin", &["/var/lib/eni-bootstrap", "/etc/systemd/system"]);
    let file = "/etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf";
    assert_eq!(site.run_with(&without(&["/etc/systemd/system"])), not_written(DROPIN, file));

    // A unit of the site starts a real kubelet, which reads drop-ins.
    let machine = &site.machine;
    machine.stdout_of(&["systemctl", "stop", "kubelet.service"]);
    fs::remove_file(machine.path("/usr/bin/kubelet")).unwrap();
    fs::copy(kubelet, machine.path("/usr/bin/kubelet")).unwrap();
    fs::remove_dir_all(machine.path("/etc/eks/containerd")).unwrap();
    let config = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    write(machine, "/etc/kubernetes/kubelet.yaml", config);
    write(machine, "/etc/kubernetes/kubelet.conf.d/10-site.conf", config);
    let command = "/usr/bin/kubelet --config=/etc/kubernetes/kubelet.yaml";
    write_command(machine, command);
    // eni-bootstrap runs the kubelet with --version.
    site.trace_host(
        "kubelet-dropin, without --config-dir",
        &["aws-iam-authenticator", "eni-bootstrap", "kubelet", "systemctl"],
    );
    write_command(&site.machine, &format!("{command} --config-dir=/etc/kubernetes/kubelet.conf.d"));
    site.trace_host(
        "kubelet-dropin, with --config-dir",
        &["aws-iam-authenticator", "eni-bootstrap", "systemctl"],
    );
    site.assert_sufficient(
        "--config-dir",
        &["/var/lib/eni-bootstrap", "/etc/systemd/system", "/etc/kubernetes"],
    );
    assert_eq!(
        site.run_with(&without(&["/etc/kubernetes"])),
        (
            "0".to_owned(),
            "host: kubelet-dropin (the image has kubelet.service and no nodeadm-run.service; kubelet flags are used, because /etc/kubernetes/kubelet.conf.d is read-only)\n".to_owned()
        )
    );

    let unit = "/etc/systemd/system/snap.kubelet-eks.daemon.service";
    write(&site.machine, unit, "[Service]\nExecStart=/usr/bin/snap run kubelet-eks.daemon\n");
    install(&site.machine, "/usr/bin/snap", SNAP);
    write(&site.machine, "/var/snap-args", "--node-labels=team=blue\n");
    site.machine.stdout_of(&["systemctl", "daemon-reload"]);
    site.trace_host(
        "snap",
        &["aws-iam-authenticator", "cat", "eni-bootstrap", "snap", "systemctl", "systemd-run"],
    );
    site.assert_sufficient("snap", &["/var/lib/eni-bootstrap"]);
    let arguments = site.machine.read("/var/snap-args").unwrap();
    assert!(arguments.contains("--max-pods=20"), "{arguments}");
    site.end();
}

/// Replaces the command of kubelet.service, as a drop-in of the site does.
fn write_command(machine: &Machine, command: &str) {
    let text = format!("[Service]\nExecStart=\nExecStart={command}\n");
    write(machine, "/etc/systemd/system/kubelet.service.d/95-site.conf", &text);
    machine.stdout_of(&["systemctl", "daemon-reload"]);
}

/// The host family `kubeadm` on Debian, and with the path of an RPM distribution.
#[test]
fn kubeadm_fits_the_restrictions() {
    let Some(mut site) = Site::boot("privilege_kubeadm", Kubeadm) else { return };
    let drop_in = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
    for folder in ["/etc/default", "/etc/sysconfig"] {
        let text = site.machine.read(drop_in).unwrap();
        write(&site.machine, drop_in, &text.replace("/etc/default", folder));
        write(&site.machine, &format!("{folder}/kubelet"), "KUBELET_EXTRA_ARGS=--v=2\n");
        site.machine.stdout_of(&["systemctl", "daemon-reload"]);
        let file = format!("{folder}/kubelet");
        let host = format!("kubeadm (kubelet.service reads $KUBELET_EXTRA_ARGS from {file})");
        site.trace_host(&host, &["eni-bootstrap", "systemctl"]);
        site.assert_sufficient(&host, &["/var/lib/eni-bootstrap", folder]);
        assert_eq!(site.run_with(&without(&[folder])), not_written(&host, &file));
    }
    site.end();
}
