//! Rows about changes in a transaction, and the errors of invalid ones.

use super::row::{ExpectedBody, Row, delete, get, patch, patch_at, post, row};

const NOTHING: &str = "Tried to commit with no pending changes";
const PODS: &str = "settings.kubernetes.max-pods";

pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        row(
            "PATCH /settings: pending, and live only by a commit",
            [
                patch(r#"{"kubernetes":{"max-pods":{other}}}"#).done(),
                get("/tx?tx={tx}").json(r#"{"kubernetes":{"max-pods":{other}}}"#),
                get("/settings?keys=settings.kubernetes.max-pods")
                    .json(r#"{"kubernetes":{"max-pods":{live}}}"#),
            ],
        ),
        row(
            "PATCH with null does nothing",
            [
                patch(r#"{"kubernetes":{"max-pods":null}}"#).done(),
                get("/tx?tx={tx}").json("{}"),
                post("/tx/commit?tx={tx}").rejected(422, NOTHING),
            ],
        ),
        row(
            "max-pods 0",
            [
                patch(r#"{"kubernetes":{"max-pods":0}}"#).done(),
                delete("/tx?tx={tx}").keys(&[PODS]),
            ],
        ),
        row(
            "good and bad fields in one PATCH: nothing is pending",
            [
                patch(r#"{"kubernetes":{"max-pods":{other},"maxPods":1}}"#).invalid_around(
                    "Json deserialize error: unknown field `maxPods`, expected one of `",
                    "",
                ),
                get("/tx?tx={tx}").json("{}"),
            ],
        ),
        row("Content-Type", {
            let body = r#"{"kubernetes":{"max-pods":{live}}}"#;
            [
                patch(body).typed(Some("text/plain")).invalid(400, "Content type error"),
                patch(body).typed(None).invalid(400, "Content type error"),
                patch(body).typed(Some("application/json; charset=utf-8")).done(),
                patch(body).typed(Some("application/merge-patch+json")).done(),
            ]
        }),
        row("a body of more than 2 MiB", {
            let body = format!(r#"{{"motd":"{}"}}"#, "a".repeat(2_097_152));
            let message = format!(
                "JSON payload ({} bytes) is larger than allowed (limit: 2097152 bytes).",
                body.len()
            );
            [patch(body).invalid(413, &message)]
        }),
        row("a label whose key in the data store is too long", {
            let label = format!("{}/n", "a".repeat(230));
            let message = ExpectedBody::Has(&["Error serializing Settings: ", "Key name beyond maximum length "]);
            [
                patch(format!(r#"{{"kubernetes":{{"node-labels":{{"{label}":"x"}}}}}}"#))
                    .returns(500, None, message),
                get("/tx?tx={tx}").json("{}"),
            ]
        }),
        row(
            "PATCH /settings/keypair",
            [
                patch_at(
                    "/settings/keypair?tx={tx}",
                    r#"{"request_payload":["kubernetes.max-pods={other}","kubernetes.node-labels.\"a.b/c\"=z"]}"#,
                )
                .done(),
                get("/tx?tx={tx}")
                    .json(r#"{"kubernetes":{"max-pods":{other},"node-labels":{"a.b/c":"z"}}}"#),
            ],
        ),
        row(
            "PATCH /settings/keypair guesses types",
            ["42", "true"].map(|value| {
                let line = format!(r#"kubernetes.node-labels.\"a.b/c\"={value}"#);
                let message = "Unable to match your input to the data model.  We may not have enough type information.  Please try the --json input form.  Cause: ";
                patch_at("/settings/keypair?tx={tx}", format!(r#"{{"request_payload":["{line}"]}}"#))
                    .returns(400, None, ExpectedBody::Around(message, ""))
            }),
        ),
    ];
    rows.extend(rejected_bodies());
    rows
}

/// Bodies that the settings model rejects, with the beginning and the end of the error. Most columns were
/// not measured.
fn rejected_bodies() -> impl Iterator<Item = Row> {
    #[rustfmt::skip]
    let bodies = [
        ("max-pods as a string", r#"{"kubernetes":{"max-pods":"20"}}"#,
            r#"invalid type: string "20", expected u32 at line 1 column 30"#, ""),
        ("max-pods below 0", r#"{"kubernetes":{"max-pods":-1}}"#,
            "invalid value: integer `-1`, expected u32", ""),
        ("max-pods with a fraction", r#"{"kubernetes":{"max-pods":20.5}}"#,
            "invalid type: floating point `20.5`, expected u32", ""),
        ("max-pods beyond 32 bits", r#"{"kubernetes":{"max-pods":4294967296}}"#,
            "invalid value: integer `4294967296`, expected u32", ""),
        ("a label's value", r#"{"kubernetes":{"node-labels":{"x":"bad."}}}"#,
            "Unable to deserialize into KubernetesLabelValue: ",
            "Kubernetes label value given invalid input: bad. at line 1 column 41"),
        ("a label's key", r#"{"kubernetes":{"node-labels":{"bad key":"x"}}}"#,
            "Unable to deserialize into KubernetesLabelKey: Kubernetes label key given invalid input: bad key at line 1 column ", ""),
        ("an unknown field", r#"{"kubernetes":{"maxPods":20}}"#,
            "unknown field `maxPods`, expected one of `", ""),
        ("an outer settings", r#"{"settings":{"kubernetes":{"max-pods":20}}}"#,
            "unknown field `settings`, expected one of `", ""),
        ("kube-reserved as a number", r#"{"kubernetes":{"kube-reserved":{"cpu":1}}}"#,
            "invalid type: integer `1`, expected a string at line 1 column ", ""),
        ("kube-reserved that is no quantity", r#"{"kubernetes":{"kube-reserved":{"memory":"475 MB"}}}"#,
            "Unable to deserialize into KubernetesQuantityValue: Kubernetes quantity must match '(?x)\n", "', given: 475 MB at line 1 column 50"),
        ("kube-reserved of something else", r#"{"kubernetes":{"kube-reserved":{"gpu":"1"}}}"#,
            "Unable to deserialize into KubernetesReservedResourceKey: Invalid input for field Reserved sources key: unknown variant `gpu`, expected one of `cpu`, `memory`, `ephemeral-storage`", ""),
        ("not JSON", "max-pods = 20", "expected value at line 1 column 1", ""),
        ("an empty body", "", "EOF while parsing a value at line 1 column 0", ""),
    ];
    bodies.into_iter().map(|(name, body, begins, ends)| {
        let begins: &'static str = Box::leak(format!("Json deserialize error: {begins}").into());
        row(name, [patch(body).invalid_around(begins, ends)])
    })
}
