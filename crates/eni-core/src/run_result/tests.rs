use super::*;
use crate::diagnostic::{Code, Diagnostic};
use serde_json::json;
use std::time::{Duration, UNIX_EPOCH};

fn phase(name: PhaseName, start_us: u64, duration_us: u64) -> Phase {
    Phase { name, start_us, duration_us }
}

fn request(service: Service, operation: &str, times: (u64, u64), result: &str) -> Request {
    let (operation, result) = (operation.to_owned(), result.to_owned());
    Request { service, operation, start_us: times.0, duration_us: times.1, result }
}

/// The result of a run that failed after a wait, without a plan.
fn failed() -> RunResult {
    let not_found = Diagnostic::failed(
        Code::EniConfigNotFound,
        "ENIConfig \"us-west-2a\" not found",
        "create it:\nkubectl apply -f - <<'EOF'\nkind: ENIConfig\nEOF",
    );
    RunResult {
        eni_bootstrap_version: "0.1.0".to_owned(),
        outcome: Outcome::Failed,
        exit_code: 75,
        duration_us: 3_060_000,
        error: Some(RunError {
            message: "the node is not ready for the kubelet".to_owned(),
            causes: vec!["timed out after 3s waiting for ENIConfig us-west-2a".to_owned()],
            help: Some("create the ENIConfig".to_owned()),
        }),
        eni_config: Some(EniConfigResult::in_state(
            &"us-west-2a".parse().unwrap(),
            EniConfigState::NotReady,
        )),
        checks: vec![CheckResult::from(&not_found)],
        phases: vec![
            phase(PhaseName::Instance, 0, 40_000),
            phase(PhaseName::Wait, 40_000, 1_000_000),
            phase(PhaseName::Verify, 1_040_000, 20_000),
            phase(PhaseName::Wait, 1_060_000, 2_000_000),
        ],
        requests: vec![
            request(Service::Imds, "PUT /latest/api/token", (0, 10_000), "200"),
            request(Service::Imds, "GET /latest/user-data", (10_000, 10_000), "404"),
            request(Service::Kubernetes, "GET /a", (30_000, 10_000), Request::NO_RESPONSE),
            request(Service::Kubernetes, "GET /a", (40_000, 10_000), "403"),
        ],
        waits: vec![WaitState {
            target: "ENIConfig us-west-2a".to_owned(),
            reason: "ENIConfig us-west-2a not found".to_owned(),
            start_us: 50_000,
            duration_us: 3_010_000,
        }],
        ..RunResult::new(UNIX_EPOCH + Duration::from_micros(1_795_387_513_123_456))
    }
}

#[test]
fn a_result_has_every_key_of_the_documented_format() {
    let value = serde_json::to_value(RunResult {
        phases: Vec::new(),
        requests: failed().requests[..1].to_vec(),
        ..failed()
    });
    assert_eq!(
        value.unwrap(),
        json!({
            "format-version": 1,
            "eni-bootstrap-version": "0.1.0",
            "outcome": "failed",
            "exit-code": 75,
            "started": "2026-11-22T22:45:13.123456Z",
            "duration-us": 3_060_000,
            "error": {
                "message": "the node is not ready for the kubelet",
                "causes": ["timed out after 3s waiting for ENIConfig us-west-2a"],
                "help": "create the ENIConfig",
            },
            "plan": null,
            "changes": [],
            "eni-config": {
                "name": "us-west-2a", "state": "not-ready", "subnet": null, "security-groups": [],
            },
            "checks": [{
                "code": "eniconfig-not-found", "severity": "failed", "subject": "ENIConfig",
                "text": "ENIConfig \"us-west-2a\" not found",
                "help": "create it:\nkubectl apply -f - <<'EOF'\nkind: ENIConfig\nEOF",
            }],
            "phases": [],
            "requests": [{
                "service": "imds", "operation": "PUT /latest/api/token",
                "start-us": 0, "duration-us": 10_000, "result": "200",
            }],
            "waits": [{
                "target": "ENIConfig us-west-2a", "reason": "ENIConfig us-west-2a not found",
                "start-us": 50_000, "duration-us": 3_010_000,
            }],
        })
    );
}

#[test]
fn a_result_is_the_same_after_it_was_written_and_read() {
    let text = failed().to_text().unwrap();
    assert_eq!(RunResult::parse(&text).unwrap(), failed());
    assert!(text.starts_with("{\n  \"format-version\": 1,\n") && text.ends_with("\n}\n"), "{text}");
}

