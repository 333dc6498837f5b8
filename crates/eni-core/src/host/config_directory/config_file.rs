//! The contents of the kubelet's configuration files, as the kubelet merges them.

use crate::domain::quantity::Quantity;
use serde::Deserialize as _;
use serde_json::{Map, Value};

/// The keys that eni-bootstrap sets.
const OWN_KEYS: [&str; 2] = ["maxPods", "kubeReserved"];

/// Returns the first document of a file, which is JSON or YAML; `None` if it cannot be parsed. The kubelet
/// ignores the other documents.
pub(in crate::host) fn parse(text: &str) -> Option<Value> {
    let mut first = None;
    let parsed = serde_saphyr::with_deserializer_from_str(text, |document| {
        first = Some(Value::deserialize(document)?);
        Ok(())
    });
    // An error after the first document is one of another document.
    if first.is_none() {
        parsed.ok()?;
    }
    match first.unwrap_or_default() {
        Value::Null => Some(Value::Object(Map::new())),
        config => config.is_object().then_some(config),
    }
}

/// Returns the keys that the kubelet reads as those of eni-bootstrap although their case differs, each with
/// the key of eni-bootstrap. After the merge, the kubelet compares keys case-insensitively, so that both keys set
/// the same value.
pub(super) fn differing_keys(config: &Value) -> impl Iterator<Item = (&str, &'static str)> {
    let keys = config.as_object().into_iter().flat_map(Map::keys);
    keys.filter_map(|key| {
        let mut own = OWN_KEYS.into_iter();
        let own = own.find(|own| key.eq_ignore_ascii_case(own) && key != own)?;
        Some((key.as_str(), own))
    })
}

/// Returns the key of an empty list or map that the kubelet replaces with its default if its command line
/// has `--config-dir`. It merges the files as JSON without empty values.
///
/// Source: `SetDefaults_KubeletConfiguration`, `pkg/kubelet/apis/config/v1beta1/defaults.go`, and the
/// `omitempty` tags in `staging/src/k8s.io/kubelet/config/v1beta1/types.go`, kubernetes/kubernetes. Some
/// versions have no default of `evictionHard`.
pub(super) fn lost_key(config: &Value) -> Option<&str> {
    let is_lost = |key: &str, value: &Value| {
        let has_default = |it: &str| key.eq_ignore_ascii_case(it);
        value.as_array().is_some_and(Vec::is_empty) && has_default("enforceNodeAllocatable")
            || value.as_object().is_some_and(Map::is_empty) && has_default("evictionHard")
    };
    let mut entries = config.as_object()?.iter();
    entries.find(|(key, value)| is_lost(key, value)).map(|(key, _)| key.as_str())
}

/// Returns whether a drop-in removes a value of an earlier one, or replaces it with an invalid value. The
/// kubelet reads `null` as the default.
pub(super) fn removes_own_values(config: &Value) -> bool {
    let is_number = |value: &Value| value.as_u64().is_some_and(|it| u32::try_from(it).is_ok());
    let is_quantity = |value: &Value| match value {
        Value::String(text) => text.parse::<Quantity>().is_ok(),
        value => value.is_number(),
    };
    let is_map = |value: &Value| value.as_object().is_some_and(|map| map.values().all(is_quantity));
    let max_pods = config.get("maxPods");
    let kube_reserved = config.get("kubeReserved");
    max_pods.is_some_and(|it| !is_number(it)) || kube_reserved.is_some_and(|it| !is_map(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_document_counts() {
        for (text, expected) in [
            ("", Some("{}")),
            ("# comment\n", Some("{}")),
            ("---\n", Some("{}")),
            ("maxPods: 5\n", Some(r#"{"maxPods":5}"#)),
            ("---\nmaxPods: 5\n", Some(r#"{"maxPods":5}"#)),
            ("maxPods: 5\n---\nmaxPods: 6\n", Some(r#"{"maxPods":5}"#)),
            ("maxPods: 5\n---\n{\n", Some(r#"{"maxPods":5}"#)),
            (r#"{"maxPods": 5}"#, Some(r#"{"maxPods":5}"#)),
            ("{", None),
            ("maxPods", None),
            ("- maxPods: 5", None),
            ("maxPods: 5\nmaxPods: 6\n", None),
        ] {
            let parsed = parse(text).map(|it| it.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_a_key_with_another_case_differs() {
        for (text, expected) in [
            ("maxPods: 5\nkubeReserved: {}\nmaxPodsX: 1", None),
            ("maxpods: 5", Some(("maxpods", "maxPods"))),
            ("KubeReserved: {}", Some(("KubeReserved", "kubeReserved"))),
        ] {
            assert_eq!(differing_keys(&parse(text).unwrap()).next(), expected, "{text}");
        }
    }

    #[test]
    fn only_an_empty_value_with_a_default_is_lost() {
        for (text, expected) in [
            ("enforceNodeAllocatable: []", Some("enforceNodeAllocatable")),
            ("enforcenodeallocatable: []", Some("enforcenodeallocatable")),
            ("evictionHard: {}", Some("evictionHard")),
            ("enforceNodeAllocatable: [none]\nevictionHard: {memory.available: 1Gi}", None),
            ("enforceNodeAllocatable: null\nevictionHard: null", None),
            ("allowedUnsafeSysctls: []\nfeatureGates: {}", None),
        ] {
            assert_eq!(lost_key(&parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn only_a_valid_value_replaces_that_of_the_drop_in() {
        for (text, expected) in [
            ("", false),
            ("maxPods: 58\nkubeReserved: {cpu: 1, memory: 1Gi, pid: '1000'}", false),
            ("maxPods: '58'", true),
            ("maxPods: -1", true),
            ("maxPods: null", true),
            ("kubeReserved: null", true),
            ("kubeReserved: {cpu: null}", true),
            ("kubeReserved: {memory: much}", true),
        ] {
            assert_eq!(removes_own_values(&parse(text).unwrap()), expected, "{text}");
        }
    }

    /// Returns the first document in the way of a parser for streams, which stops after it.
    fn first_of_stream(text: &str) -> Option<Value> {
        match serde_saphyr::read(&mut text.as_bytes()).next() {
            Some(document) => match document.ok()? {
                Value::Null => Some(Value::Object(Map::new())),
                config => config.is_object().then_some(config),
            },
            None => Some(Value::Object(Map::new())),
        }
    }

    #[test]
    fn only_the_first_document_matters() {
        for text in [
            "",
            "\n",
            "# a comment\n",
            "---\n",
            "null\n",
            "{}",
            "maxPods: 1\n",
            "{\"maxPods\": 1}",
            "\u{feff}maxPods: 1\n",
            "--- \nmaxPods: 1\n---\nmaxPods: 2\n",
            "maxPods: 1\n---\nmaxPods: [\n",
            "maxPods: 1\n---\n*unknown\n",
            "maxPods: 1\n...\n---\nmaxPods: 2\n",
            "maxPods: [\n",
            "maxPods: 1\nmaxPods: 2\n",
            "- maxPods\n",
            "text",
            "a: *unknown\n",
            "maxPods: 1\n  b: 2\n",
            "maxPods: 1\n} ",
        ] {
            assert_eq!(parse(text), first_of_stream(text), "{text:?}");
        }
        // The parser of a stream skips an empty document. The kubelet does not: go-yaml reads only the first one.
        assert_eq!(parse("---\n---\nmaxPods: 2\n"), Some(Value::Object(Map::new())));
        assert_eq!(
            parse("maxPods: 1\n---\nmaxPods: [\n"),
            Some(serde_json::json!({ "maxPods": 1 }))
        );
    }
}
