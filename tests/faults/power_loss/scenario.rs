//! A command on a host, and the images of the disk that a power loss can leave.

use crate::behaviour::hosts::{kubeadm, ubuntu};
use crate::support::faults::power_loss::file_tree::{self, FileTree};
use crate::support::faults::power_loss::image::FileSystem;
use crate::support::faults::power_loss::recorder::Recorder;
use crate::support::faults::power_loss::traced::{execute, strace};
use crate::support::faults::power_loss::write_log::CrashImage;
use crate::support::node::{Node, RESULT, RunOutput, imds_with, ready_api};
use crate::support::real_parts::tmpfs;
use eni_bootstrap_sandbox::{Imds, KubernetesApi};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::Path;
use std::process::Command;

const MARKER: &str = "var/lib/eni-bootstrap/configured-for.json";
const RECORD: &str = "var/lib/eni-bootstrap/last-run.json";
const LOCK: &str = "run/eni-bootstrap/lock";
/// The temporary file of the result. eni-bootstrap does not flush the result, because `/run` is empty after a boot.
const RESULT_DRAFT: &str = "run/eni-bootstrap/.result.json.eni-bootstrap-partial";
/// A file of another program, which flushes it after the command.
const OTHER_PROGRAM: &str = "other-program";
/// The files of the `snap` stand-in.
const SNAP_OPTION: &str = "args";
const SNAP_DRAFT: &str = "args.new";

/// A host on which eni-bootstrap writes files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Al2023,
    Al2,
    Kubeadm,
    /// eni-bootstrap writes only its record and its marker; snapd stores the arguments.
    Snap,
}

/// What the command changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `run` on a new node.
    FirstRun,
    /// `run` after a run with another max-pods.
    Update,
    /// `undo` after a run.
    Undo,
    /// `undo` after an `undo` that was killed before its last flush.
    UndoAfterKilledUndo,
}

/// Whether the kernel executes the flushes of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushes {
    Executed,
    /// fsync and fdatasync return 0 and do nothing.
    Skipped,
}

#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub file_system: FileSystem,
    pub host: Host,
    pub change: Change,
    pub flushes: Flushes,
}

/// The result of a replay.
pub struct Report {
    pub flushes: usize,
    pub images: usize,
    /// The number of different sets of files in the images.
    pub states: usize,
    pub surprises: Vec<String>,
}

impl Host {
    fn node(self, api: &KubernetesApi) -> (Node, Imds) {
        let with_imds = |node: Node| {
            let imds = imds_with(api.node_config());
            (node.with("--imds-endpoint", imds.endpoint()), imds)
        };
        match self {
            Self::Al2023 => with_imds(Node::al2023()),
            Self::Al2 => with_imds(Node::al2()),
            Self::Kubeadm => {
                let (node, imds) = kubeadm(api);
                node.file("etc/default/kubelet", "KUBELET_EXTRA_ARGS=--v=2\n");
                (node, imds)
            }
            Self::Snap => ubuntu(api, Some("--v=2\n")),
        }
    }
}

impl Change {
    fn arguments(self) -> [&'static str; 1] {
        match self {
            Self::FirstRun | Self::Update => ["run"],
            Self::Undo | Self::UndoAfterKilledUndo => ["undo"],
        }
    }
}

