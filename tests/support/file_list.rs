//! A list of the files of a node, to compare before and after a change.

use crate::support::packages::stdout_of_success;
use std::collections::BTreeSet;
use std::process::Output;

/// Paths that change without the package: kernel file systems, package manager databases, logs, the
/// files of each boot, and the packages that the tests copy to `/root`.
const IGNORED: &str =
    "/(dev|proc|sys|run|tmp|root|var/(log|cache|tmp|lib/(dpkg|rpm|systemd|private)))(/.*)?";

/// Returns a line for each file of the root: type, mode, owner, path and, for a symlink, target. `run`
/// runs a command on the node.
pub fn file_list(run: impl Fn(&[&str]) -> Output) -> BTreeSet<String> {
    let find = ["find", "/", "-xdev", "-regextype", "posix-extended", "-regex", IGNORED, "-prune"];
    let print = ["-o", "-printf", "%y %m %u:%g %p %l\\n"];
    let output = run(&[&find[..], &print].concat());
    stdout_of_success(&output).lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Returns the added lines and the removed lines.
pub fn difference(before: &BTreeSet<String>, after: &BTreeSet<String>) -> [Vec<String>; 2] {
    [after.difference(before).cloned().collect(), before.difference(after).cloned().collect()]
}
