//! Responses of the API server, as the agent parses them.

use super::check_with;
use super::images::{BOTTLEROCKET_IMAGE, DROP_IN, NODEADM};
use crate::client::{block_on, respond, respond_by_url};
use crate::node::AWS_NODE;
use eni_bootstrap::adapter::kubernetes::{EniConfig, Event};
use eni_bootstrap::adapter::replay;
use serde_json::Value;
use std::collections::BTreeMap;

const NAME: &str = "us-west-2a";
const STATUSES: [u16; 8] = [200, 200, 200, 201, 403, 404, 410, 500];

/// Returns the status for an input, and the rest of the input.
pub(super) fn status(data: &[u8]) -> (u16, &[u8]) {
    match data.split_first() {
        Some((first, rest)) => (STATUSES[usize::from(*first) % STATUSES.len()], rest),
        None => (200, data),
    }
}

/// Returns the ENIConfig in an object, read without the code of eni-bootstrap.
fn expected(object: &Value) -> EniConfig {
    let spec = &object["spec"];
    let groups = spec["securityGroups"].as_array().into_iter().flatten();
    EniConfig {
        subnet: spec["subnet"].as_str().unwrap_or_default().to_owned(),
        security_groups: groups.filter_map(|it| Some(it.as_str()?.to_owned())).collect(),
    }
}

/// A byte that selects the status, followed by the body.
pub(super) fn eni_config(data: &[u8]) {
    let (status, body) = status(data);
    let api = respond(status, vec![body.to_vec()]).api_server();
    let result = block_on(replay::eni_config(&api, NAME));
    let object = serde_json::from_slice::<Value>(body);
    match result {
        Ok(Some(found)) => {
            assert!((200..300).contains(&status), "{status}");
            let object = object.expect("JSON");
            assert_eq!(found.eni_config, expected(&object));
            let version = object["metadata"]["resourceVersion"].as_str();
            assert_eq!(found.version.as_deref(), version);
        }
        // The ENIConfig does not exist only if the API server states so about this object.
        Ok(None) => {
            let object = object.expect("JSON");
            assert_eq!(object["reason"], "NotFound");
            assert!(status == 404 || object["code"] == 404, "{status}");
        }
        Err(_) => {}
    }
}

/// Events of a watch. The first byte is the length of the chunks in which they arrive.
pub(super) fn watch(data: &[u8]) {
    let Some((length, body)) = data.split_first() else { return };
    let read = |chunks: Vec<Vec<u8>>| {
        let api = respond(200, chunks).api_server();
        let (events, error) = block_on(replay::watch(&api, NAME));
        (events, error.is_some())
    };
    let whole = read(vec![body.to_vec()]);
    let chunks = body.chunks(usize::from(*length).max(1)).map(<[u8]>::to_vec).collect();
    assert_eq!(read(chunks), whole, "in chunks of {length} bytes");
    let mut each = Vec::new();
    let mut has_failed = false;
    for line in body.split(|byte| *byte == b'\n') {
        let (events, failed) = read(vec![line.to_vec()]);
        assert!(events.len() <= 1, "{} events in one line", events.len());
        for event in events {
            check_event(&event, line);
            each.push(event);
        }
        has_failed = failed;
        if failed {
            break;
        }
    }
    assert_eq!((each, has_failed), whole, "line by line");
}

fn check_event(event: &Event, line: &[u8]) {
    let line: Value = serde_json::from_slice(line).expect("JSON");
    match event {
        Event::Applied(found) => {
            assert!(matches!(line["type"].as_str(), Some("ADDED" | "MODIFIED")), "{line}");
            assert_eq!(*found, expected(&line["object"]));
        }
        Event::Deleted => assert_eq!(line["type"], "DELETED"),
    }
}

/// The aws-node DaemonSet, and after a line `-- config-map --` the `ConfigMap` to which it refers.
pub(super) fn daemon_set(data: &[u8]) {
    let (status, body) = status(data);
    let text = String::from_utf8_lossy(body);
    let (object, config_map) = text.split_once("\n-- config-map --\n").unwrap_or((&text, "{}"));
    let (body, map) = (object.as_bytes().to_vec(), config_map.as_bytes().to_vec());
    let api = respond_by_url(move |url| match url {
        it if it.contains("daemonsets/aws-node") => (status, body.clone()),
        it if it.contains("configmaps/") => (200, map.clone()),
        it if it.contains("selfsubjectreviews") => (201, SELF.as_bytes().to_vec()),
        _ => (404, NOT_FOUND.as_bytes().to_vec()),
    });
    let Ok(aws_node) = block_on(replay::aws_node(&api.api_server())) else { return };
    assert!((200..300).contains(&status), "{status}");
    let object: Value = serde_json::from_str(object).expect("JSON");
    if let Some(environment) = literal_environment(&object) {
        assert!(
            aws_node.variables.iter().all(|(name, value)| environment.get(name) == Some(value)),
            "{:?} instead of {environment:?}",
            aws_node.variables
        );
    }
    let variables = serde_json::to_string(&aws_node.variables).expect("a map is JSON");
    for image in [NODEADM, DROP_IN, BOTTLEROCKET_IMAGE] {
        check_with(image, AWS_NODE, &variables);
    }
}

const SELF: &str = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview","metadata":{},"status":{"userInfo":{"username":"system:node:a"}}}"#;
const NOT_FOUND: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"not found","reason":"NotFound","details":{"name":"a"},"code":404}"#;

/// Returns the environment of a DaemonSet with one container, if every value is a literal.
fn literal_environment(object: &Value) -> Option<BTreeMap<String, String>> {
    let [container] = object["spec"]["template"]["spec"]["containers"].as_array()?.as_slice()
    else {
        return None;
    };
    if container.get("envFrom").is_some() {
        return None;
    }
    let variables = container["env"].as_array()?.iter().map(|variable| {
        let value = variable["value"].as_str()?;
        let is_literal = variable.get("valueFrom").is_none() && !value.contains('$');
        is_literal.then(|| Some((variable["name"].as_str()?.to_owned(), value.to_owned())))?
    });
    variables.collect()
}
