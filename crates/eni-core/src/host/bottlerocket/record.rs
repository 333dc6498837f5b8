//! The record of the settings that eni-bootstrap configured. The API does not show who set a value.

use super::KubeletSettings;
use crate::domain::eni_config::DEFAULT_LABEL;
use crate::domain::label;
use crate::host::NOTICE;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The settings that eni-bootstrap configured. The user's values that eni-bootstrap kept are not in
/// the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// The settings that were committed.
    #[serde(flatten)]
    pub committed: KubeletSettings,
    /// The settings that a run was about to commit. They may be live if that run failed.
    #[serde(default)]
    pub pending: KubeletSettings,
}

/// The labels that version 0.1.0 always overwrote, but did not record.
const LABELS: [&str; 3] = [label::ZONE, label::REGION, DEFAULT_LABEL];

impl Record {
    /// Parses [`super::RECORD`].
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Returns the values in `live` that eni-bootstrap configured.
    #[must_use]
    pub(super) fn own(&self, live: &KubeletSettings) -> KubeletSettings {
        let mut own = live.common(&self.committed).or(live.common(&self.pending));
        if !self.has_labels() {
            let labels = live.node_labels.iter().filter(|(key, _)| LABELS.contains(&key.as_str()));
            own.node_labels.extend(labels.map(|(key, value)| (key.clone(), value.clone())));
        }
        own
    }

    /// Returns whether the record contains labels. Version 0.1.0 did not record them.
    pub(super) fn has_labels(&self) -> bool {
        [&self.committed, &self.pending].iter().any(|it| !it.node_labels.is_empty())
    }

    /// Returns the text of the file.
    pub(super) fn to_toml(&self) -> String {
        let notice = NOTICE.lines().next().unwrap_or_default();
        let mut text = format!(
            "{notice}\n# The settings that eni-bootstrap configured. It uses them to detect values that others set.\n"
        );
        append(&mut text, "", &self.committed);
        if self.pending != KubeletSettings::default() {
            text.push_str(
                "\n# The settings that a run was about to commit. They are live if it failed after the commit.\n[pending]\n",
            );
            append(&mut text, "pending.", &self.pending);
        }
        text
    }
}

/// Appends `settings` to a TOML text. `prefix` precedes the names of the tables.
fn append(text: &mut String, prefix: &str, settings: &KubeletSettings) {
    let KubeletSettings { max_pods, kube_reserved, node_labels } = settings;
    // Writing to a String cannot fail.
    if let Some(max_pods) = max_pods {
        let _ = writeln!(text, "max-pods = {max_pods}");
    }
    let mut table = |name: &str, entries: &BTreeMap<String, String>| {
        if entries.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n[{prefix}{name}]");
        for (key, value) in entries {
            // Neither labels nor quantities contain quotes or backslashes.
            let _ = writeln!(text, "\"{key}\" = \"{value}\"");
        }
    };
    table("kube-reserved", kube_reserved);
    table("node-labels", node_labels);
}

#[cfg(test)]
mod tests;
