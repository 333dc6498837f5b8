//! Existing settings with which the kubelet registers a cordoned node.

use super::{ConfigLocation, flags};
use serde_json::Value;
use std::fmt;

/// The key in the kubelet's configuration file, and in a `NodeConfig`.
pub(crate) const KEY: &str = "registerWithTaints";
/// The taint of a cordoned node. The CNI attaches no network interface to a node that has it.
///
/// Source: `isNodeNonSchedulable`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s.
const UNSCHEDULABLE: (&str, &str) = ("node.kubernetes.io/unschedulable", "NoSchedule");

/// What a value configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    /// `registerWithTaints` or `--register-with-taints`.
    Taints,
    /// `--register-schedulable`.
    Schedulable,
}

/// An existing value that decides whether the kubelet registers a cordoned node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingRegistration {
    setting: Setting,
    /// Whether a node with this value is cordoned.
    is_cordoned: bool,
    pub location: ConfigLocation,
}

/// Formats the location and the value, such as `user data sets taint
/// node.kubernetes.io/unschedulable:NoSchedule`.
impl fmt::Display for ExistingRegistration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, effect) = UNSCHEDULABLE;
        match (self.setting, &self.location) {
            (Setting::Taints, ConfigLocation::Bottlerocket) => {
                write!(formatter, "{}.node-taints sets taint {key}:{effect}", self.location)
            }
            (Setting::Taints, location) => {
                write!(formatter, "{location} sets taint {key}:{effect}")
            }
            (Setting::Schedulable, location) => {
                write!(formatter, "{location} sets --register-schedulable=false")
            }
        }
    }
}

/// Returns the value of a taint list in a `KubeletConfiguration`; `None` for an empty list, which does
/// not replace another one.
pub(crate) fn registration_in_config(
    taints: &Value,
    location: ConfigLocation,
) -> Option<ExistingRegistration> {
    let taints = taints.as_array().filter(|taints| !taints.is_empty())?;
    let is_cordoned =
        taints.iter().any(|it| it["key"] == UNSCHEDULABLE.0 && it["effect"] == UNSCHEDULABLE.1);
    Some(ExistingRegistration { setting: Setting::Taints, is_cordoned, location })
}

/// Returns the value of `settings.kubernetes.node-taints`: effects, or values and effects, by key.
pub(crate) fn registration_in_bottlerocket<'a>(
    taints: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Option<ExistingRegistration> {
    let is_cordon = |text: &Value| {
        let effect = text.as_str().and_then(|text| text.rsplit(':').next());
        effect == Some(UNSCHEDULABLE.1)
    };
    let mut taints = taints.filter(|(key, _)| *key == UNSCHEDULABLE.0);
    let is_cordoned = taints.any(|(_, values)| match values {
        Value::Array(values) => values.iter().any(is_cordon),
        value => is_cordon(value),
    });
    let location = ConfigLocation::Bottlerocket;
    is_cordoned.then_some(ExistingRegistration { setting: Setting::Taints, is_cordoned, location })
}

/// Returns the values in kubelet flags. The last occurrence of a flag replaces the others.
///
/// Source: `RegisterWithTaintsVar`, `pkg/util/flag/flags.go`, kubernetes/kubernetes.
pub(super) fn registration_in_arguments(
    arguments: &[String],
    location: &ConfigLocation,
) -> Vec<ExistingRegistration> {
    let (key, effect) = UNSCHEDULABLE;
    let is_cordon = |taint: &str| {
        let (name, actual) = taint.rsplit_once(':').unwrap_or((taint, ""));
        actual == effect && name.split('=').next() == Some(key)
    };
    let taints = flags::values(arguments, "--register-with-taints").pop();
    let taints = taints.map(|value| (Setting::Taints, value.split(',').any(is_cordon)));
    // A boolean flag has no value in the next word.
    let schedulable = flags::values(arguments, "--register-schedulable").pop();
    let schedulable = schedulable.map(|value| {
        let is_false = matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False");
        (Setting::Schedulable, is_false)
    });
    let values = taints.into_iter().chain(schedulable);
    values
        .map(|(setting, is_cordoned)| ExistingRegistration {
            setting,
            is_cordoned,
            location: location.clone(),
        })
        .collect()
}

