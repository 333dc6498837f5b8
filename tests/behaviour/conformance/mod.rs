//! Requests to the Bottlerocket settings API and their responses, as measured on apiserver of core-kit
//! 3.1.1. The stand-in and a real server must both respond in the same way.
//!
//! `BOTTLEROCKET_API_SOCKET=/run/api.sock cargo test --test it conformance::` tests a real server, as root on a
//! Bottlerocket host. The test deletes its transactions, and commits only the live values of max-pods and of
//! the label. It applies nothing, so the kubelet does not restart.

use client::Connection;
use eni_bootstrap_sandbox::{Bottlerocket, Instance, KubernetesApi};
use row::{ExpectedBody, Host, Needs, Row, Step};
use serde_json::{Map, Value, json};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

mod changing;
mod client;
mod committing;
mod reading;
mod row;
mod stand_in;

const LABEL: &str = "k8s.amazonaws.com/eniConfig";

/// A server, and the live values that the rows use.
struct Target<'a> {
    socket: &'a Path,
    live: u64,
    label: Option<String>,
}

#[test]
fn the_stand_in_responds_like_a_real_server() {
    let instance = Instance { instance_type: "m5.large".to_owned(), ..Instance::default() };
    let mut seed = Bottlerocket::seed(&instance, &KubernetesApi::start());
    seed["kubernetes"]["node-labels"] = json!({ LABEL: "us-west-2a" });
    let mut failures = Vec::new();
    for row in rows() {
        let container = tempfile::tempdir().unwrap();
        let host = Bottlerocket::in_container(container.path(), &seed);
        if let Needs::Applier(applier) = row.needs {
            host.set_applier(applier);
        }
        let target = Target::of(host.socket());
        failures.extend(target.check(&row));
        let actual = Host::of(&host);
        if actual != row.expected_host {
            failures.push(format!(
                "{}: the host is {actual:?} instead of {:?}",
                row.name, row.expected_host
            ));
        }
        assert_eq!(host.transactions(), [""; 0], "{}: a transaction is pending", row.name);
    }
    assert_eq!(failures, [""; 0], "rows that differ");
}

#[test]
fn a_real_server_responds_like_the_measured_one() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let Some(socket) = std::env::var_os("BOTTLEROCKET_API_SOCKET").map(PathBuf::from) else {
        return print(
            "skipped the test of a real settings API: BOTTLEROCKET_API_SOCKET is not set",
        );
    };
    let target = Target::of(&socket);
    let Target { live, label, .. } = &target;
    print(&format!(
        "testing the settings API at {}: creates and deletes transactions, and commits the live values again (max-pods {live}, label {label:?}); applies nothing",
        socket.display(),
    ));
    let mut failures = Vec::new();
    for row in rows() {
        match target.skip_reason(row.needs) {
            Some(reason) => print(&format!("skipped {}: {reason}", row.name)),
            None => failures.extend(target.check(&row)),
        }
    }
    assert_eq!(failures, [""; 0], "rows that differ");
    let after = Target::of(&socket);
    assert_eq!((after.live, &after.label), (*live, label), "live settings");
}

fn rows() -> Vec<Row> {
    [reading::rows(), changing::rows(), committing::rows()].into_iter().flatten().collect()
}

fn print(line: &str) {
    // The test harness captures the output of eprint!.
    io::stderr().write_all(format!("conformance: {line}\n").as_bytes()).unwrap();
}

impl<'a> Target<'a> {
    fn of(socket: &'a Path) -> Self {
        let mut connection = Connection::open(socket);
        // Two requests on one connection.
        let mut get = |key: &str| -> Value {
            let response =
                connection.send("GET", &format!("/settings?keys={key}"), None, None).unwrap();
            assert_eq!((response.status, response.media.as_deref()), (200, row::JSON), "{key}");
            serde_json::from_str(&response.body).unwrap()
        };
        let live = get("settings.kubernetes.max-pods");
        let label = get("settings.kubernetes.node-labels.%22k8s.amazonaws.com/eniConfig%22");
        let live = live["kubernetes"]["max-pods"].as_u64().expect("a live max-pods");
        let label = label["kubernetes"]["node-labels"][LABEL].as_str().map(str::to_owned);
        Self { socket, live, label }
    }

