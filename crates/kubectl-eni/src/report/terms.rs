//! Each term of the calculation with its source.

use super::result::Plan;
use eni_core::domain::capacity::MaxPodsOverride;

/// A number of the calculation.
#[derive(Debug)]
pub(super) struct SourcedTerm {
    pub name: &'static str,
    pub value: String,
    pub source: String,
}

/// The codes of the diagnostics about settings that take precedence over the aws-node DaemonSet.
const SETTING_CODES: [&str; 3] =
    ["setting-overrides-daemonset", "setting-matches-daemonset", "setting-without-variable"];

/// Returns the terms that are part of the calculation of this node, in its order.
pub(super) fn sourced_terms(plan: &Plan) -> Vec<SourcedTerm> {
    let capacity = &plan.capacity;
    let mut terms = Vec::new();
    let mut add = |name, value: u32, source: String| {
        terms.push(SourcedTerm { name, value: value.to_string(), source });
    };
    let limits = limits_source(&plan.limits.source);
    let cni = |variable: &str, setting: &str| cni_source(plan, variable, setting);
    let tags = || "tag kubernetes.io/role/cni of the subnet".to_owned();
    let prefixes = || cni("ENABLE_PREFIX_DELEGATION", "cni.prefix-delegation");
    if let Some(addresses) = capacity.attached_addresses {
        add(
            "addresses of the attached network interfaces",
            addresses,
            "instance metadata".to_owned(),
        );
    } else if !capacity.counts_attached_only() {
        add("network interfaces of the default network card", capacity.interfaces, limits.clone());
        if let Some(max_eni) = capacity.max_eni {
            add("at most (MAX_ENI)", max_eni, cni("MAX_ENI", "cni.max-eni"));
        }
        for (name, value, source) in [
            (
                "− primary, excluded by custom networking",
                capacity.primary_set_aside,
                cni("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "cni.custom-networking"),
            ),
            ("− primary, in an excluded subnet", capacity.primary_excluded, tags()),
            ("− attached in excluded subnets", capacity.attached_excluded, tags()),
            (
                "− trunk for security groups for pods",
                capacity.trunk,
                cni("ENABLE_POD_ENI", "cni.pod-eni"),
            ),
            ("− reserved, not managed by the CNI", capacity.reserved, cni("", "cni.reserved-enis")),
            ("− not created in an excluded subnet", capacity.not_created, tags()),
            (
                "+ on other network cards",
                capacity.other_cards,
                format!("{limits}; {}", cni("ENABLE_MULTI_NIC", "cni.multi-nic")),
            ),
        ] {
            if value > 0 {
                add(name, value, source);
            }
        }
        add("network interfaces for pods", capacity.interfaces_for_pods, "calculated".to_owned());
        if capacity.addresses.is_some() {
            let name = if capacity.addresses_per_slot > 1 {
                "× prefixes each"
            } else {
                "× addresses each"
            };
            let source = format!("{limits}, without the primary address");
            add(name, capacity.slots_per_interface, source);
            if capacity.addresses_per_slot > 1 {
                add("× addresses in a prefix", capacity.addresses_per_slot, prefixes());
            }
        }
    }
    if let Some(target) = capacity.address_target {
        let source = cni("MINIMUM_IP_TARGET", "cni.minimum-ip-target");
        add("addresses, at most", target, source);
    }
    if let Some(uncapped) = capacity.uncapped {
        let source = "aws-node and kube-proxy, and pods.extra".to_owned();
        add("+ host-network pods", capacity.host_network_pods, source);
        add("pods before the ceiling", uncapped, "calculated".to_owned());
    }
    if let Some(ceiling) = capacity.ceiling {
        add("ceiling", ceiling, "pods.ceiling; default: 110, or 250 above 30 vCPUs".to_owned());
    }
    match &capacity.max_pods_override {
        Some(MaxPodsOverride::Setting { value }) => {
            add("override", *value, "pods.max in the settings".to_owned());
        }
        Some(MaxPodsOverride::Existing { value, source }) => {
            add("override", *value, source.clone());
        }
        None => {}
    }
    let source = if capacity.max_pods_override.is_some() { "override" } else { "calculated" };
    add("max-pods", capacity.max_pods, source.to_owned());
    if plan.max_pods_in_force != capacity.max_pods {
        let source = "kubelet configuration of the node; see the diagnostics".to_owned();
        add("max-pods in force", plan.max_pods_in_force, source);
    }
    terms
}

/// Returns where the limits of the instance type come from.
pub(super) fn limits_source(source: &str) -> String {
    match source {
        "override-file" => "/etc/eni-bootstrap/instance-types.csv",
        "embedded-table" => "embedded table of instance types",
        "ec2" => "ec2:DescribeInstanceTypes",
        "last-run" => "record of the last successful run",
        other => other,
    }
    .to_owned()
}

/// Returns where the configuration of the CNI comes from.
pub(super) fn cni_base(plan: &Plan) -> &'static str {
    if plan.cni.source == "settings" {
        "settings of eni-bootstrap"
    } else if plan.cni_is_recorded {
        "record of the last successful run"
    } else {
        "aws-node DaemonSet"
    }
}

/// Returns where a value of the CNI comes from: the setting, if a diagnostic states it, or else the source of
/// the whole configuration.
fn cni_source(plan: &Plan, variable: &str, setting: &str) -> String {
    let prefix = format!("{setting} = ");
    let is_set = plan
        .diagnostics
        .iter()
        .any(|note| SETTING_CODES.contains(&note.code.as_str()) && note.text.starts_with(&prefix));
    if is_set || plan.cni.source == "settings" || variable.is_empty() {
        format!("{setting} in the settings")
    } else {
        format!("{variable}, {}", cni_base(plan))
    }
}

#[cfg(test)]
mod tests;
