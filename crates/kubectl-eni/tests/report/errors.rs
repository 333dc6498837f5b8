//! Files that are not the result of a run, and the files that the command writes.

use super::{path, successful, without_version};
use crate::support::{run, run_with_input};
use serde_json::{Value, json};
use std::fs;

fn failure(arguments: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let output = run_with_input([&["report"], arguments].concat(), input);
    assert_eq!(output.stdout, "");
    (output.status, output.stderr)
}

#[test]
fn another_file_is_an_error_with_help() {
    let copy = "  help: copy the complete file /run/eni-bootstrap/result.json from the node\n";
    for (input, expected) in [
        (
            &b"{"[..],
            "error: standard input is not a result of eni-bootstrap\n  caused by: EOF while parsing an object at line 1 column 1\n",
        ),
        (
            b"{}",
            "error: standard input is not a result of eni-bootstrap\n  caused by: missing field `format-version`\n",
        ),
        (
            b"{\"format-version\": 1}",
            "error: standard input is not a result of eni-bootstrap\n  caused by: missing field `eni-bootstrap-version`\n",
        ),
        (
            b"\"\xff\"",
            "error: standard input is not a result of eni-bootstrap\n  caused by: invalid utf-8 sequence of 1 bytes from index 1\n",
        ),
    ] {
        let expected = format!("{expected}{copy}");
        assert_eq!(failure(&["-"], input), (Some(65), expected), "{input:?}");
    }
    let other = "error: standard input has the format version 2, but this program reads version 1\n  help: use the plugin of the release that is on the node: `eni-bootstrap --version`\n";
    assert_eq!(failure(&["-"], b"{\"format-version\": 2}"), (Some(65), other.to_owned()));
    let missing = "error: failed to read /nonexistent.json\n  caused by: No such file or directory (os error 2)\n  help: pass a copy of /run/eni-bootstrap/result.json, or `-` to read it from standard input\n";
    assert_eq!(failure(&["/nonexistent.json"], b""), (Some(73), missing.to_owned()));
}

#[test]
fn a_run_without_a_plan_has_no_picture_of_the_interfaces() {
    let file = path("no-metadata");
    let expected = "error: the run failed before the calculation of max-pods, so there is no picture of the network interfaces\n  help: use `--output text` to see the error of the run\n";
    let arguments = [file.to_str().unwrap(), "--output", "interfaces"];
    assert_eq!(failure(&arguments, b""), (Some(65), expected.to_owned()));
}

#[test]
fn unknown_keys_are_ignored() {
    let mut value: Value = serde_json::from_slice(&fs::read(path("ready")).unwrap()).unwrap();
    value["later"] = json!(1);
    value["plan"]["capacity"]["later"] = json!([]);
    value["requests"][0]["later"] = json!("a");
    let output = run_with_input(["report", "-"], value.to_string().as_bytes());
    assert_eq!(output.stdout, successful("ready", "text"));
}

#[test]
fn to_writes_a_file_and_prints_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("report.html");
    let file = path("ready");
    let arguments = ["report", file.to_str().unwrap(), "--output=html", "--to"];
    let output = run(arguments.into_iter().chain([to.to_str().unwrap()]));
    assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (Some(0), "", ""));
    let written = without_version(&fs::read_to_string(&to).unwrap());
    assert_eq!(written, successful("ready", "html"));
    // A file is not a directory.
    let below = to.join("report.html");
    let output = run(arguments.into_iter().chain([below.to_str().unwrap()]));
    assert_eq!(output.status, Some(73));
    assert!(output.stderr.starts_with("error: failed to write the report\n"), "{}", output.stderr);
}
