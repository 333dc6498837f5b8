//! `packaging/settings.schema.json`: the JSON Schema of a settings file.
//!
//! schemars derives the tables and keys from the types that `settings!` defines. This file adds the syntax of the types
//! with their own parser, and takes the descriptions and the defaults from the definition of the settings.

use super::expect;
use crate::domain::capacity::Ceiling;
use crate::domain::cni::IpFamily;
use crate::domain::cni_version::CniVersion;
use crate::domain::eni_config::NameTemplate;
use crate::domain::quantity::Quantity;
use crate::host::HostKind;
use crate::host::existing_config::{EniConfigPolicy, Policy};
use crate::settings::{
    CniSource, EniConfigLabel, FallbackWait, LabelMap, OnFullSubnet, OnTimeout, ReserveBasis,
    RetryLimit, Setting, Settings, TimeSpan, Timeout, Wait, sections,
};
use clap::ValueEnum;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The units of a duration, as the crate humantime parses them.
const UNITS: &str = "nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s|minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y";

/// A label key: a name with an optional prefix.
const LABEL_KEY: &str =
    "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";

/// A label key in a namespace of Kubernetes in which a kubelet may set only some labels.
const RESERVED_KEY: &str =
    "^(?!([^/]*\\.)?(kubelet|node)\\.kubernetes\\.io/)([^/]*\\.)?(kubernetes|k8s)\\.io/";

/// The labels in the reserved namespaces that a kubelet may set.
const SETTABLE: &str = "^((topology|failure-domain\\.beta)\\.kubernetes\\.io/(zone|region)|kubernetes\\.io/(hostname|os|arch)|beta\\.kubernetes\\.io/(os|arch|instance-type))$";

/// The labels that the kubelet sets itself, so that `[labels]` rejects them.
const SET_BY_THE_KUBELET: &str = "^(kubernetes\\.io/(hostname|os|arch)$|beta\\.kubernetes\\.io/)";

/// Returns the pattern of a duration, or one of `words`.
fn duration(words: &[&str]) -> Value {
    let words: String = words.iter().flat_map(|word| [*word, "|"]).collect();
    json!({ "type": "string", "pattern": format!("^({words}0|\\s*([0-9]+(\\.[0-9]+)?\\s*({UNITS})\\s*)+)$") })
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// Implements `JsonSchema` for types that a settings file writes as text.
macro_rules! schema_of {
    ($($type:ty: $schema:expr,)+) => { $(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                Schema::try_from($schema).unwrap()
            }
        }
    )+ };
}

fn names<T: ValueEnum>() -> Value {
    let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let names: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
    json!({ "type": "string", "enum": names })
}

schema_of! {
    CniSource: names::<CniSource>(),
    EniConfigPolicy: names::<EniConfigPolicy>(),
    HostKind: names::<HostKind>(),
    IpFamily: names::<IpFamily>(),
    OnFullSubnet: names::<OnFullSubnet>(),
    OnTimeout: names::<OnTimeout>(),
    Policy: names::<Policy>(),
    ReserveBasis: names::<ReserveBasis>(),
    FallbackWait: duration(&["off"]),
    RetryLimit: duration(&["off", "forever"]),
    TimeSpan: duration(&[]),
    Wait: duration(&["forever"]),
    Timeout: json!({ "allOf": [duration(&[]), pattern("[1-9]")] }),
    CniVersion: pattern("^v?[0-9]+\\.[0-9]+(\\.[0-9]+)?([-+].*)?$"),
    Quantity: pattern("^\\+?([0-9]+\\.?[0-9]*|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$"),
    NameTemplate: pattern("^([^{}]|\\{(zone|zone-id|region|instance-type|vpc-id|subnet-id|tag:[^}]+)\\})+$"),
    Ceiling: json!({ "anyOf": [
        { "type": "string", "enum": ["recommended", "none"] },
        { "type": "integer", "minimum": 1, "maximum": u32::MAX },
        pattern("^0*[1-9][0-9]*$"),
    ] }),
    EniConfigLabel: json!({ "anyOf": [{ "type": "string", "enum": [""] }, label_key()] }),
    LabelMap: json!({
        "type": "object",
        "propertyNames": { "allOf": [label_key(), { "not": pattern(SET_BY_THE_KUBELET) }] },
        "additionalProperties": pattern("^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"),
    }),
}

/// Returns the schema of a label key that a kubelet may set.
fn label_key() -> Value {
    json!({
        "type": "string",
        "pattern": LABEL_KEY,
        "anyOf": [{ "not": { "pattern": RESERVED_KEY } }, { "pattern": SETTABLE }],
    })
}

/// Returns the schema of a settings file.
fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|it| it.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Settings>().to_value();
    without_null(&mut schema);
    schema["title"] = json!("Settings of eni-bootstrap");
    schema["description"] = json!("A settings file in /etc/eni-bootstrap, such as 90-site.toml.");
    for section in sections() {
        let table = &mut schema["properties"][&section.name];
        table["description"] = json!(section.details().join("\n\n"));
        for setting in &section.settings {
            match setting.key.split_once('.') {
                Some((_, key)) => describe(&mut table["properties"][key], setting),
                None => describe(table, setting),
            }
        }
    }
    schema
}

/// Adds the texts about a setting, and its default if it is a value.
fn describe(schema: &mut Value, setting: &Setting) {
    assert!(schema.is_object(), "{} has no schema", setting.key);
    let paragraphs = setting.paragraphs();
    schema["description"] = json!(paragraphs.join("\n\n"));
    let texts = setting.documentation();
    if let Ok(default) = serde_json::from_str::<Value>(&texts.default) {
        schema["default"] = default;
    } else if let Ok(example) = serde_json::from_str::<Value>(&texts.example) {
        schema["examples"] = json!([example]);
    }
}

/// Removes that a value can be null, which TOML does not have, and the defaults of the Rust types. Adds the largest
/// number.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("default");
            unwrap_optional(object);
            if object.get("format") == Some(&json!("uint32")) {
                object.insert("maximum".to_owned(), json!(u32::MAX));
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(values) => {
            values.retain(|it| !it.is_null());
            values.iter_mut().for_each(without_null);
        }
        _ => {}
    }
}

/// Replaces the type of an optional value with the type of the value.
fn unwrap_optional(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get("type") {
        let types: Vec<&Value> = types.iter().filter(|it| **it != json!("null")).collect();
        if let [one] = types[..] {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    let null = json!({ "type": "null" });
    let Some(Value::Array(any)) = object.get("anyOf") else { return };
    if !any.contains(&null) {
        return;
    }
    let others: Vec<Value> = any.iter().filter(|it| **it != null).cloned().collect();
    object.remove("anyOf");
    for other in others {
        let Value::Object(other) = other else { continue };
        object.extend(other);
    }
    unwrap_optional(object);
}

#[test]
fn the_schema_is_generated() {
    expect("packaging/settings.schema.json", &format!("{:#}\n", schema()));
}

#[test]
fn no_value_can_be_null() {
    let text = schema().to_string();
    assert!(!text.contains("null"), "{text}");
}