/// Returns the value in force with which the kubelet registers a cordoned node; `None` if the node is
/// schedulable. A flag replaces the list of all files.
pub(crate) fn cordon(registrations: &[ExistingRegistration]) -> Option<&ExistingRegistration> {
    let in_force = |setting: Setting| {
        let each = || registrations.iter().filter(|it| it.setting == setting);
        let flag = each().rfind(|it| it.location.is_flag());
        flag.or_else(|| each().next_back()).filter(|it| it.is_cordoned)
    };
    in_force(Setting::Taints).or_else(|| in_force(Setting::Schedulable))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of_flags(arguments: &str) -> Vec<ExistingRegistration> {
        registration_in_arguments(&flags::words(arguments), &ConfigLocation::Arguments)
    }

    #[test]
    fn only_the_cordon_taint_with_its_effect_counts() {
        for (arguments, is_cordoned) in [
            ("--register-with-taints=node.kubernetes.io/unschedulable:NoSchedule", true),
            (
                "--register-with-taints a=b:NoSchedule,node.kubernetes.io/unschedulable=:NoSchedule",
                true,
            ),
            ("--register-with-taints=node.kubernetes.io/unschedulable=x:NoSchedule", true),
            ("--register-with-taints=node.kubernetes.io/unschedulable:NoExecute", false),
            ("--register-with-taints=karpenter.sh/unregistered:NoExecute", false),
            (
                "--register-with-taints=node.kubernetes.io/unschedulable:NoSchedule --register-with-taints=a=b:NoSchedule",
                false,
            ),
            ("--register-schedulable=false", true),
            ("--register_schedulable=False", true),
            ("--register-schedulable=false --register-schedulable=true", false),
            ("--register-schedulable --v=2", false),
            ("--register-schedulable-x=false", false),
            ("", false),
        ] {
            assert_eq!(cordon(&of_flags(arguments)).is_some(), is_cordoned, "{arguments}");
        }
    }

    #[test]
    fn a_flag_replaces_the_taints_of_the_files() {
        let taint = json!([{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }]);
        let other = json!([{ "key": "team", "value": "blue", "effect": "NoSchedule" }]);
        let file = |taints: &Value| registration_in_config(taints, ConfigLocation::UserData);
        let text = |all: &[Option<ExistingRegistration>], arguments: &str| {
            let all: Vec<_> = all.iter().flatten().cloned().chain(of_flags(arguments)).collect();
            cordon(&all).map(ToString::to_string)
        };
        let taint_text = "user data sets taint node.kubernetes.io/unschedulable:NoSchedule";
        assert_eq!(text(&[file(&taint)], "").as_deref(), Some(taint_text));
        assert_eq!(text(&[file(&taint), file(&json!([]))], "").as_deref(), Some(taint_text));
        assert_eq!(text(&[file(&taint), file(&other)], ""), None);
        assert_eq!(text(&[file(&taint)], "--register-with-taints=a=b:NoSchedule"), None);
        assert_eq!(
            text(&[file(&other)], "--register-schedulable=false").as_deref(),
            Some("the kubelet command line sets --register-schedulable=false")
        );
        assert_eq!(file(&Value::Null), None);
    }

    #[test]
    fn taints_of_bottlerocket_are_a_text_or_a_list() {
        let text = |value: Value| {
            let taints = [("node.kubernetes.io/unschedulable", &value)];
            registration_in_bottlerocket(taints.into_iter()).map(|it| it.to_string())
        };
        let expected = "settings.kubernetes.node-taints sets taint node.kubernetes.io/unschedulable:NoSchedule";
        assert_eq!(text(json!(":NoSchedule")).as_deref(), Some(expected));
        assert_eq!(text(json!(["true:NoExecute", "true:NoSchedule"])).as_deref(), Some(expected));
        assert_eq!(text(json!(["true:NoExecute"])), None);
        let other = json!("true:NoSchedule");
        assert_eq!(registration_in_bottlerocket([("team", &other)].into_iter()), None);
    }
}