impl Scenario {
    /// Executes the command on a recorded disk, and checks each image that a power loss can leave.
    pub fn replay(self) -> Report {
        let api = ready_api();
        let (node, _imds) = self.host.node(&api);
        match self.change {
            Change::FirstRun => {}
            Change::Update => assert_success(&execute(command(&node, &["run", "--pods-max=11"]))),
            Change::Undo | Change::UndoAfterKilledUndo => {
                assert_success(&execute(command(&node, &["run"])));
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let _tmpfs = tmpfs(folder.path(), "size=1g", &[]).unwrap();
        let old = file_tree::read(node.root());
        let recorder = Recorder::start(self.file_system, node.root(), folder.path());
        if self.change == Change::UndoAfterKilledUndo {
            // The second flush of this directory follows the removal of the marker.
            let kill = ["-P", "var/lib/eni-bootstrap", "-e", "inject=fsync:signal=KILL:when=2"];
            let mut killed = strace(&command(&node, &["undo"]), Path::new("/dev/null"), &kill);
            assert_eq!(execute(killed.current_dir(node.root())).status, None);
        }
        let mut wanted = command(&node, &self.change.arguments());
        if self.flushes == Flushes::Skipped {
            wanted = strace(
                &wanted,
                Path::new("/dev/null"),
                &["-e", "inject=fsync,fdatasync,syncfs:retval=0"],
            );
        }
        let output = execute(wanted);
        let end = recorder.position();
        assert_success(&output);
        let new = file_tree::read(node.root());
        File::create(node.root().join(OTHER_PROGRAM)).unwrap().sync_all().unwrap();
        let log = recorder.finish(end);
        let steps = self.steps(&output, &old, &new);
        let mut replay = Replay {
            scenario: self,
            node: &node,
            old,
            new,
            steps,
            seen: HashSet::new(),
            surprises: Vec::new(),
        };
        let mut images = 0;
        log.for_each_image(|image| {
            images += 1;
            replay.check(&image, &folder.path().join("image"));
        });
        let Replay { seen, surprises, .. } = replay;
        Report { flushes: log.flushes(), images, states: seen.len(), surprises }
    }

    /// Returns the files that the command changed, in the order of the changes.
    fn steps(self, output: &RunOutput, old: &FileTree, new: &FileTree) -> Vec<String> {
        let applied = output.stderr.lines().filter_map(|line| {
            let (target, outcome) = line.strip_prefix("apply: ")?.rsplit_once(' ')?;
            let is_snap = target == "snap kubelet-eks option args";
            let file = if is_snap { SNAP_OPTION } else { target.strip_prefix('/')? };
            ["written", "removed"].contains(&outcome).then(|| file.to_owned())
        });
        let mut steps: Vec<_> = applied.collect();
        if self.change.arguments() == ["run"] {
            steps.insert(0, MARKER.to_owned());
            steps.push(RECORD.to_owned());
        }
        steps.retain(|file| old.get(file) != new.get(file));
        steps
    }
}

/// The expected files of the images.
struct Replay<'a> {
    scenario: Scenario,
    node: &'a Node,
    old: FileTree,
    new: FileTree,
    steps: Vec<String>,
    /// The files of the images so far.
    seen: HashSet<FileTree>,
    surprises: Vec<String>,
}

impl Replay<'_> {
    /// Mounts an image on the root of the node and checks its files.
    fn check(&mut self, crash: &CrashImage, file: &Path) {
        crash.image.save(file);
        let name = &crash.name;
        let mounted = match self.scenario.file_system.mount(file, self.node.root()) {
            Ok(mounted) => mounted,
            Err(error) => return self.report(name, &format!("failed to mount: {error}")),
        };
        let mut files = file_tree::read(self.node.root());
        files.remove(OTHER_PROGRAM);
        for surprise in self.surprises_in(&files, crash.after_end) {
            self.report(name, &surprise);
        }
        if self.seen.insert(files) {
            let output = execute(command(self.node, &self.scenario.change.arguments()));
            if output.status != Some(0) {
                self.report(name, &format!("the next command failed: {}", output.stderr));
            }
            let (next, new) = (stable(file_tree::read(self.node.root())), stable(self.new.clone()));
            for path in next.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                if next.get(path) != new.get(path) {
                    let state = file_tree::describe(next.get(path));
                    self.report(name, &format!("{path} is wrong after the next command: {state}"));
                }
            }
        }
        drop(mounted);
    }

    fn report(&mut self, image: &str, surprise: &str) {
        let Scenario { file_system, host, change, .. } = self.scenario;
        self.surprises
            .push(format!("{host:?}, {change:?}, {}, {image}: {surprise}", file_system.name()));
    }

    /// Returns what is wrong with the files of an image.
    fn surprises_in(&self, files: &FileTree, after_end: bool) -> Vec<String> {
        let mut surprises = Vec::new();
        let paths: BTreeSet<_> =
            files.keys().chain(self.old.keys()).chain(self.new.keys()).collect();
        for path in paths {
            let is_draft = path.ends_with(".eni-bootstrap-partial") || path == SNAP_DRAFT;
            let is_result = path == RESULT || path == RESULT_DRAFT;
            if path == LOCK || is_result || is_draft && !after_end {
                continue;
            }
            let (now, old, new) = (files.get(path), self.old.get(path), self.new.get(path));
            let state = file_tree::describe(now);
            if now != old && now != new {
                surprises.push(format!("{path} is not whole: {state}"));
            } else if after_end && now != new {
                surprises.push(format!(
                    "{path} is not the new file after the end of the command: {state}"
                ));
            }
        }
        let is_new = |path: &&String| files.get(*path) == self.new.get(*path);
        let first_old = self.steps.iter().position(|path| !is_new(&path));
        let later = &self.steps[first_old.unwrap_or(self.steps.len())..];
        if let Some(path) = later.iter().find(is_new) {
            surprises.push(format!("{path} changed before {}", later[0]));
        }
        surprises
    }
}

/// Returns the files without the lock, the result and the time of the record. The next command removes the temporary file
/// of the result.
fn stable(mut files: FileTree) -> FileTree {
    let ignored = [LOCK, RESULT, OTHER_PROGRAM, SNAP_DRAFT];
    files.retain(|path, _| !ignored.contains(&path.as_str()));
    if let Some(record) = files.get_mut(RECORD)
        && let Ok(Value::Object(mut fields)) = serde_json::from_slice(&record.contents)
    {
        fields.remove("time");
        record.contents = serde_json::to_vec(&fields).unwrap();
    }
    files
}

fn assert_success(output: &RunOutput) {
    assert_eq!(output.status, Some(0), "{}", output.stderr);
}

/// Returns a command of eni-bootstrap that finds the `snap` stand-in.
fn command(node: &Node, arguments: &[&str]) -> Command {
    let mut command = node.command(arguments);
    command.env("PATH", format!("{}/bin:/usr/bin:/bin", node.root().display()));
    command
}
