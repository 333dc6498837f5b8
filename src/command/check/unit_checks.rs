//! The check that systemd will start the kubelet with the plan.

use crate::adapter::{disk, systemd};
use crate::apply::effect::{self, VerifiedUnit};
use crate::command::node_session::NodeSession;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::failure::{Advice as _, one_line};
use eni_core::plan::Plan;
use std::path::Path;

/// Compares the units that systemd has loaded with the plan. Returns nothing if no running systemd uses
/// the root directory.
pub(super) async fn diagnostics(node: &NodeSession, plan: &Plan) -> Vec<Diagnostic> {
    let root = &node.context.root;
    let checks = node.facts.host.unit_checks(&plan.in_force);
    if !systemd::manages(root) || checks.is_empty() {
        return Vec::new();
    }
    if !is_applied(root, plan) {
        let help = Some("run `eni-bootstrap plan --output diff` to see the changes".to_owned());
        let text = "the files on this node differ from this plan";
        return vec![Diagnostic::skipped(Code::UnitNotChecked, text, help)];
    }
    let mut diagnostics = Vec::new();
    for check in checks {
        match effect::inspect(&check).await {
            Ok(Some(VerifiedUnit { name, warning: None })) => {
                let text = format!("{name} will use the planned configuration");
                diagnostics.push(Diagnostic::ok(Code::UnitOk, text));
            }
            Ok(Some(VerifiedUnit { warning: Some(warning), .. })) => diagnostics.push(warning),
            Ok(None) => {}
            Err(error) => {
                let text = one_line(&error);
                diagnostics.push(Diagnostic::failed(Code::UnitMismatch, text, error.help()));
            }
        }
    }
    diagnostics
}

/// Returns whether the node already has every change of the plan.
fn is_applied(root: &Path, plan: &Plan) -> bool {
    plan.changes.iter().all(|change| {
        let compared = change.compare(|path| disk::read(&disk::under(root, path)));
        compared.is_ok_and(|compared| compared.current == compared.new)
    })
}
