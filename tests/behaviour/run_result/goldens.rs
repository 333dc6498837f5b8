//! The whole result, report and metrics of a run that succeeds at once, a run that waits, and a run that fails. The
//! times are replaced, because they differ between runs.

use super::{Site, TIME_LIMIT, result};
use crate::support::golden::{expect_golden, golden};
use crate::support::node::{Node, Running, run_output};
use eni_core::run_result::{RunResult, metrics};
use serde_json::{Value, json};
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

/// Replaces the version and the times, and sorts the concurrent requests. Each phase takes 10 ms.
fn steady(mut result: Value, site: &Site) -> Value {
    let text = result.to_string().replace(&site.api.url(), "https://API");
    result = serde_json::from_str(&text).unwrap();
    result["eni-bootstrap-version"] = "0.0.0".into();
    result["started"] = "2026-01-01T00:00:00.000000Z".into();
    let phases = result["phases"].as_array_mut().unwrap();
    for (phase, start) in phases.iter_mut().zip((0..).step_by(10_000)) {
        (phase["start-us"], phase["duration-us"]) = (json!(start), json!(10_000));
    }
    result["duration-us"] = json!(phases.len() * 10_000);
    let requests = result["requests"].as_array_mut().unwrap();
    let key = |request: &Value| [&request["service"], &request["operation"]].map(Value::to_string);
    requests.sort_by_key(key);
    for (request, start) in requests.iter_mut().zip((0..).step_by(1000)) {
        (request["start-us"], request["duration-us"]) = (json!(start), json!(1500));
    }
    let waits = result["waits"].as_array_mut().unwrap();
    for (wait, start) in waits.iter_mut().zip((30_000..).step_by(10_000)) {
        (wait["start-us"], wait["duration-us"]) = (json!(start), json!(10_000));
    }
    result
}

/// Compares the result, the report and the metrics of the last run with the files `name`.
fn expect(site: &Site, name: &str) {
    let path = |ending: &str| golden().join(format!("result/{name}.{ending}"));
    let steady = RunResult::parse(&steady(result(&site.node), site).to_string()).unwrap();
    let json = steady.to_text().unwrap();
    expect_golden(&path("json"), &json);
    let file = site.node.file("steady.json", &json);
    let report = site.node.run(["report".as_ref(), file.as_os_str()]);
    assert_eq!((report.status, report.stderr.as_str()), (Some(0), ""), "{name}");
    expect_golden(&path("txt"), &report.stdout);
    let pasted = |line: &&str| line.contains('`');
    let is_long = |line: &&str| line.chars().count() > 100 && !pasted(line);
    assert_eq!(report.stdout.lines().find(is_long), None);
    let text = metrics::text(&steady);
    expect_golden(&path("prom"), &text);
    let written = site.node.read("metrics/eni_bootstrap.prom").unwrap();
    let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
    let written = written.replace(version, "version=\"0.0.0\"");
    assert_eq!(without_values(&written), without_values(&text));
}

/// Returns the metrics without their values, which contain times.
fn without_values(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.rsplit_once(' ').unwrap().0).collect()
}

const METRICS: &str = "--metrics-dir=/metrics";

#[test]
fn a_run_that_succeeds_at_once() {
    let site = Site::new();
    site.create_eni_config();
    let output = site.run(&[METRICS]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    expect(&site, "ready");
    let metrics = site.node.root().join("metrics");
    let names: Vec<_> =
        metrics.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["eni_bootstrap.prom"], "no temporary file");
    let file = File::open(metrics.join("eni_bootstrap.prom")).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o644);
}

#[test]
fn a_run_that_waits() {
    let site = Site::new();
    let run = Running::new(site.command(&[METRICS, "--eni-config-verify=false"]));
    assert!(site.api.wait_for("watch", 1, TIME_LIMIT));
    site.create_eni_config();
    let output = run.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    expect(&site, "waited");
}

#[test]
fn a_run_that_fails() {
    let site = Site::new();
    let output = site.run(&[METRICS, "--eni-config-wait=0"]);
    assert_eq!(output.status, Some(75), "{}", output.stderr);
    expect(&site, "failed");
}

#[test]
fn report_reads_a_file_and_standard_input() {
    let file = golden().join("result/ready.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let node = Node::empty();
    let expected = std::fs::read_to_string(golden().join("result/ready.txt")).unwrap();
    let mut command = node.command(["report", "-"]);
    command.stdin(Stdio::from(File::open(&file).unwrap()));
    assert_eq!(run_output(command.output().unwrap()).stdout, expected);
    let mut command = node.command(["report", "--output=json", "-"]);
    command.stdin(Stdio::from(File::open(&file).unwrap()));
    assert_eq!(run_output(command.output().unwrap()).stdout, text);
    // The keys of a later version are printed, too.
    let later = text.replacen("{\n", "{\n  \"new-key\": [1.50],\n", 1);
    let file = node.file("later.json", &later);
    let printed = node.run(["report".as_ref(), "--output=json".as_ref(), file.as_os_str()]);
    assert_eq!((printed.stdout, printed.status), (later, Some(0)));
    node.file("run/eni-bootstrap/result.json", &text);
    assert_eq!(node.run(["report"]).stdout, expected);
}
