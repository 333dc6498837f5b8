//! Two commands on the same node at the same time.

use super::case::older;
use crate::support::boot::node::{Family, Node};
use crate::support::faults::crash_node::{Cluster, CrashNode, Host, State, hosts};
use crate::support::faults::print_line;
use crate::support::node::{DROP_IN, RunOutput, Running, run_output};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The log line of a command that waits for the lock of another one.
const WAITS: &str = "; retrying in ";
/// The error without a file name while another command holds the lock.
const LOCKED: &str = "another eni-bootstrap process holds the lock ";
/// How often two commands are started at the same time on each host.
const RACES: usize = 4;

/// The states of a host.
struct States {
    older: State,
    configured: State,
    undone: State,
}

fn states(cluster: &Cluster, host: &Host) -> States {
    let older = older(cluster, &cluster.new_node(host).state());
    let node = cluster.node_in(&older);
    ok(&command(&node, "run"));
    let configured = node.state();
    ok(&command(&node, "undo"));
    States { older, configured, undone: node.state() }
}

fn command(node: &CrashNode<'_>, name: &str) -> RunOutput {
    run_output(node.command(&[name]).output().unwrap())
}

fn ok(output: &RunOutput) {
    assert_eq!(output.status, Some(0), "{}", output.stderr);
}

/// Runs `check` for every host in parallel, each with its own cluster.
fn on_each_host(check: impl Fn(&Cluster, &Host, &States) + Sync) {
    thread::scope(|scope| {
        for host in hosts() {
            let check = &check;
            scope.spawn(move || {
                let Some(cluster) = Cluster::start() else { return };
                let states = states(&cluster, &host);
                check(&cluster, &host, &states);
            });
        }
    });
}

/// The first command is a run that waits for its ENIConfig. The second one waits for the lock.
#[test]
fn the_second_command_waits_until_a_run_has_ended() {
    on_each_host(|cluster, host, states| {
        for (second, expected) in [("run", &states.configured), ("undo", &states.undone)] {
            let node = cluster.node_in(&states.older);
            cluster.remove_eni_config();
            let mut first = Running::new(node.command(&["run", "--fallback-wait=off"]));
            first.until("wait: ENIConfig us-west-2a not found; retrying");
            let mut waiting = Running::new(node.command(&[second]));
            let line = waiting.until(WAITS);
            assert!(line.contains(LOCKED), "{line}");
            cluster.create_eni_config();
            ok(&first.end());
            ok(&waiting.end());
            let differences = node.state().differences(expected);
            assert_eq!(differences, Vec::<String>::new(), "{}: {second}", host.name);
            print_line(format!(
                "{:<38} run, then {second}: waited for the lock, final state right",
                host.name
            ));
        }
    });
}

/// Neither command waits for the other one before it starts, so either may be the first.
#[test]
fn commands_that_start_together_end_in_the_state_of_the_last_one() {
    on_each_host(|cluster, host, states| {
        for second in ["run", "undo"] {
            let mut configured = 0;
            for _ in 0..RACES {
                let node = cluster.node_in(&states.older);
                let commands = ["run", second].map(|name| Running::new(node.command(&[name])));
                for command in commands {
                    ok(&command.end());
                }
                let state = node.state();
                let is_configured = state.differences(&states.configured).is_empty();
                configured += usize::from(is_configured);
                if !is_configured {
                    let differences = state.differences(&states.undone);
                    assert_eq!((differences, second), (Vec::new(), "undo"), "{}", host.name);
                }
            }
            print_line(format!(
                "{:<38} run and {second} together: {RACES} times right, {configured} times configured",
                host.name
            ));
        }
    });
}

/// The script that the packages run before they remove the binary. In a chroot without systemd, so the
/// script cannot stop the run.
#[test]
fn a_package_is_removed_while_a_run_waits() {
    let Some(cluster) = Cluster::start() else { return };
    let Some(node) = Node::new("crash_removal", Family::Al2023) else { return };
    let script = include_str!("../../../packaging/scripts/preremove.sh");
    node.write("preremove.sh", script);
    cluster.remove_eni_config();
    let run = format!(
        "mount -t proc proc /proc; eni-bootstrap run --imds-endpoint={} >/run.log 2>&1 & \
         until grep -q 'not found; retrying' /run.log; do sleep 0.05; done; \
         sh /preremove.sh remove >/removal.log 2>&1 & \
         until grep -q 'holds the lock' /removal.log; do sleep 0.05; done; touch /both; \
         wait %1 || echo run failed; wait %2 || echo removal failed",
        cluster.imds()
    );
    let both = node.path("both");
    let is_over = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            while !both.exists() && !is_over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
            }
            cluster.create_eni_config();
        });
        let verify = "ENI_BOOTSTRAP_ENI_CONFIG_VERIFY=false";
        let output = node.chroot(&["env", verify, "timeout", "600", "bash", "-c", &run]);
        is_over.store(true, Ordering::Relaxed);
        run_output(output)
    });
    let log = |name| fs::read_to_string(node.path(name)).unwrap_or_default();
    let logs = format!("{}\n{}", log("run.log"), log("removal.log"));
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), ""), "{logs}");
    assert!(log("run.log").ends_with("ready: the node is ready for the kubelet\n"), "{logs}");
    assert!(log("removal.log").contains(&format!("apply: /{DROP_IN} removed\n")), "{logs}");
    assert!(!node.path(DROP_IN).exists());
    assert!(fs::read_dir(node.path("var/lib/eni-bootstrap")).unwrap().next().is_none());
    print_line("a removal during a run: waited for the lock, nothing is left");
}
