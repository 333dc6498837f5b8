//! The result of all checks: the messages on stderr, the JSON and the exit code.

use super::apply::{Application, Outcome};
use super::manifest;
use super::naming::PlannedConfig;
use super::network::Network;
use super::verification::Finding;
use crate::cluster::ClusterIdentity;
use crate::output;
use eni_core::diagnostic::{Diagnostic, Severity};
use eni_core::failure::ExitCode;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The checks of the ENIConfigs and the zones without a subnet for pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    findings: Vec<Finding>,
    /// The zones of the cluster without a selected subnet.
    missing: Vec<String>,
    strict: bool,
}

impl Report {
    /// Returns the report. Without a network, the zones of the cluster are unknown, which is a skipped check.
    pub(super) fn new(
        findings: Vec<Finding>,
        network: Option<&Network>,
        planned: &[PlannedConfig],
        strict: bool,
    ) -> Self {
        let zones = network.into_iter().flat_map(|network| &network.zones);
        let is_missing = |zone: &&String| !planned.iter().any(|it| it.subnet.zone == **zone);
        let missing = zones.filter(is_missing).cloned().collect();
        Self { findings, missing, strict }
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|it| it.diagnostic.severity == severity).count()
    }

    /// Returns whether something was skipped, or a zone has no subnet.
    fn is_incomplete(&self) -> bool {
        self.count(Severity::Skipped) > 0 || !self.missing.is_empty()
    }

    /// Returns whether the ENIConfigs must not be used.
    pub(super) fn blocks(&self) -> bool {
        self.count(Severity::Failed) > 0 || (self.strict && self.is_incomplete())
    }

    /// Returns the exit code.
    pub(super) fn exit_code(&self, has_conflicts: bool) -> ExitCode {
        match (self.blocks() || has_conflicts, self.is_incomplete()) {
            (true, _) => ExitCode::CheckFailed,
            (false, true) => ExitCode::CheckSkipped,
            (false, false) => ExitCode::Success,
        }
    }

    /// Prints each check that did not pass, and each zone without a subnet, on stderr.
    pub(super) fn print_problems(&self) {
        output::note(&self.problems());
    }

    fn problems(&self) -> String {
        let mut text = String::new();
        for Finding { eni_config, diagnostic } in &self.findings {
            let Diagnostic { code, severity, text: note, help } = diagnostic;
            if matches!(severity, Severity::Ok | Severity::Info) {
                continue;
            }
            let scope = eni_config.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            let line = format!("{severity}: {scope}{}: {note}", code.subject());
            text.push_str(&output::wrapped("", "  ", &line));
            if let Some(help) = help {
                text.push_str(&output::wrapped("  → ", "    ", help));
            }
        }
        for zone in &self.missing {
            let warning = format!(
                "warning: {zone}: no subnet for pods selected, but the cluster has subnets in this zone"
            );
            text.push_str(&output::wrapped("", "  ", &warning));
            let help = format!(
                "add a subnet in {zone} with these tags or in these ranges, or list it in `--subnet-ids`"
            );
            text.push_str(&output::wrapped("  → ", "    ", &help));
        }
        text
    }

    /// Prints the number of checks on stderr. `is_used` is whether the ENIConfigs were printed or sent.
    pub(super) fn print_summary(&self, application: Option<Application>) {
        output::note(&self.summary(application));
    }

    fn summary(&self, application: Option<Application>) -> String {
        let count = |severity| self.count(severity);
        let warnings = count(Severity::Warning) + self.missing.len();
        let noun = if warnings == 1 { "warning" } else { "warnings" };
        let mut text = format!(
            "checks: {} ok, {warnings} {noun}, {} failed, {} skipped\n",
            count(Severity::Ok) + count(Severity::Info),
            count(Severity::Failed),
            count(Severity::Skipped),
        );
        if self.blocks() {
            let reason = if count(Severity::Failed) > 0 {
                "a check failed"
            } else {
                "--strict is set, and a check was skipped or a zone has no subnet for pods"
            };
            let unused = match application {
                None => "no ENIConfig is printed",
                Some(_) => "no ENIConfig was sent to the API server",
            };
            let _ = writeln!(text, "{unused}: {reason}");
        }
        text
    }

    /// Returns the ENIConfigs, the checks and the results of `--apply` or `--dry-run` as JSON.
    pub(super) fn json(
        &self,
        identity: &ClusterIdentity,
        vpc: Option<&str>,
        planned: &[PlannedConfig],
        sent: Option<(Application, &Outcome)>,
    ) -> String {
        let mut json = json!({
            "cluster": identity.name,
            "region": identity.region,
            "vpc": vpc,
            "eniConfigs": planned.iter().map(manifest::json).collect::<Vec<Value>>(),
            "zonesWithoutSubnet": self.missing,
            "checks": self.findings,
        });
        if let Some((application, outcome)) = sent {
            json["dryRun"] = (application == Application::Simulate).into();
            for (key, value) in outcome.json() {
                json[key] = value;
            }
        }
        format!("{json:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::naming::tests::planned;
    use super::*;
    use eni_core::diagnostic::Code;

    fn report(diagnostics: Vec<Diagnostic>, zones: &[&str], strict: bool) -> Report {
        let finding = |diagnostic| Finding { eni_config: Some("a".to_owned()), diagnostic };
        let findings = diagnostics.into_iter().map(finding).collect();
        let network = Network {
            vpc: "vpc-1".to_owned(),
            zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
            security_group: None,
        };
        Report::new(findings, Some(&network), &planned(), strict)
    }

    #[test]
    fn the_exit_code_depends_on_failed_checks_then_on_skipped_ones() {
        use ExitCode::{CheckFailed, CheckSkipped, Success};
        let ok = || Diagnostic::ok(Code::SubnetOk, "");
        let warning = || Diagnostic::warning(Code::ManySecurityGroups, "", "");
        let skipped = || Diagnostic::skipped(Code::SubnetNotChecked, "", None);
        let failed = || Diagnostic::failed(Code::SubnetFull, "", "");
        let zones = &["us-west-2a", "us-west-2b"][..];
        let more = &["us-west-2a", "us-west-2c"][..];
        for (diagnostics, zones, strict, code, blocks) in [
            (vec![ok(), warning()], zones, true, Success, false),
            (vec![ok(), skipped()], zones, false, CheckSkipped, false),
            (vec![ok(), skipped()], zones, true, CheckFailed, true),
            (vec![ok()], more, false, CheckSkipped, false),
            (vec![ok()], more, true, CheckFailed, true),
            (vec![failed(), skipped()], zones, false, CheckFailed, true),
        ] {
            let report = report(diagnostics, zones, strict);
            assert_eq!((report.exit_code(false), report.blocks()), (code, blocks), "{report:?}");
            assert_eq!(report.exit_code(true), CheckFailed);
        }
    }

    #[test]
    fn messages_contain_the_zone_the_subject_and_the_help() {
        let diagnostics = vec![
            Diagnostic::ok(Code::SubnetOk, "not printed"),
            Diagnostic::failed(Code::SubnetFull, "subnet-1 is full", "select another"),
            Diagnostic::skipped(Code::SecurityGroupsNotChecked, "access denied", None),
        ];
        let report = report(diagnostics, &["us-west-2c"], false);
        assert_eq!(
            report.problems(),
            "failed: a: subnet: subnet-1 is full\n  → select another\n\
             skipped: a: security groups: access denied\n\
             warning: us-west-2c: no subnet for pods selected, but the cluster has subnets in this zone\n  → add a subnet in us-west-2c with these tags or in these ranges, or list it in `--subnet-ids`\n"
        );
        assert_eq!(
            report.summary(None),
            "checks: 1 ok, 1 warning, 1 failed, 1 skipped\nno ENIConfig is printed: a check failed\n"
        );
    }
}
