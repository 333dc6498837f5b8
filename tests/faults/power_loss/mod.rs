//! A power loss during and after a command: every image of the disk that it can leave has whole files.

mod scenario;

use crate::support::faults::power_loss::image::FileSystem;
use crate::support::faults::power_loss::recorder;
use crate::support::faults::power_loss::traced::{execute, strace};
use crate::support::node::{in_cluster, ready_api};
use crate::support::real_parts::program;
use scenario::{Change, Flushes, Host, Report, Scenario};
use std::fs;
use std::io::{Write as _, stdout};
use std::time::Instant;

#[test]
fn after_a_power_loss_every_file_on_ext4_is_the_old_or_the_new_one() {
    every_file_is_old_or_new(FileSystem::Ext4, &[Host::Kubeadm, Host::Snap, Host::Al2023]);
}

#[test]
fn after_a_power_loss_every_file_on_xfs_is_the_old_or_the_new_one() {
    every_file_is_old_or_new(FileSystem::Xfs, &[Host::Al2023, Host::Al2]);
}

fn every_file_is_old_or_new(file_system: FileSystem, hosts: &[Host]) {
    let Some(()) = recorder::supports(file_system) else { return };
    let mut surprises = Vec::new();
    for host in hosts {
        for change in [Change::FirstRun, Change::Update, Change::Undo, Change::UndoAfterKilledUndo]
        {
            let scenario =
                Scenario { file_system, host: *host, change, flushes: Flushes::Executed };
            surprises.extend(replay(scenario).surprises);
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

/// ext4 and XFS flush the parents of a new directory together with it. Other file systems may not.
#[test]
fn a_run_flushes_every_file_its_directory_and_the_parents_of_new_directories() {
    let Some(_) = program("strace", "strace") else { return };
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let log = node.root().join("strace");
    let output = execute(strace(&node.command(["run"]), &log, &["-y", "-e", "trace=fsync"]));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let root = node.root().to_str().unwrap();
    let calls = fs::read_to_string(&log).unwrap();
    let paths = calls.lines().filter_map(|call| call.split_once('<')?.1.split_once('>'));
    let flushed: Vec<_> = paths.map(|(path, _)| path.strip_prefix(root).unwrap()).collect();
    let records = "/var/lib/eni-bootstrap";
    assert_eq!(
        flushed,
        [
            "/var/lib/eni-bootstrap/.configured-for.json.eni-bootstrap-partial",
            records,
            "/var/lib",
            "/var",
            "",
            "/etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial",
            "/etc/eks/nodeadm.d",
            "/etc/eks",
            "/etc",
            "/var/lib/eni-bootstrap/.last-run.json.eni-bootstrap-partial",
            records,
        ]
    );
}

/// On a disk that does not execute flushes, a run loses what it reported as written, and leaves empty files.
/// The next run replaces them.
#[test]
fn missing_flushes_are_found_and_the_next_run_repairs_the_files() {
    for file_system in [FileSystem::Ext4, FileSystem::Xfs] {
        let Some(()) = recorder::supports(file_system) else { return };
        let (host, flushes) = (Host::Al2023, Flushes::Skipped);
        let change = Change::FirstRun;
        let report = replay(Scenario { file_system, host, change, flushes });
        let count = |end| report.surprises.iter().filter(|it| it.ends_with(end)).count();
        for surprise in [
            "configured-for.json is not the new file after the end of the command: missing",
            "90-eni-bootstrap.yaml is not whole: 0 bytes with mode 644",
        ] {
            assert_ne!(count(surprise), 0, "{surprise:?} in {:#?}", report.surprises);
        }
        let later = report.surprises.iter().filter(|it| it.contains("the next command"));
        assert_eq!(later.collect::<Vec<_>>(), Vec::<&String>::new());
    }
}

/// Replays a scenario and prints its line of the table.
fn replay(scenario: Scenario) -> Report {
    let started = Instant::now();
    let report = scenario.replay();
    let line = format!(
        "power loss: {:10} {:24} {:5} flushes {:9} {:3} flushes, {:4} images, {:3} states, {:3} surprises, {:4.1} s\n",
        format!("{:?}", scenario.host),
        format!("{:?}", scenario.change),
        scenario.file_system.name(),
        format!("{:?}", scenario.flushes),
        report.flushes,
        report.images,
        report.states,
        report.surprises.len(),
        started.elapsed().as_secs_f32()
    );
    stdout().write_all(line.as_bytes()).unwrap();
    report
}
