//! Rows about transactions: pending, committed and applied changes.

use super::row::{ExpectedBody, Host, JSON, Needs, Row, delete, get, patch, patch_at, post, row};
use eni_bootstrap_sandbox::Applier;

const NOTHING: &str = "Tried to commit with no pending changes";
const PODS: &str = "settings.kubernetes.max-pods";
const LABEL: &str = r#"settings.kubernetes.node-labels."k8s.amazonaws.com/eniConfig""#;
const SAME: &str = r#"{"kubernetes":{"max-pods":{live}}}"#;
const OTHER: &str = r#"{"kubernetes":{"max-pods":{other}}}"#;

pub fn rows() -> Vec<Row> {
    pending().into_iter().chain(applied()).collect()
}

/// Rows about transactions without an applier.
fn pending() -> Vec<Row> {
    vec![
        row(
            "GET /tx, GET /tx/list and DELETE /tx with nothing pending",
            [
                get("/tx?tx={tx}").json("{}"),
                get("/tx/list").returns(200, JSON, ExpectedBody::Lists("{tx}", false)),
                delete("/tx?tx={tx}").json("[]"),
            ],
        ),
        row(
            "GET /tx/list and DELETE /tx with something pending",
            [
                patch(r#"{"kubernetes":{"max-pods":{other},"node-labels":{"a.b/c":"z"}}}"#).done(),
                get("/tx/list").returns(200, JSON, ExpectedBody::Lists("{tx}", true)),
                delete("/tx?tx={tx}").keys(&[PODS, r#"settings.kubernetes.node-labels."a.b/c""#]),
                get("/tx?tx={tx}").json("{}"),
            ],
        ),
        row(
            "POST /tx/commit: the transaction disappears",
            [
                patch(SAME).done(),
                post("/tx/commit?tx={tx}").keys(&[PODS]),
                get("/tx/list").returns(200, JSON, ExpectedBody::Lists("{tx}", false)),
                post("/tx/commit?tx={tx}").rejected(422, NOTHING),
            ],
        ),
        row(
            "POST /tx/commit: keys in any order, a dotted segment in quotes",
            [
                patch(r#"{"kubernetes":{"max-pods":{live},"node-labels":{"k8s.amazonaws.com/eniConfig":"{label}"}}}"#).done(),
                post("/tx/commit?tx={tx}").keys(&[PODS, LABEL]),
            ],
        )
        .needs(Needs::Label),
        row(
            "a commit with nothing pending",
            ["commit", "commit_and_apply"]
                .map(|path| post(&format!("/tx/{path}?tx={{tx}}")).rejected(422, NOTHING)),
        ),
        row(
            "without tx, the transaction is default",
            [
                patch_at("/settings", OTHER).done(),
                get("/tx?tx=default").json(OTHER),
                get("/tx").json(OTHER),
                delete("/tx").keys(&[PODS]),
            ],
        )
        .needs(Needs::EmptyDefault),
    ]
}

/// Rows about a commit that runs the applier.
fn applied() -> Vec<Row> {
    let at_once = Needs::Applier(Applier::AtOnce);
    vec![
        row(
            "node-labels are merged key by key",
            [
                patch(r#"{"kubernetes":{"node-labels":{"team":"blue"}}}"#).done(),
                post("/tx/commit_and_apply?tx={tx}").keys(&["settings.kubernetes.node-labels.team"]),
                get("/settings?prefix=settings.kubernetes.node-labels").json(
                    r#"{"kubernetes":{"node-labels":{"k8s.amazonaws.com/eniConfig":"{label}","team":"blue"}}}"#,
                ),
            ],
        )
        .needs(at_once)
        .expected_host(Host {
            labels: "k8s.amazonaws.com/eniConfig=us-west-2a,team=blue".to_owned(),
            ..Host::applied("settings.kubernetes.node-labels.team")
        }),
        row(
            "POST /tx/commit_and_apply of the live value: applied again",
            [patch(SAME).done(), post("/tx/commit_and_apply?tx={tx}").keys(&[PODS])],
        )
        .needs(at_once)
        .expected_host(Host::applied(PODS)),
        row(
            "POST /tx/commit_and_apply where the applier cannot start: already committed",
            [
                patch(OTHER).done(),
                post("/tx/commit_and_apply?tx={tx}").rejected(
                    500,
                    "Unable to start config applier: No such file or directory (os error 2) ",
                ),
                get("/settings?keys=settings.kubernetes.max-pods").json(OTHER),
                post("/tx/commit_and_apply?tx={tx}").rejected(422, NOTHING),
            ],
        )
        .needs(Needs::Applier(Applier::CannotStart)),
        exit_at_once(
            "POST /tx/commit_and_apply where the applier exits at once: already committed",
            Applier::Exits(3),
        ),
        exit_at_once(
            "POST /tx/commit_and_apply where the applier exits too early: already committed",
            Applier::ExitsEarly,
        ),
        row(
            "POST /tx/commit_and_apply where a template does not render: 200, and no file is rendered",
            [patch(OTHER).done(), post("/tx/commit_and_apply?tx={tx}").keys(&[PODS])],
        )
        .needs(Needs::Applier(Applier::TemplateFails))
        .expected_host(Host { restarts: vec![], ..Host::applied(PODS) }),
        row(
            "POST /tx/apply?keys=",
            [post(&format!("/tx/apply?keys={PODS}")).returns(204, JSON, ExpectedBody::Empty)],
        )
        .needs(at_once)
        .expected_host(Host::applied(PODS)),
        row(
            "POST /tx/apply without keys restarts everything",
            [post("/tx/apply").returns(204, JSON, ExpectedBody::Empty)],
        )
        .needs(at_once)
        .expected_host(Host {
            restarts: vec!["kubelet.service", "host-containerd.service", "containerd.service"],
            ..Host::applied("--all")
        }),
    ]
}

/// A row for an applier that exits at once. The response depends on whether apiserver has written the
/// applier's input before the exit.
fn exit_at_once(name: &'static str, applier: Applier) -> Row {
    let responses = ExpectedBody::OneOf(&[
        "Config applier was unable to fork child, returned 3",
        "Unable to send input to config applier: Broken pipe (os error 32)",
    ]);
    row(
        name,
        [
            patch(OTHER).done(),
            post("/tx/commit_and_apply?tx={tx}").returns(500, None, responses),
            get("/settings?keys=settings.kubernetes.max-pods").json(OTHER),
        ],
    )
    .needs(Needs::Applier(applier))
}