    /// Returns why a row cannot run on a real server; `None` if it can.
    fn skip_reason(&self, needs: Needs) -> Option<String> {
        match needs {
            Needs::Nothing => None,
            Needs::Label => self.label.is_none().then(|| format!("label {LABEL} is not set")),
            Needs::EmptyDefault => {
                let mut connection = Connection::open(self.socket);
                let pending = connection.send("GET", "/tx?tx=default", None, None).unwrap().body;
                (pending != "{}").then(|| format!("the default transaction has changes: {pending}"))
            }
            Needs::Applier(applier) => Some(format!(
                "requires an applier in the state {applier:?}, and may restart the kubelet"
            )),
        }
    }

    /// Returns the differences in a row.
    fn check(&self, row: &Row) -> Vec<String> {
        let transaction = format!("conformance-{}", std::process::id());
        let mut failures = Vec::new();
        for step in &row.steps {
            let target = self.fill(&step.target, &transaction);
            let body = step.body.as_ref().map(|body| self.fill(body, &transaction));
            let mut connection = Connection::open(self.socket);
            let response = connection.send(step.method, &target, step.kind, body.as_deref());
            let closed = matches!(step.expected_body, ExpectedBody::ConnectionClosed)
                .then(|| connection.is_closed());
            let is_expected = response.as_ref().is_ok_and(|it| {
                (it.status, it.media.as_deref()) == (step.status, step.media)
                    && closed.unwrap_or(true)
                    && self.matches(&step.expected_body, &it.body, &transaction)
            });
            if !is_expected {
                let Step { method, status, media, expected_body, .. } = step;
                failures.push(format!(
                    "{}: {method} {target} {body:.200?}: the response is {response:.300?} instead of {status} {media:?} {expected_body:?}",
                    row.name,
                ));
            }
        }
        let path = format!("/tx?tx={transaction}");
        Connection::open(self.socket).send("DELETE", &path, None, None).unwrap();
        failures
    }

    fn fill(&self, text: &str, transaction: &str) -> String {
        text.replace("{tx}", transaction)
            .replace("{live}", &self.live.to_string())
            .replace("{other}", &(self.live + 1).to_string())
            .replace("{label}", self.label.as_deref().unwrap_or_default())
    }

    fn matches(&self, expected: &ExpectedBody, body: &str, transaction: &str) -> bool {
        let json = || serde_json::from_str::<Value>(body).unwrap_or_default();
        let list = || serde_json::from_str::<Vec<String>>(body).unwrap_or_default();
        match expected {
            ExpectedBody::Empty | ExpectedBody::ConnectionClosed => body.is_empty(),
            ExpectedBody::Is(text) => body == text,
            ExpectedBody::OneOf(texts) => texts.contains(&body),
            ExpectedBody::Around(begins, ends) => body.starts_with(begins) && body.ends_with(ends),
            ExpectedBody::Has(parts) => {
                body.starts_with(parts[0]) && parts.iter().all(|part| body.contains(part))
            }
            ExpectedBody::Json(text) => {
                let text = self.fill(text, transaction);
                let expected: Value = serde_json::from_str(&text).unwrap();
                json() == expected && body.len() == text.len()
            }
            ExpectedBody::Fields(names) => {
                let fields: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
                fields.keys().eq(names.iter())
            }
            ExpectedBody::Keys(keys) => {
                let mut actual = list();
                actual.sort();
                let mut keys = keys.to_vec();
                keys.sort_unstable();
                actual == keys
            }
            ExpectedBody::Lists(name, is_listed) => {
                json().is_array() && list().contains(&self.fill(name, transaction)) == *is_listed
            }
        }
    }
}
