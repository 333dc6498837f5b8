//! What systemd executes after a successful run is what was planned, on every host: a competing drop-in,
//! flag or environment file is overridden, or the run fails and names it.

mod hosts;

use crate::support::boot::Fixture;
use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family::Al2;
use crate::support::boot::node::Node;
use crate::support::golden::files_under;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const UNITS: &str = "/etc/systemd/system";
/// The command that starts the kubelet after a failure.
pub(super) const START: &str = "systemctl start kubelet";

/// A file that competes with the configuration of eni-bootstrap: its path and its text.
type Planted<'a> = (&'a str, &'a str);

/// Writes a file of the running machine.
#[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
pub(super) fn write(machine: &Machine, path: &str, contents: &str) {
    let path = machine.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn make_executable(node: &Node, path: &str) {
    fs::set_permissions(node.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Restarts eni-bootstrap and `unit`, which starts the kubelet. Returns the configuration of the new
/// kubelet, or the error of eni-bootstrap.
fn restart(machine: &Machine, unit: &str) -> Result<Kubelet, String> {
    let _ = fs::remove_file(machine.path("/run/kubelet/arguments"));
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    machine.run(&["systemctl", "reset-failed"]);
    let before = machine.journal("eni-bootstrap").len();
    let output = machine.run(&["systemctl", "restart", "eni-bootstrap.service", unit]);
    if output.status.success() {
        return Ok(Kubelet::started(machine));
    }
    assert_ne!(machine.property("kubelet.service", "ActiveState"), "active");
    assert_eq!(machine.read("/run/kubelet/arguments"), None, "the kubelet has started");
    let journal = machine.journal("eni-bootstrap")[before..].to_owned();
    let report = journal.lines().skip_while(|line| !line.starts_with("error: "));
    let help = report.clone().position(|line| line.starts_with("  help: ")).unwrap();
    Err(report.take(help + 1).collect::<Vec<_>>().join("\n") + "\n")
}

/// Adds the files, restarts eni-bootstrap and `unit`, and removes the files.
fn restart_with(machine: &Machine, unit: &str, planted: &[Planted]) -> Result<Kubelet, String> {
    for (path, text) in planted {
        write(machine, path, text);
    }
    let result = restart(machine, unit);
    for (path, _) in planted {
        fs::remove_file(machine.path(path)).unwrap();
    }
    result
}

/// Returns the error for a unit whose configuration in `location` prevents the planned one.
pub(super) fn not_effective(cause: &str, unit: &str, location: &str, retry: &str) -> String {
    format!(
        "error: failed to configure the node\n  caused by: the kubelet would not start with the planned configuration\n  caused by: {cause}, because of {location}\n  help: run `systemctl cat {unit}`, correct {location}, then run `{retry}`\n"
    )
}

/// Prepares an AL2 node after its first boot.
fn al2(case: &str) -> Option<Fixture> {
    let fixture = Fixture::new(case, Al2)?;
    fixture.create_eni_config();
    fixture.complete_al2_bootstrap();
    Some(fixture)
}

/// Returns max-pods and the label `team`.
fn in_effect(kubelet: &Kubelet) -> (u64, Option<String>) {
    let EffectiveKubelet { max_pods, mut labels, .. } = kubelet.effective();
    (max_pods, labels.remove("team"))
}

#[test]
fn failed_daemon_reload_is_repeated_by_the_same_run() {
    let Some(fixture) = al2("reload_fails") else { return };
    let systemctl = "usr/local/bin/systemctl";
    fixture.node.write(
        systemctl,
        "#!/bin/sh\nif [ \"$1\" = daemon-reload ] && [ ! -e /run/second-failure ]; then\n    [ ! -e /run/first-failure ] || : >/run/second-failure\n    : >/run/first-failure\n    exit 1\nfi\nexec /usr/bin/systemctl \"$@\"\n",
    );
    make_executable(&fixture.node, systemctl);
    let (machine, kubelet) = fixture.boot();
    assert_eq!(in_effect(&kubelet), (20, Some("blue".to_owned())));
    let journal = machine.journal("eni-bootstrap");
    let retries = journal
        .matches("apply: failed to run `systemctl daemon-reload`: exit status: 1:; retrying in ");
    assert_eq!(retries.count(), 2, "{journal}");
}

#[test]
fn missing_daemon_reload_of_a_killed_run_is_made_up_for_by_the_next_run() {
    let Some(fixture) = al2("reload_missing") else { return };
    let (machine, first) = fixture.boot();
    let directory = format!("{UNITS}/kubelet.service.d");
    let names = files_under(&machine.path(&directory));
    let own = names.iter().find(|name| name.contains("eni-bootstrap")).unwrap();
    let own = format!("{directory}/{own}");
    let text = machine.read(&own).unwrap();
    fs::remove_file(machine.path(&own)).unwrap();
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    // The run was killed after it wrote the file.
    write(&machine, &own, &text);
    assert_eq!(machine.property("kubelet.service", "NeedDaemonReload"), "yes");
    fs::remove_file(machine.path("/run/kubelet/arguments")).unwrap();
    machine.stdout_of(&["systemctl", "restart", "eni-bootstrap.service", "kubelet.service"]);
    let journal = machine.journal("eni-bootstrap");
    assert!(journal.contains(&format!("apply: {own} unchanged\n")), "{journal}");
    assert_eq!(Kubelet::started(&machine).arguments, first.arguments);
    assert_eq!(machine.property("kubelet.service", "NeedDaemonReload"), "no");

    // systemd does not report the first drop-in in a new directory.
    fs::remove_dir_all(machine.path(&directory)).unwrap();
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    write(&machine, &own, &text);
    assert_eq!(machine.property("kubelet.service", "DropInPaths"), "");
    fs::remove_file(machine.path("/run/kubelet/arguments")).unwrap();
    machine.stdout_of(&["systemctl", "restart", "eni-bootstrap.service", "kubelet.service"]);
    assert_eq!(Kubelet::started(&machine).max_pods(), 20);
    assert_eq!(machine.property("kubelet.service", "DropInPaths"), own);
}

#[test]
fn check_compares_the_loaded_units_with_the_plan() {
    let Some(fixture) = al2("effective_check") else { return };
    let (machine, _) = fixture.boot();
    let check = || {
        let script = "export $(sed -n s/^Environment=//p /etc/systemd/system/eni-bootstrap.service.d/50-test.conf); eni-bootstrap check";
        let stdout = String::from_utf8(machine.run(&["sh", "-c", script]).stdout).unwrap();
        let units = stdout.lines().filter(|line| line.split_whitespace().nth(1) == Some("unit"));
        units.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(check(), ["ok unit kubelet.service will use the planned configuration"]);
    let late = format!("{UNITS}/kubelet.service.d/zzz-site.conf");
    write(&machine, &late, "[Service]\nUnsetEnvironment=ENI_BOOTSTRAP_KUBELET_ARGS\n");
    assert_eq!(check(), ["failed unit systemd has not read the current files of kubelet.service"]);
    machine.stdout_of(&["systemctl", "daemon-reload"]);
    let unit = "kubelet.service starts the kubelet with --max-pods=29 instead of --max-pods=20";
    assert_eq!(
        check(),
        [format!(
            "failed unit the kubelet would not start with the planned configuration: {unit}, because of {late}"
        )]
    );
    fs::remove_file(machine.path("/run/eni-bootstrap/kubelet.env")).unwrap();
    assert_eq!(check(), ["skipped unit the files on this node differ from this plan"]);
}

#[test]
fn kubelet_in_a_shell_is_rejected_and_a_script_must_pass_its_arguments_on() {
    let Some(fixture) = al2("kubelet_in_a_shell") else { return };
    let (machine, _) = fixture.boot();
    let unit = "kubelet.service";
    let site = format!("{UNITS}/{unit}.d/95-site.conf");
    let command = |text: &str| format!("[Service]\nExecStart=\nExecStart={text}\n");
    let shell = command("/bin/sh -c 'exec /usr/bin/kubelet $KUBELET_ARGS'");
    assert_eq!(
        restart_with(&machine, unit, &[(&site, &shell)]).unwrap_err(),
        "error: failed to add arguments to kubelet.service\n  caused by: ExecStart= runs `/bin/sh -c`, which does not pass further arguments to the kubelet\n  help: change ExecStart= so that it starts the kubelet without a shell, or set `host.kind = \"none\"` and pass the output of `eni-bootstrap run --output kubelet-args` to the kubelet\n"
    );
    let script = "/opt/start.sh";
    let unexpanded = command(":/usr/bin/kubelet --literal=$A $B");
    let kubelet = restart_with(&machine, unit, &[(&site, &unexpanded)]).unwrap();
    assert_eq!(kubelet.arguments[..2], ["--literal=$A", "$B"]);
    assert_eq!(kubelet.max_pods(), 20);
    let with_script = |arguments: &str| {
        write(&machine, script, &format!("#!/bin/sh\nexec /usr/bin/kubelet {arguments}\n"));
        fs::set_permissions(machine.path(script), fs::Permissions::from_mode(0o755)).unwrap();
        restart_with(&machine, unit, &[(&site, &command(script))])
    };
    assert_eq!(
        with_script("--v=2").unwrap_err(),
        format!(
            "error: failed to add arguments to kubelet.service\n  caused by: ExecStart= runs {script}, a script that does not pass its arguments to the kubelet\n  help: add `\"$@\"` to the kubelet command in {script}\n"
        )
    );
    assert_eq!(with_script("--v=2 \"$@\"").unwrap().max_pods(), 20);
}
