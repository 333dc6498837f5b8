//! What can be wrong with an ENIConfig, before its subnet is compared with EC2.

use super::FALLBACK;
use crate::diagnostic::{Code, Diagnostic};

/// Returns the failure of a missing ENIConfig, with a command that creates it. `zone` is the zone
/// that its subnet must be in, if it is known.
#[must_use]
pub fn not_found(name: &str, zone: Option<&str>) -> Diagnostic {
    let zone = zone.unwrap_or("the node's zone");
    Diagnostic::failed(
        Code::EniConfigNotFound,
        format!("{name:?} not found"),
        format!(
            "create the ENIConfig with a subnet in {zone}:
kubectl apply -f - <<'EOF'
apiVersion: crd.k8s.amazonaws.com/v1alpha1
kind: ENIConfig
metadata:
  name: {name}
spec:
  subnet: SUBNET-ID
  securityGroups:
    - SECURITY-GROUP-ID
EOF"
        ),
    )
}

/// Returns the failure of an ENIConfig without a subnet. `zone` is the zone that its subnet must be
/// in, or `None` if no node uses the ENIConfig.
#[must_use]
pub fn without_subnet(name: &str, zone: Option<&str>) -> Diagnostic {
    let help = match zone {
        Some(zone) => {
            format!("set spec.subnet to a subnet in {zone}: `kubectl edit eniconfig {name}`")
        }
        None => {
            format!("set spec.subnet, or delete the ENIConfig: `kubectl delete eniconfig {name}`")
        }
    };
    Diagnostic::failed(Code::EniConfigWithoutSubnet, format!("{name:?} has no spec.subnet"), help)
}

/// Returns the warning about an ENIConfig named [`FALLBACK`].
///
/// The CNI falls back to it without an error if it cannot read the Node object within 3 s.
#[must_use]
pub fn default_exists() -> Diagnostic {
    Diagnostic::warning(
        Code::EniConfigDefault,
        format!(
            "an ENIConfig named {FALLBACK:?} exists; the CNI uses it in any zone if the CNI cannot read the Node object or the Node object has no ENIConfig label"
        ),
        format!(
            "delete it, unless it is suitable for every node: `kubectl delete eniconfig {FALLBACK}`"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_for_a_missing_eniconfig_is_a_complete_command() {
        let diagnostic = not_found("prod-a", Some("us-west-2a"));
        assert_eq!(
            (diagnostic.code, &*diagnostic.text),
            (Code::EniConfigNotFound, "\"prod-a\" not found")
        );
        assert_eq!(
            diagnostic.help.unwrap(),
            "create the ENIConfig with a subnet in us-west-2a:\n\
             kubectl apply -f - <<'EOF'\n\
             apiVersion: crd.k8s.amazonaws.com/v1alpha1\n\
             kind: ENIConfig\n\
             metadata:\n  name: prod-a\n\
             spec:\n  subnet: SUBNET-ID\n  securityGroups:\n    - SECURITY-GROUP-ID\n\
             EOF"
        );
    }

    #[test]
    fn a_default_eniconfig_is_a_warning_with_the_command_that_deletes_it() {
        assert_eq!(
            default_exists(),
            Diagnostic::warning(
                Code::EniConfigDefault,
                "an ENIConfig named \"default\" exists; the CNI uses it in any zone if the CNI cannot read the Node object or the Node object has no ENIConfig label",
                "delete it, unless it is suitable for every node: `kubectl delete eniconfig default`",
            )
        );
    }
}
