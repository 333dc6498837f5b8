//! Existing resource maps of the kubelet's configuration, such as `kubeReserved`.

use super::{ConfigLocation, flags};
use serde_json::Value;
use std::collections::BTreeMap;

/// A map from resources or eviction signals to quantities in the kubelet's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceMap {
    /// `kubeReserved`.
    KubeReserved,
    /// `systemReserved`.
    SystemReserved,
    /// `evictionHard`.
    EvictionHard,
}

impl ResourceMap {
    const ALL: [Self; 3] = [Self::KubeReserved, Self::SystemReserved, Self::EvictionHard];

    fn key(self) -> &'static str {
        match self {
            Self::KubeReserved => "kubeReserved",
            Self::SystemReserved => "systemReserved",
            Self::EvictionHard => "evictionHard",
        }
    }

    /// Returns the flag, and what separates a key and a value in it.
    pub(super) fn flag(self) -> (&'static str, char) {
        match self {
            Self::KubeReserved => ("--kube-reserved", '='),
            Self::SystemReserved => ("--system-reserved", '='),
            Self::EvictionHard => ("--eviction-hard", '<'),
        }
    }
}

/// The existing entries of a resource map at one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingResources {
    pub map: ResourceMap,
    /// The quantities by resource or signal, as they are written.
    pub quantities: BTreeMap<String, String>,
    pub location: ConfigLocation,
}

/// Returns the resource maps in a `KubeletConfiguration`. `map_of` returns the value of a key.
pub(crate) fn resources_in_config<'a>(
    map_of: impl Fn(&str) -> Option<&'a Value>,
    location: &ConfigLocation,
) -> Vec<ExistingResources> {
    let maps = ResourceMap::ALL.into_iter().filter_map(|map| {
        let value = map_of(map.key()).filter(|value| value.is_object())?;
        Some(ExistingResources { map, quantities: quantities(value), location: location.clone() })
    });
    maps.collect()
}

/// Returns the entries of a map of resources; empty if `map` is not a map.
pub(crate) fn quantities(map: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let entries = map.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()
}

/// Returns the resource maps in kubelet flags. Quantities with a variable of systemd are omitted.
pub(super) fn resources_in_arguments(
    arguments: &[String],
    location: &ConfigLocation,
) -> Vec<ExistingResources> {
    let maps = ResourceMap::ALL.into_iter().filter_map(|map| {
        let (flag, separator) = map.flag();
        let values = flags::values(arguments, flag);
        let entries = values.iter().flat_map(|value| flags::pairs(value, separator));
        let quantities = entries
            .filter(|(key, value)| !key.contains('$') && !value.contains('$'))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let resources = ExistingResources { map, quantities, location: location.clone() };
        (!values.is_empty()).then_some(resources)
    });
    maps.collect()
}

/// Returns the entries of `map` in force, with the location of each.
///
/// The kubelet merges the maps of its files key by key. A flag replaces the map of all files, and
/// several flags are merged key by key.
///
/// Source: `MapStringString`, `staging/src/k8s.io/component-base/cli/flag/map_string_string.go`,
/// and `kubeletConfigFlagPrecedence`, `cmd/kubelet/app/server.go`, kubernetes/kubernetes.
pub(crate) fn in_force(
    resources: &[ExistingResources],
    map: ResourceMap,
) -> BTreeMap<&str, (&str, &ConfigLocation)> {
    let of_map = || resources.iter().filter(|it| it.map == map);
    let is_flag = of_map().any(|it| it.location.is_flag());
    let effective = of_map().filter(|it| it.location.is_flag() == is_flag);
    effective
        .flat_map(|it| {
            let entries = it.quantities.iter();
            entries.map(|(key, value)| (key.as_str(), (value.as_str(), &it.location)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_flag_replaces_the_map_of_the_files() {
        let config = json!({ "kubeReserved": { "pid": 1000, "cpu": "1" }, "evictionHard": null });
        let file = ConfigLocation::KubeletConfig("/etc/kubelet.yaml".to_owned());
        let mut resources = resources_in_config(|key| config.get(key), &file);
        let read = |resources: &[ExistingResources]| {
            let entries = in_force(resources, ResourceMap::KubeReserved).into_iter();
            entries.map(|(key, (value, _))| format!("{key}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(read(&resources), ["cpu=1", "pid=1000"]);
        let arguments = "--kube-reserved=cpu=2,memory=$M --kube-reserved ephemeral-storage=1Gi \
                         --kube-reserved-cgroup=/runtime --eviction-hard=memory.available<5%";
        resources
            .extend(resources_in_arguments(&flags::words(arguments), &ConfigLocation::Arguments));
        assert_eq!(read(&resources), ["cpu=2", "ephemeral-storage=1Gi"]);
        let eviction = in_force(&resources, ResourceMap::EvictionHard);
        assert_eq!(eviction["memory.available"], ("5%", &ConfigLocation::Arguments));
    }
}
