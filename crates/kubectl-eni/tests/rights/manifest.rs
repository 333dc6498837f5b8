//! The roles in `packaging/rbac-operator.yaml`.

use crate::nodes::support::documents;
use serde_json::{Value, json};
use std::fmt;
use std::path::{Path, PathBuf};

/// The right to use one verb on one resource, and on one object if the rule contains names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: String,
    pub resource: String,
    pub name: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, resource, name } = self;
        let name = name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        write!(formatter, "{verb} {resource}{name}")
    }
}

impl Right {
    /// Returns whether this right allows the request.
    pub fn allows(&self, request: &Self) -> bool {
        self.verb == request.verb
            && self.resource == request.resource
            && (self.name.is_none() || self.name == request.name)
    }
}

/// The roles of the manifest.
pub struct Manifest {
    pub roles: Vec<Value>,
}

pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/rbac-operator.yaml")
}

impl Manifest {
    pub fn read() -> Self {
        let mut roles = documents(&path());
        roles.retain(|object| object.get("rules").is_some());
        assert_eq!(roles.len(), 3);
        Self { roles }
    }

    /// Returns each role with its rights.
    pub fn rights(&self) -> Vec<(&Value, Vec<Right>)> {
        self.roles.iter().map(|role| (role, rights(role))).collect()
    }
}

/// Returns each right in the rules of a role.
fn rights(role: &Value) -> Vec<Right> {
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        let names = match rule.get("resourceNames") {
            Some(names) => strings(names).into_iter().map(Some).collect(),
            None => vec![None],
        };
        for verb in strings(&rule["verbs"]) {
            for resource in strings(&rule["resources"]) {
                rights.extend(names.iter().map(|name| Right {
                    verb: verb.clone(),
                    resource: resource.clone(),
                    name: name.clone(),
                }));
            }
        }
    }
    rights
}

/// Returns the role with one rule for each of these rights, except `removed`.
pub fn without(role: &Value, removed: &Right) -> Value {
    let all = role["rules"].as_array().unwrap();
    let groups_of = |right: &Right| {
        let mut with_resource =
            all.iter().filter(|it| strings(&it["resources"]).contains(&right.resource));
        with_resource.next().unwrap()["apiGroups"].clone()
    };
    let kept = rights(role).into_iter().filter(|it| it != removed);
    let rules = kept.map(|right| {
        let mut single = json!({
            "apiGroups": groups_of(&right), "resources": [right.resource], "verbs": [right.verb],
        });
        if let Some(name) = right.name {
            single["resourceNames"] = json!([name]);
        }
        single
    });
    let mut changed = role.clone();
    changed["rules"] = rules.collect();
    changed
}

pub fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}
