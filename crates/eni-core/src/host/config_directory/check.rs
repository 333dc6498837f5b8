//! Compares the drop-ins that the kubelet will read with the plan.

use super::NAME;
use super::config_file::{differing_keys, parse};
use crate::domain::kubelet::Kubelet;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// What the kubelet must read from its drop-in directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigCheck {
    /// The directory that `--config-dir` must name.
    pub(in crate::host) directory: PathBuf,
    /// Whether eni-bootstrap adds the flag.
    pub(in crate::host) is_added: bool,
    /// The values that the kubelet must get from its files.
    values: Vec<Field>,
}

/// A value in the kubelet's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    /// The names from the top of the file, such as `kubeReserved` and `cpu`.
    path: Vec<&'static str>,
    value: Value,
}

/// A value that the kubelet would read instead of the planned one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::host) struct WrongValue {
    /// Such as `maxPods: 20`.
    pub planned: String,
    /// `None` if no file sets the value.
    pub effective: Option<String>,
    /// The file that sets or removes the value.
    pub file: PathBuf,
}

impl Field {
    /// Returns a value at the path of this one, such as `maxPods: 20`.
    fn show(&self, value: &Value) -> String {
        format!("{}: {}", self.path.join("."), text(value))
    }

    fn wrong(&self, effective: Option<String>, file: &Path) -> WrongValue {
        WrongValue { planned: self.show(&self.value), effective, file: file.to_owned() }
    }
}

impl ConfigCheck {
    /// Returns the check for the values of `kubelet` that no flag sets.
    pub(super) fn new(directory: PathBuf, is_added: bool, kubelet: &Kubelet) -> Self {
        let Kubelet { max_pods, kube_reserved, node_labels: _, needed_flags } = kubelet;
        let mut values = Vec::new();
        if !needed_flags.max_pods {
            values.push(Field { path: vec!["maxPods"], value: json!(max_pods) });
        }
        if !needed_flags.kube_reserved {
            let resources = [
                ("cpu", &kube_reserved.cpu),
                ("ephemeral-storage", &kube_reserved.ephemeral_storage),
                ("memory", &kube_reserved.memory),
            ];
            values.extend(resources.map(|(resource, quantity)| Field {
                path: vec!["kubeReserved", resource],
                value: json!(quantity.to_string()),
            }));
        }
        Self { directory, is_added, values }
    }

    /// Returns the first value that the kubelet would not read as planned. `files` are the drop-ins in
    /// the kubelet's order. A file that cannot be parsed may set any value.
    pub(in crate::host) fn wrong_value(&self, files: &[(PathBuf, String)]) -> Option<WrongValue> {
        let mut merged = Value::Object(Map::new());
        let mut states = Vec::new();
        for (path, text) in files {
            let config = match parse(text) {
                Some(config) => config,
                None if self.values.is_empty() => continue,
                None => return self.values.first().map(|field| field.wrong(None, path)),
            };
            if let Some(wrong) = self.differing_key(&config, path) {
                return Some(wrong);
            }
            merge(&mut merged, &config);
            states.push((path, merged.clone()));
        }
        for expected @ Field { path, value } in &self.values {
            let effective = field(&merged, path);
            if effective.is_some_and(|it| text(it) == text(value)) {
                continue;
            }
            // The file after which the value stays as it is.
            let first = states.iter().rposition(|(_, state)| field(state, path) != effective);
            let file = states.get(first.map_or(0, |at| at + 1)).map(|(file, _)| (*file).clone());
            let is_set = effective.is_some() || first.is_some();
            let own = self.directory.join(NAME);
            let effective = effective.map(|value| expected.show(value));
            return Some(expected.wrong(effective, &file.filter(|_| is_set).unwrap_or(own)));
        }
        None
    }

    /// Returns the first planned value whose key has another case in a file. Such a key takes precedence.
    fn differing_key(&self, config: &Value, file: &Path) -> Option<WrongValue> {
        differing_keys(config).find_map(|(key, own)| {
            let field = self.values.iter().find(|field| field.path.first() == Some(&own))?;
            let effective = format!("{key}: {}", text(&config[key]));
            Some(field.wrong(Some(effective), file))
        })
    }

    pub(in crate::host) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Merges `patch` into `target` as a JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(key);
            }
            Value::Object(_) => merge(target.entry(key.clone()).or_insert(Value::Null), value),
            _ => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

fn field<'a>(config: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(config, |value, key| value.get(key))
}

/// Returns a number or a quantity as it is written.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
