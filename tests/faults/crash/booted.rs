//! Kills `run` and `undo` on a booted node at each system call after which the files or the units that
//! systemd has loaded differ: a file is replaced or removed, or a process such as `systemctl` starts.

use crate::support::boot::Fixture;
use crate::support::boot::machine::Machine;
use crate::support::boot::node::Family;
use crate::support::faults::print_line;
use crate::support::faults::strace::copy_to;
use std::process::Output;

/// The system calls at which a command is killed.
const CALLS: [&str; 3] = ["rename", "unlink", "clone3"];
/// More calls of one kind than any command makes.
const MOST_CALLS: usize = 60;
/// What systemd uses to start the kubelet.
const PROPERTIES: &str = "NeedDaemonReload,DropInPaths,ExecStart,EnvironmentFiles,Environment";
/// The environment file of the drop-in, which contains the planned arguments.
const ENVIRONMENT: &str = "/run/eni-bootstrap/kubelet.env";

/// Runs a command line with the environment of the unit. Returns its output and its exit status.
fn run(machine: &Machine, line: &str) -> (Output, i32) {
    let script = format!(
        "export $(sed -n s/^Environment=//p /etc/systemd/system/eni-bootstrap.service.d/50-test.conf); {line}; echo \"status $?\""
    );
    let output = machine.run(&["sh", "-c", &script]);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let status = stdout.trim_end().rsplit_once("status ").unwrap().1.parse().unwrap();
    (output, status)
}

fn succeed(machine: &Machine, line: &str) {
    let (output, status) = run(machine, line);
    assert_eq!(status, 0, "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What systemd has loaded, and the planned arguments.
fn kubelet(machine: &Machine) -> (String, Option<String>) {
    let shown = machine.stdout_of(&["systemctl", "show", "-p", PROPERTIES, "kubelet.service"]);
    (shown, machine.read(ENVIRONMENT))
}

#[test]
fn after_a_kill_and_another_run_systemd_has_loaded_the_planned_unit() {
    let Some(fixture) = Fixture::new("crash_kill", Family::Al2) else { return };
    let Some(()) = copy_to(&fixture.node) else { return };
    fixture.create_eni_config();
    fixture.complete_al2_bootstrap();
    let (machine, _) = fixture.boot();
    for (before, command) in [
        ("eni-bootstrap undo", "eni-bootstrap run"),
        ("eni-bootstrap run --pods-max=9", "eni-bootstrap run"),
        ("eni-bootstrap run", "eni-bootstrap undo"),
    ] {
        succeed(&machine, before);
        succeed(&machine, command);
        let expected = kubelet(&machine);
        assert!(expected.0.contains("NeedDaemonReload=no\n"), "{}", expected.0);
        let is_planned = expected.1.as_ref().is_some_and(|text| text.contains("--max-pods=20 "));
        assert_eq!(is_planned, command == "eni-bootstrap run", "{expected:?}");
        let mut points = 0;
        for call in CALLS {
            for number in 1..=MOST_CALLS {
                succeed(&machine, before);
                let inject = format!(
                    "strace -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={number} {command}"
                );
                let (output, status) = run(&machine, &inject);
                if status == 0 {
                    break;
                }
                assert_eq!(status, 137, "{}", String::from_utf8_lossy(&output.stderr));
                succeed(&machine, command);
                assert_eq!(kubelet(&machine), expected, "{before}; {command}: {call} {number}");
                points += 1;
            }
        }
        print_line(format!(
            "{before}, then {command}: {points} points, systemd has loaded the planned unit"
        ));
    }
    machine.power_off();
}
