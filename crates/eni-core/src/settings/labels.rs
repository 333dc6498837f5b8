//! The section `[labels]`, which is a map and not a set of keys.

use super::table::{Definition, Section};
use super::value::{LabelMap, SettingType as _};
use clap::builder::ValueParser;

/// Returns the section.
pub(super) fn labels() -> Section {
    let definition = Definition {
        section: "labels",
        key: "",
        lines: &["Additional node labels"],
        value_name: "KEY=VALUE,…",
        default: || ("none".to_owned(), String::new()),
        values: LabelMap::VALUES,
        parser: ValueParser::from(clap::value_parser!(LabelMap)),
        options: &[],
        switch: false,
    };
    Section {
        name: "labels".to_owned(),
        settings: vec![definition.setting()],
        lines: &[
            "Additional node labels.",
            "",
            "The kubelet sets them when it registers the node. eni-bootstrap always sets the labels topology.kubernetes.io/zone and topology.kubernetes.io/region. It rejects labels that the kubelet sets itself, such as kubernetes.io/os.",
        ],
    }
}
