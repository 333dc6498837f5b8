//! The configurations of the CNI and the settings of the nodes for which the expressions are proven.

use eni_core::domain::capacity::{Capacity, CapacityOptions, NodeNetwork, PrimarySubnet};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::{InstanceLimits, embedded_rows};
use eni_core::plan::effective_cni;
use eni_core::settings::Settings;
use std::path::Path;

/// Settings of which every configuration contains one line of each group.
const GROUPS: [&[&str]; 6] = [
    &["cni.custom-networking = false", "cni.custom-networking = true"],
    &["", "cni.prefix-delegation = true"],
    &["", "cni.pod-eni = true"],
    &["", "cni.max-eni = 2", "cni.max-eni = 4"],
    &["", "cni.reserved-enis = 1"],
    &["", "pods.ceiling = \"none\""],
];

/// Further settings, each with and without custom networking and prefixes.
const SINGLE: [&str; 14] = [
    "cni.max-eni = 1",
    "cni.max-eni = 3\ncni.pod-eni = true\ncni.reserved-enis = 2",
    "cni.multi-nic = true",
    "cni.multi-nic = true\npods.ceiling = \"none\"",
    "cni.minimum-ip-target = 30",
    "cni.minimum-ip-target = 30\ncni.warm-ip-target = 5",
    "cni.minimum-ip-target = 30\ncni.pod-eni = true\npods.ceiling = \"none\"",
    "pods.ceiling = \"58\"",
    "pods.extra = 3",
    "pods.max = 40",
    "cni.version = \"1.19.0\"\ncni.pod-eni = true",
    "cni.version = \"1.8.0\"\npods.ceiling = \"none\"",
    "cni.primary-subnet-excluded = true",
    "cni.primary-subnet-excluded = true\ncni.pod-eni = true\npods.ceiling = \"none\"",
];

/// Configurations that exist only without custom networking.
const IPV6: [&str; 4] = [
    "",
    "\ncni.primary-subnet-excluded = true",
    "\npods.ceiling = \"50\"",
    "\ncni.reserved-enis = 1\ncni.primary-subnet-excluded = true\npods.max = 70",
];

/// Returns the text of every settings file.
pub fn configurations() -> Vec<String> {
    let combined = |groups: &[&[&str]]| {
        groups.iter().fold(vec![String::new()], |texts, group| {
            let each = texts
                .iter()
                .flat_map(|text| group.iter().map(move |line| format!("{text}{line}\n")));
            each.collect()
        })
    };
    let mut all = combined(&GROUPS);
    for base in combined(&GROUPS[..2]) {
        all.extend(SINGLE.iter().map(|single| format!("{base}{single}\n")));
    }
    let ipv6 =
        "cni.custom-networking = false\ncni.prefix-delegation = true\ncni.ip-family = \"ipv6\"";
    all.extend(IPV6.iter().map(|single| format!("{ipv6}{single}\n")));
    all
}

/// An instance type with its limits.
pub type NamedLimits = (String, InstanceLimits);

/// Returns every instance type in the embedded table.
pub fn instance_types() -> Vec<NamedLimits> {
    let each = embedded_rows().map(|(name, row)| {
        let instance_type: InstanceType = name.parse().unwrap();
        (name.to_owned(), InstanceLimits::new(&instance_type, row))
    });
    each.collect()
}

/// Returns max-pods of the nodes of each instance type, `None` if no pod can run.
pub fn max_pods_of_nodes(settings: &str, types: &[NamedLimits]) -> Vec<Option<u32>> {
    let settings = Settings::from_toml(Path::new("settings"), settings).unwrap();
    let (cni, _) = effective_cni(&settings.cni, None);
    let primary_subnet = match settings.cni.primary_subnet_excluded {
        Some(true) => PrimarySubnet::Excluded,
        _ => PrimarySubnet::Included,
    };
    let network = NodeNetwork { primary_subnet, ..NodeNetwork::default() };
    let options = CapacityOptions { network, ..settings.pods.capacity_options() };
    let max_pods = |limits| Capacity::compute(limits, cni.config, options.clone()).ok();
    types.iter().map(|(_, limits)| Some(max_pods(limits)?.max_pods)).collect()
}
