//! The difference between an ENIConfig before and after server-side apply, and the conflicts with other field
//! managers.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt;

/// The reason of a conflict in the status of the API server.
const CONFLICT: &str = "FieldManagerConflict";

/// The result for one ENIConfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub name: String,
    pub change: Change,
}

/// Serializes to `name`, `result` and `changes`.
impl Serialize for Applied {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, change } = self;
        json!({ "name": name, "result": change.name(), "changes": change.fields() })
            .serialize(serializer)
    }
}

/// The change of an ENIConfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Configured(Vec<FieldChange>),
    Unchanged,
}

/// A changed field; `None` if the field is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FieldChange {
    field: String,
    from: Option<Value>,
    to: Option<Value>,
}

/// Formats `spec.subnet: subnet-0a → subnet-0b`.
impl fmt::Display for FieldChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, from, to } = self;
        write!(formatter, "{field}: {} → {}", text(from.as_ref()), text(to.as_ref()))
    }
}

/// Returns a string without quotes, a list of strings separated by commas, or JSON.
fn text(value: Option<&Value>) -> String {
    match value {
        None => "(none)".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        Some(value) => value.to_string(),
    }
}

impl Change {
    /// Returns the result as kubectl names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured(_) => "configured",
            Self::Unchanged => "unchanged",
        }
    }

    /// Returns the changed fields of an existing ENIConfig.
    pub(super) fn fields(&self) -> &[FieldChange] {
        match self {
            Self::Configured(fields) => fields,
            Self::Created | Self::Unchanged => &[],
        }
    }
}

/// Returns the difference between two values of `spec`. Ignores a change of only the owner.
pub(super) fn changes(before: &Value, after: &Value) -> Change {
    let empty = Map::new();
    let (before, after) =
        (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let fields: Vec<FieldChange> = changed
        .map(|key| FieldChange {
            field: format!("spec.{key}"),
            from: before.get(key).cloned(),
            to: after.get(key).cloned(),
        })
        .collect();
    if fields.is_empty() { Change::Unchanged } else { Change::Configured(fields) }
}

/// A field that another field manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Conflict {
    name: String,
    field: String,
    owner: String,
}

/// Formats `us-west-2a: spec.subnet is set by "terraform"`.
impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, field, owner } = self;
        write!(formatter, "{name}: {field} is set by {owner:?}")
    }
}

/// Returns the conflicts in a response of the API server; `None` for another error.
pub(super) fn conflicts(name: &str, error: &kube::Error) -> Option<Vec<Conflict>> {
    let kube::Error::Api(status) = error else { return None };
    let causes = &status.details.as_ref()?.causes;
    let conflicts: Vec<Conflict> = causes
        .iter()
        .filter(|cause| cause.reason == CONFLICT)
        .map(|cause| Conflict {
            name: name.to_owned(),
            field: cause.field.trim_start_matches('.').to_owned(),
            owner: owner(&cause.message).to_owned(),
        })
        .collect();
    (status.code == 409 && !conflicts.is_empty()).then_some(conflicts)
}

/// Returns the field manager in a message such as `conflict with "terraform" using
/// crd.k8s.amazonaws.com/v1alpha1`, or the whole message.
fn owner(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_changed_field_has_its_old_and_its_new_value() {
        let before = json!({ "subnet": "subnet-a", "securityGroups": ["sg-1", "sg-2"], "a": 1 });
        let after = json!({ "subnet": "subnet-b", "securityGroups": ["sg-1"], "a": 1 });
        let change = changes(&before, &after);
        let lines: Vec<String> = change.fields().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["spec.securityGroups: sg-1,sg-2 → sg-1", "spec.subnet: subnet-a → subnet-b"]
        );
        assert_eq!(changes(&after, &after), Change::Unchanged);
        let added = changes(&Value::Null, &json!({ "subnet": "subnet-b" }));
        assert_eq!(added.fields()[0].to_string(), "spec.subnet: (none) → subnet-b");
        assert_eq!((added.name(), Change::Created.name()), ("configured", "created"));
    }

    #[test]
    fn the_owner_is_in_the_message_of_the_conflict() {
        assert_eq!(
            owner("conflict with \"terraform\" using crd.k8s.amazonaws.com/v1alpha1"),
            "terraform"
        );
        assert_eq!(owner("conflict"), "conflict");
    }
}
