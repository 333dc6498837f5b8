//! The metrics of a run follow the conventions of Prometheus, by the rules of promtool.

use crate::support::golden::golden;
use crate::support::real_parts::promlint;
use std::fs::File;
use std::process::{Command, Stdio};

#[test]
fn promtool_has_no_objection_to_the_metrics() {
    let Some(program) = promlint() else { return };
    let lint = |input: Stdio| {
        let output = Command::new(&program).stdin(input).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    // `tests/behaviour/run_result/goldens.rs` compares these files with the output of the program.
    for name in ["ready", "waited", "failed"] {
        let file = File::open(golden().join(format!("result/{name}.prom"))).unwrap();
        assert_eq!(lint(file.into()), (Some(0), String::new()), "{name}");
    }
    let wrong = tempfile::NamedTempFile::new().unwrap();
    let text = "# HELP a_total B.\n# TYPE a_total gauge\na_total 1\n";
    std::io::Write::write_all(&mut wrong.as_file(), text.as_bytes()).unwrap();
    let problem = "a_total: non-counter metrics should not have \"_total\" suffix\n";
    assert_eq!(lint(wrong.reopen().unwrap().into()), (Some(1), problem.to_owned()));
}
