//! The faults of the settings API of Bottlerocket.

use std::time::Duration;

use eni_bootstrap_sandbox::Applier;
use serde_json::json;

use super::case::{Case, Host};
use super::stack::Stack;

/// How late an applier renders.
const RENDERING: Duration = Duration::from_millis(1500);

impl Stack {
    /// Begins a fault of the settings API.
    pub fn begin_bottlerocket_fault(&mut self, fault: &str) {
        let server = self.bottlerocket.as_mut().expect("host = \"bottlerocket\"");
        match fault {
            "down" => server.kill(),
            "removed" => server.remove(),
            "restarted" => {
                server.kill();
                server.revive();
            }
            "locked-down" => server.lock_down(),
            "template-fails" => server.set_applier(Applier::TemplateFails),
            "renders-late" => server.set_applier(Applier::After(RENDERING)),
            "cannot-start" => server.set_applier(Applier::CannotStart),
            "cannot-start-once" => server.set_applier_once(Applier::CannotStart),
            "commit-fails-halfway" => server.fail_commit_after(1),
            "overridden" => server.override_commits(&json!({ "kubernetes": { "max-pods": 110 } })),
            other => panic!("unknown fault {other:?}"),
        }
    }

    /// Ends all faults of the settings API.
    pub fn end_bottlerocket_faults(&mut self, case: &Case) {
        let Some(server) = self.bottlerocket.as_mut().filter(|_| case.host == Host::Bottlerocket)
        else {
            return;
        };
        server.faults().clear();
        server.set_applier(Applier::AtOnce);
        server.override_commits(&json!({}));
        let is_down = |it: &str| matches!(it, "down" | "removed");
        if case.inject.iter().filter_map(|it| it.bottlerocket.as_deref()).any(is_down) {
            server.kill();
            server.revive();
        }
    }
}