#[test]
fn another_format_version_and_another_file_are_rejected() {
    let message = |text: &str| {
        let error = RunResult::parse(text).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::InvalidData);
        (error.to_string(), error.help().into_owned())
    };
    let text =
        failed().to_text().unwrap().replace("\"format-version\": 1", "\"format-version\": 2");
    let (version, help) = message(&text);
    assert_eq!(version, "format version 2 of the result is not supported");
    assert!(help.starts_with("use the version of eni-bootstrap that wrote"), "{help}");
    for text in ["", "[]", "{}", "{\"format-version\": 1}"] {
        assert_eq!(message(text).0, "the text is not the result of a run", "{text}");
    }
}

#[test]
fn a_later_attempt_that_changes_nothing_keeps_the_first_effect() {
    use ChangeOutcome::{Removed, Unchanged, Written};
    let mut result = failed();
    let change = |target: &str, outcome| ChangeResult { target: target.to_owned(), outcome };
    for (target, outcome) in
        [("/a", Written), ("/b", Unchanged), ("/a", Unchanged), ("/b", Removed)]
    {
        result.add_change(change(target, outcome));
    }
    assert_eq!(result.changes, [change("/a", Written), change("/b", Removed)]);
}

#[test]
fn the_diagnostics_of_the_plan_and_the_checks_are_in_the_order_of_their_severity() {
    let passed = CheckResult::from(&Diagnostic::ok(Code::SubnetOk, "subnet-1"));
    let note = |severity: &str| json!({ "code": severity, "severity": severity, "subject": "a", "text": "b" });
    let notes = ["info", "warning", "skipped"].map(note);
    let unreadable = note("fatal");
    let plan = json!({ "diagnostics": [&notes[0], &unreadable, &notes[1], &notes[2]] });
    let checks = [vec![passed], failed().checks].concat();
    let result = RunResult { plan: Some(plan), checks, ..failed() };
    let codes: Vec<String> = result.diagnostics().into_iter().map(|it| it.code).collect();
    assert_eq!(codes, ["eniconfig-not-found", "warning", "skipped", "info", "subnet-ok"]);
}

#[test]
fn the_report_of_a_run_without_a_plan() {
    let expected = format!(
        "\
outcome       failed: the node is not ready for the kubelet (exit code 75)
error         the node is not ready for the kubelet
caused by     timed out after 3s waiting for ENIConfig us-west-2a
help          create the ENIConfig
started       2026-11-22T22:45:13.123456Z, took 3.1 s
version       eni-bootstrap 0.1.0
ENIConfig     us-west-2a not ready

timeline: 3.1 s, one column is 51.0 ms
  instance       40.0 ms  █
  wait             3.0 s  {wait}
  verify         20.0 ms  {verify}█
  requests
  imds                 2  ▒
  kubernetes           2  ▒{space}  2 failed
  waits
  not ready        3.0 s  {not_ready}
      ENIConfig us-west-2a not found
  4 requests; the longest sequence without overlap has 4 requests

diagnostics
  failed    eniconfig-not-found (ENIConfig)
            ENIConfig \"us-west-2a\" not found
            → create it:
kubectl apply -f - <<'EOF'
kind: ENIConfig
EOF
",
        wait = "█".repeat(60),
        verify = " ".repeat(20),
        space = " ".repeat(59),
        not_ready = "░".repeat(60),
    );
    assert_eq!(text(&failed()), expected);
}

#[test]
fn every_line_of_the_timeline_has_at_most_100_columns() {
    let failed_request = request(Service::Kubernetes, "GET /a", (0, 3_060_000), "503");
    let result = RunResult { requests: vec![failed_request; 1000], ..failed() };
    let text = text(&result);
    let line = text.lines().find(|line| line.starts_with("  kubernetes")).unwrap();
    assert_eq!(line, format!("  kubernetes        1000  {}  1000 failed", "▒".repeat(60)));
    assert_eq!(text.lines().find(|line| line.chars().count() > 100), None);
}

