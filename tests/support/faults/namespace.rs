//! Runs a case in its own user, network and mount namespaces, so that it can drop packets and mount file
//! systems.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::case::{Case, read_cases};
use super::outcome::{Outcome, run_case};
use crate::support::real_parts::{program, require_root, toxiproxy};

/// The folder of the case files, the case, and the file for its outcome, separated by line breaks.
const REQUEST: &str = "ENI_BOOTSTRAP_FAULT_CASE";
/// The test that runs one case in its namespaces.
const ENTRY: &str = "faults::matrix::one_case_in_its_namespaces";

/// Runs `case` in the namespaces that it needs. Returns `None` if a part is missing.
pub fn run(case: &Case) -> Option<Outcome> {
    if case.inject.iter().any(|it| it.tcp.is_some()) {
        toxiproxy()?;
    }
    for (name, package) in case.programs() {
        program(name, package)?;
    }
    if case.root {
        require_root()?;
    }
    if !case.needs_namespace() {
        return run_case(case);
    }
    let unshare = program("unshare", "util-linux")?;
    program("ip", "iproute2")?;
    program("iptables", "iptables")?;
    let folder = tempfile::tempdir().unwrap();
    let outcome = folder.path().join("outcome.json");
    let request = [
        case.file.parent().unwrap().display().to_string(),
        case.id(),
        outcome.display().to_string(),
    ];
    let mut command = Command::new(unshare);
    command.args(flags()?).args(["sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", ENTRY, "--ignored", "--nocapture"]);
    command.env(REQUEST, request.join("\n")).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    let output = command.output().unwrap();
    let Ok(text) = fs::read(&outcome) else {
        let log = String::from_utf8_lossy(&output.stderr);
        let problems =
            vec![format!("no outcome: {}\n{log}", String::from_utf8_lossy(&output.stdout))];
        return Some(Outcome { problems, ..Outcome::default() });
    };
    Some(serde_json::from_slice(&text).unwrap())
}

/// Returns the flags of `unshare`. Without root, it needs user namespaces.
fn flags() -> Option<&'static [&'static str]> {
    static FLAGS: OnceLock<Option<&[&str]>> = OnceLock::new();
    let works = |flags: &&&[&str]| {
        let mut command = Command::new("unshare");
        command.args(**flags).args([
            "sh",
            "-c",
            "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && iptables -S",
        ]);
        command.output().is_ok_and(|it| it.status.success())
    };
    let all: [&[&str]; 2] =
        [&["--net", "--mount"], &["--user", "--map-root-user", "--net", "--mount"]];
    let flags = *FLAGS.get_or_init(|| all.iter().find(works).copied());
    if flags.is_none() {
        crate::support::real_parts::not_run(
            "the permission to create network namespaces",
            "run the tests as root, or enable user namespaces",
        );
    }
    flags
}

/// Runs the case that the process with [`run`] has requested, in the namespaces of this process.
pub fn run_in_this_namespace() {
    #[expect(clippy::disallowed_methods, reason = "a request to a test process")]
    let request = std::env::var(REQUEST).expect("a request of the fault matrix");
    let [folder, id, outcome] = request.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let case = read_cases(Path::new(folder)).into_iter().find(|case| case.id() == id).unwrap();
    let result = run_case(&case).unwrap_or_else(|| Outcome {
        problems: vec!["a part is missing".to_owned()],
        ..Outcome::default()
    });
    let text = serde_json::to_vec(&result).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a file of the tests")]
    fs::write(outcome, text).unwrap();
}
