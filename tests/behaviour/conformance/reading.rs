//! Rows about requests that read: settings, model, operating system, metadata.

use super::row::{ExpectedBody, JSON, Needs, Row, get, put, row};

const LABEL: &str = "settings.kubernetes.node-labels.%22k8s.amazonaws.com/eniConfig%22";

pub fn rows() -> Vec<Row> {
    vec![
        row(
            "GET /settings?prefix=settings.kubernetes has no outer settings",
            ["settings.kubernetes", "kubernetes"].map(|prefix| {
                let body = ExpectedBody::Fields(&["kubernetes"]);
                get(&format!("/settings?prefix={prefix}")).returns(200, JSON, body)
            }),
        ),
        row(
            "GET /settings?prefix= matches characters, not whole segments",
            ["settings.kubernetes.max", "kubernetes.max-p", "settings.kubernetes.max-pods"].map(
                |prefix| {
                    get(&format!("/settings?prefix={prefix}"))
                        .json(r#"{"kubernetes":{"max-pods":{live}}}"#)
                },
            ),
        ),
        row(
            "GET /settings of an unknown setting",
            ["prefix=settings.nosuch", "keys=unknown.key", "keys=kubernetes.max-pods"]
                .map(|query| get(&format!("/settings?{query}")).json("{}")),
        ),
        row(
            "GET /settings?prefix= without a prefix",
            [get("/settings?prefix=").rejected(400, "Input 'prefix' cannot be empty")],
        ),
        row(
            "GET /settings?keys= with a quoted segment, percent-encoded",
            [get(&format!("/settings?keys=settings.kubernetes.max-pods,{LABEL}")).json(
                r#"{"kubernetes":{"max-pods":{live},"node-labels":{"k8s.amazonaws.com/eniConfig":"{label}"}}}"#,
            )],
        )
        .needs(Needs::Label),
        row(
            "a raw \" in the request line",
            [get("/settings?keys=settings.kubernetes.node-labels.\"a.b/c\"").returns(
                400,
                None,
                ExpectedBody::ConnectionClosed,
            )],
        ),
        row(
            "GET /settings?keys= with an invalid character",
            [get("/settings?keys=settings.kubernetes.a$b").returns(
                400,
                None,
                ExpectedBody::Around("Unable to make data key ", ": invalid character in key: '$'"),
            )],
        ),
        row(
            "GET /?prefix= has an outer settings",
            [get("/?prefix=settings.kubernetes.max-pods")
                .json(r#"{"settings":{"kubernetes":{"max-pods":{live}}}}"#)],
        ),
        row(
            "GET /os",
            [get("/os").returns(
                200,
                JSON,
                ExpectedBody::Fields(&["arch", "build_id", "pretty_name", "variant_id", "version_id"]),
            )],
        ),
        row(
            "GET /metadata/affected-services",
            [get("/metadata/affected-services?keys=settings.kubernetes.max-pods")
                .json(r#"{"settings.kubernetes.max-pods":["kubernetes"]}"#)],
        ),
        row(
            "GET /metadata/affected-services without keys (from source)",
            [get("/metadata/affected-services").rejected(400, "Missing required input 'keys'")],
        ),
        row(
            "an unknown path, or the wrong method",
            [get("/nosuch"), get("/settings/"), put("/settings"), put("/")]
                .map(|step| step.returns(404, None, ExpectedBody::Empty)),
        ),
    ]
}
