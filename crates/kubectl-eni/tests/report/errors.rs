//! Files that are not the result of a run, and the files that the command writes.

use super::{path, successful, without_version};
use crate::support::{result, run, run_with_input};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;

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
    let other = "error: standard input has the format version 2, but this program reads version 1\n  help: use the plugin of the release in the key eni-bootstrap-version of the file\n";
    assert_eq!(failure(&["-"], b"{\"format-version\": 2}"), (Some(65), other.to_owned()));
    let long = format!("{{\"format-version\": \"{}\"}}", "9".repeat(1000));
    let shortened = format!("\"{}…", "9".repeat(38));
    let expected = other.replace("version 2,", &format!("version {shortened},"));
    assert_eq!(failure(&["-"], long.as_bytes()), (Some(65), expected));
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

fn value(result: &str) -> Value {
    serde_json::from_slice(&fs::read(path(result)).unwrap()).unwrap()
}

#[test]
fn only_the_text_needs_each_key_of_the_plan() {
    let mut value = value("ready");
    value["plan"]["host"].as_object_mut().unwrap().remove("reason");
    let input = value.to_string();
    let text = run_with_input(["report", "-"], input.as_bytes());
    let expected = successful("ready", "text");
    let host = expected.lines().find(|line| line.starts_with("host ")).unwrap();
    let unknown = "host          nodeadm (unknown)";
    assert_eq!((text.status, text.stdout), (Some(0), expected.replace(host, unknown)));
    let expected = "error: the plan in standard input is incomplete\n  caused by: missing field `reason`\n  help: use `--output text`, or the plugin of the release in the key eni-bootstrap-version of the file\n";
    for format in ["html", "timeline", "interfaces"] {
        let output = failure(&["-", "--output", format], input.as_bytes());
        assert_eq!(output, (Some(65), expected.to_owned()), "{format}");
    }
}

#[test]
fn a_file_has_at_most_4_mib() {
    let mut input = value("ready").to_string().into_bytes();
    input.resize(4 << 20, b' ');
    let output = run_with_input(["report", "-"], &input);
    assert_eq!((output.status, output.stdout), (Some(0), successful("ready", "text")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("result.json");
    input.push(b' ');
    File::create(&file).unwrap().write_all(&input).unwrap();
    let name = file.to_str().unwrap();
    let expected = format!(
        "error: {name} is larger than 4 MiB\n  help: copy the complete file /run/eni-bootstrap/result.json from the node\n"
    );
    assert_eq!(failure(&[name], b""), (Some(65), expected));
}

#[test]
fn numbers_at_their_limits_are_shown() {
    let mut value = value("ready");
    value["duration-us"] = json!(u64::MAX);
    for list in ["phases", "requests"] {
        for item in value[list].as_array_mut().unwrap() {
            item["start-us"] = json!(u64::MAX);
            item["duration-us"] = json!(u64::MAX);
        }
    }
    for (key, number) in value["plan"]["capacity"].as_object_mut().unwrap() {
        if number.is_number() || key == "max_eni" {
            *number = json!(u32::MAX);
        }
    }
    let input = value.to_string();
    for (format, expected) in [
        ("text", "  and 4294967255 other interfaces\n"),
        ("html", "ready after 5124095576 h 2 min"),
        ("timeline", "Whole run, 5124095576 h 2 min"),
        ("interfaces", "and 4294967255 other interfaces"),
    ] {
        let output = run_with_input(["report", "-", "--output", format], input.as_bytes());
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{format}");
        assert!(output.stdout.contains(expected), "{format}: {}", output.stdout);
        assert!(output.stdout.len() < 200_000, "{format}: {}", output.stdout.len());
    }
}

#[test]
fn a_file_with_many_requests_is_drawn_in_a_short_time() {
    let mut value = value("ready");
    let request = value["requests"][0].clone();
    let requests = (0..20_000_u64).map(|number| {
        let mut request = request.clone();
        request["start-us"] = json!(number * 3);
        request["duration-us"] = json!(2);
        request["operation"] = json!("");
        request
    });
    value["requests"] = requests.collect();
    let input = value.to_string();
    assert!(input.len() < 4 << 20, "{}", input.len());
    let output = run_with_input(["report", "-", "--output", "html"], input.as_bytes());
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    assert_eq!(output.stdout.matches("◆ yes").count(), 20_000);
}

#[test]
fn a_text_of_the_file_cannot_change_what_a_terminal_shows() {
    let mut value = value("failed");
    value["error"]["message"] = json!("a\u{1b}[2Jb\u{202e}c");
    let output = run_with_input(["report", "-"], value.to_string().as_bytes());
    let line = output.stdout.lines().nth(1);
    assert_eq!(line, Some("error         a\\u{1b}[2Jb\\u{202e}c"));
    let (_, error) = failure(&["/a\u{1b}\u{2066}"], b"");
    assert_eq!(error.lines().next(), Some("error: failed to read /a\\u{1b}\\u{2066}"));
}

#[test]
fn unknown_keys_are_ignored() {
    let mut value = value("ready");
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
    // A device keeps its kind.
    let (device, null) = (folder.path().join("null"), std::path::Path::new("/dev/null"));
    symlink(null, &device).unwrap();
    let output = run(arguments.into_iter().chain([device.to_str().unwrap()]));
    assert_eq!(output, result(""));
    assert_eq!(fs::read_link(&device).unwrap(), null);
    let output = run(arguments.into_iter().chain(["/dev/stdout"]));
    assert_eq!(output.status, Some(0));
    assert_eq!(without_version(&output.stdout), successful("ready", "html"));
    // A file is not a directory.
    let below = to.join("report.html");
    let output = run(arguments.into_iter().chain([below.to_str().unwrap()]));
    assert_eq!(output.status, Some(73));
    assert!(output.stderr.starts_with("error: failed to write the report\n"), "{}", output.stderr);
}
