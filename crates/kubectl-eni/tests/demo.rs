//! The demo of `make demo-operator`.

use eni_bootstrap_sandbox::{OperatorSandbox, fleet};
use std::path::Path;
use std::process::Command;

#[test]
fn the_demo_finds_the_wrong_nodes_and_the_full_subnet() {
    let folder = tempfile::tempdir().unwrap();
    let _sandbox = OperatorSandbox::start(folder.path()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/demo-operator.sh");
    let mut command = Command::new(script);
    command.env("READY", folder.path().join("ready"));
    command.env("KUBECTL_ENI", env!("CARGO_BIN_EXE_kubectl-eni"));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    crate::support::expect_golden("demo.txt", &text);
    // kubectl and AWS commands are on one line, so that they can be copied.
    let is_command =
        |line: &str| ["kubectl ", "aws ", "$ "].iter().any(|it| line.trim_start().starts_with(it));
    let long = text.lines().filter(|line| line.chars().count() > 100 && !is_command(line));
    assert_eq!(long.collect::<Vec<_>>(), Vec::<&str>::new());
    let wrong = fleet::WRONG
        .map(|(number, verdict)| (fleet::FleetNode::new(number, "m5.large").name(), verdict));
    for (name, verdict) in wrong {
        assert!(text.contains(&format!("{name}: wrong: {verdict}\n")), "{name}");
    }
    assert_eq!(text.matches(": wrong: ").count(), 6);
}