#[test]
fn a_line_break_in_a_value_does_not_start_a_line_of_the_report() {
    let forged = "a\noutcome       ready";
    let mut result = RunResult { eni_bootstrap_version: forged.to_owned(), ..failed() };
    result.error = Some(RunError {
        message: forged.to_owned(),
        causes: vec![forged.to_owned()],
        help: Some("create it:\nkubectl apply".to_owned()),
    });
    result.changes =
        vec![ChangeResult { target: forged.to_owned(), outcome: ChangeOutcome::Written }];
    result.waits[0].reason = forged.to_owned();
    result.checks[0] = CheckResult {
        code: forged.to_owned(),
        severity: result.checks[0].severity,
        subject: forged.to_owned(),
        text: forged.to_owned(),
        help: None,
    };
    let text = text(&result);
    let outcomes: Vec<&str> = text.lines().filter(|line| line.starts_with("outcome")).collect();
    assert_eq!(
        outcomes,
        ["outcome       failed: the node is not ready for the kubelet (exit code 75)"]
    );
    let start = "\
outcome       failed: the node is not ready for the kubelet (exit code 75)
error         a outcome       ready
caused by     a outcome       ready
help          create it:
kubectl apply
";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn a_clock_before_1970_starts_a_run_in_1970() {
    let result = RunResult::new(UNIX_EPOCH - Duration::from_secs(1));
    assert_eq!(result.started, UNIX_EPOCH);
    assert!(result.to_text().unwrap().contains("\"started\": \"1970-01-01T00:00:00.000000Z\""));
}

#[test]
fn the_metrics_of_a_run_without_a_plan() {
    assert_eq!(
        metrics::text(&failed()),
        "\
# HELP eni_bootstrap_build_info Version of eni-bootstrap. The value is always 1.
# TYPE eni_bootstrap_build_info gauge
eni_bootstrap_build_info{version=\"0.1.0\"} 1
# HELP eni_bootstrap_run_success Whether the last run succeeded, so that the node is ready for the kubelet.
# TYPE eni_bootstrap_run_success gauge
eni_bootstrap_run_success 0
# HELP eni_bootstrap_run_exit_code Exit code of the last run.
# TYPE eni_bootstrap_run_exit_code gauge
eni_bootstrap_run_exit_code 75
# HELP eni_bootstrap_run_start_timestamp_seconds Time at which the last run started, in seconds since the Unix epoch.
# TYPE eni_bootstrap_run_start_timestamp_seconds gauge
eni_bootstrap_run_start_timestamp_seconds 1795387513.123456
# HELP eni_bootstrap_run_duration_seconds Duration of the last run.
# TYPE eni_bootstrap_run_duration_seconds gauge
eni_bootstrap_run_duration_seconds 3.06
# HELP eni_bootstrap_run_phase_duration_seconds Duration of each phase of the last run.
# TYPE eni_bootstrap_run_phase_duration_seconds gauge
eni_bootstrap_run_phase_duration_seconds{phase=\"instance\"} 0.04
eni_bootstrap_run_phase_duration_seconds{phase=\"verify\"} 0.02
eni_bootstrap_run_phase_duration_seconds{phase=\"wait\"} 3
# HELP eni_bootstrap_run_requests HTTP requests of the last run by service and result: the HTTP status, or no response.
# TYPE eni_bootstrap_run_requests gauge
eni_bootstrap_run_requests{service=\"imds\",result=\"200\"} 1
eni_bootstrap_run_requests{service=\"imds\",result=\"404\"} 1
eni_bootstrap_run_requests{service=\"kubernetes\",result=\"403\"} 1
eni_bootstrap_run_requests{service=\"kubernetes\",result=\"no response\"} 1
# HELP eni_bootstrap_run_wait_duration_seconds Time for which the last run waited for an object in the cluster that was not ready.
# TYPE eni_bootstrap_run_wait_duration_seconds gauge
eni_bootstrap_run_wait_duration_seconds{target=\"ENIConfig us-west-2a\"} 3.01
# HELP eni_bootstrap_run_wait_states States of an object in the cluster in which it was not ready, during the last run.
# TYPE eni_bootstrap_run_wait_states gauge
eni_bootstrap_run_wait_states{target=\"ENIConfig us-west-2a\"} 1
# HELP eni_bootstrap_run_diagnostics Diagnostics of the last run by severity and code.
# TYPE eni_bootstrap_run_diagnostics gauge
eni_bootstrap_run_diagnostics{severity=\"failed\",code=\"eniconfig-not-found\"} 1
"
    );
}
