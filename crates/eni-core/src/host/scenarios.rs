//! Runs the scenarios in `tests/scenarios`: the files of an image in, the host and its changes out.
//!
//! A scenario is a directory, or a text file with a line `-- NAME --` before each of its files:
//!
//! | file | content |
//! |---|---|
//! | `root/…` | a file of the image |
//! | `user-data` | the instance's user data |
//! | `settings.toml` | the settings; without this file each of the four CNI modes is rendered |
//! | `aws-node.yaml` | the aws-node DaemonSet; without it the settings alone decide |
//! | `instance-type` | the instance type; c5.large without this file |
//! | `snap/SNAP/OPTION` | the value of a snap's option |
//! | `bottlerocket.json` | the settings API's response for `settings.kubernetes` |
//! | `expected.txt` | the result |
//!
//! To accept a change: `UPDATE_GOLDEN=1 cargo test -p eni-core scenarios`, and review the
//! difference.

mod files;

use super::bottlerocket::{Bottlerocket, ENI_MAX_PODS, LiveSettings, RECORD, ROOTFS, Record};
use super::change::tests::done;
use super::{Change, DetectedHost, HostKind, Image, Read};
use super::{check_image, check_user_data, detect, existing_config, later_reads};
use super::{reads, remove, user_data};
use crate::diagnostic::Severity;
use crate::domain::aws_node::AwsNode;
use crate::facts::Facts;
use crate::facts::fixture::facts;
use crate::failure::{Advice, report};
use crate::plan::plan;
use crate::settings::Settings;
use clap::ValueEnum as _;
use files::Scenario;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The name of a CNI mode, and its settings.
const MODES: [(&str, &str); 4] = [
    ("plain", "[cni]\ncustom-networking = false\n"),
    ("custom networking", ""),
    ("prefix delegation", "[cni]\ncustom-networking = false\nprefix-delegation = true\n"),
    ("custom networking and prefix delegation", "[cni]\nprefix-delegation = true\n"),
];
const EXPECTED: &str = "expected.txt";
const BOTTLEROCKET: &str = "bottlerocket.json";

#[test]
fn every_scenario_has_its_expected_result() {
    let (mut failures, mut results) = (Vec::new(), String::new());
    for path in &paths() {
        let scenario = Scenario::read(path);
        let expected = scenario.files.borrow_mut().remove(EXPECTED).unwrap_or_default();
        let result = scenario.result();
        results.push_str(&result);
        if result != expected && !updated(path, &result) {
            failures.push(format!(
                "{}: expected\n{expected}\nbut the result is\n{result}",
                path.display()
            ));
        }
    }
    assert!(failures.is_empty(), "{}\nUPDATE_GOLDEN=1 accepts the results", failures.join("\n"));
    for kind in HostKind::value_variants().iter().filter(|kind| **kind != HostKind::Auto) {
        assert!(results.contains(&format!("host: {kind} (")), "no scenario has the host {kind}");
    }
}

#[test]
fn a_second_run_changes_nothing_and_removal_restores_the_image() {
    for path in paths() {
        let scenario = Scenario::read(&path);
        // Removal does not restore what an earlier run wrote.
        let before = scenario.clone();
        before.apply(&remove(&before.image()));
        let Ok(first) = scenario.run("") else { continue };
        scenario.apply(&first.changes);
        let applied = scenario.clone();
        scenario.apply(&scenario.run("").unwrap().changes);
        assert_eq!(scenario, applied, "{}: second run", path.display());
        scenario.apply(&remove(&scenario.image()));
        // Bottlerocket's API cannot remove a setting.
        for scenario in [&scenario, &before] {
            scenario.files.borrow_mut().remove(BOTTLEROCKET);
        }
        assert_eq!(scenario, before, "{}: removal", path.display());
    }
}

fn paths() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Writes the result if `UPDATE_GOLDEN` is set. Returns whether it did.
#[expect(clippy::disallowed_methods, reason = "a test's own switch and fixture")]
fn updated(path: &Path, result: &str) -> bool {
    if std::env::var_os("UPDATE_GOLDEN").is_none() {
        return false;
    }
    if path.is_dir() {
        fs::write(path.join(EXPECTED), result).unwrap();
    } else {
        let text = fs::read_to_string(path).unwrap();
        let marker = format!("-- {EXPECTED} --\n");
        let inputs = text.split(&marker).next().unwrap_or_default();
        fs::write(path, format!("{inputs}{marker}{result}")).unwrap();
    }
    true
}

impl Scenario {
    fn apply(&self, changes: &[Change]) {
        for change in changes {
            done(change.apply(self)).unwrap();
        }
    }

    /// The image as the agent would read it.
    fn image(&self) -> Image {
        let mut image = Image::default();
        self.read_into(&mut image, reads());
        let later = later_reads(&image);
        self.read_into(&mut image, later);
        image.bottlerocket = self.bottlerocket();
        image
    }

    fn read_into(&self, image: &mut Image, reads: Vec<Read>) {
        for read in reads {
            match read {
                Read::FirstOf(paths) => {
                    let mut files = paths.into_iter().filter_map(|path| {
                        let text = self.root(&path)?;
                        Some((path, text))
                    });
                    if let Some((path, text)) = files.next() {
                        image.insert_file(path, text);
                    }
                }
                Read::Directory { path: directory, extensions } => {
                    for (name, text) in self.files.borrow().iter() {
                        let Some(path) = name.strip_prefix("root").map(Path::new) else { continue };
                        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
                        let is_read = extensions.iter().any(|it| extension == **it);
                        if path.parent() == Some(&directory) && is_read {
                            image.insert_file(path, text.as_str());
                        }
                    }
                }
                Read::KubeletUnitFiles => {
                    let program = image.kubelet_program();
                    for path in image.environment_files().into_iter().chain(program) {
                        if let Some(text) = self.root(&path) {
                            image.insert_file(path, text);
                        }
                    }
                }
                Read::SnapOption { option, unit } => {
                    let value = self.text(&format!("snap/{}/{}", option.snap, option.key));
                    if image.unit(unit).is_some() {
                        let value = value.unwrap_or_default();
                        image.insert_snap_option(option, value.trim());
                    }
                }
            }
        }
    }

    fn bottlerocket(&self) -> Option<Bottlerocket> {
        let kubernetes = self.text(BOTTLEROCKET)?;
        let tables = ENI_MAX_PODS.map(|table| self.root(Path::new(&format!("{ROOTFS}{table}"))));
        Some(Bottlerocket {
            live: LiveSettings::read(&kubernetes, "{}").unwrap(),
            record: self.root(Path::new(RECORD)).map(|text| Record::parse(&text).unwrap()),
            eni_max_pods: tables.into_iter().flatten().collect(),
        })
    }

    /// Everything but the changes as text, and the changes; or the error as text.
    fn run(&self, mode: &str) -> Result<Run, String> {
        let text = self.text("settings.toml").unwrap_or_else(|| mode.to_owned());
        let settings = Settings::from_toml(Path::new("settings.toml"), &text).unwrap();
        let image = self.image();
        let host = detect(settings.host.kind(), &image).map_err(|error| failure(&error))?;
        let node_config = self
            .text("user-data")
            .and_then(|text| user_data::node_config(text.as_bytes()).unwrap());
        let is_in_scope =
            check_image(&image).and_then(|()| node_config.as_ref().map_or(Ok(()), check_user_data));
        is_in_scope.map_err(|error| failure(&error))?;
        let node_config = node_config.map(|config| config.kubelet);
        let instance_type = self.text("instance-type");
        let facts = facts(instance_type.as_deref().unwrap_or("c5.large").trim());
        let instance_type = &facts.instance.instance_type;
        let existing = existing_config(&image, host.kind, instance_type, node_config.as_ref());
        let DetectedHost { kind, reason, .. } = &host;
        let mut lines = vec![format!("host: {kind} ({reason})")];
        lines.extend(existing.max_pods.iter().map(|it| format!("existing: {it}")));
        lines.extend(existing.node_labels.iter().map(|it| format!("existing: {it}")));
        if existing.has_kube_reserved_flag {
            lines.push("existing: a kubelet flag sets kube-reserved".to_owned());
        }
        let reserved = existing.kube_reserved.iter();
        lines.extend(reserved.map(|(key, value)| format!("existing: kube-reserved {key}={value}")));
        let expression = existing.max_pods_expression.iter();
        lines.extend(expression.map(|it| format!("existing: maxPodsExpression {it:?}")));
        let facts = Facts { host, existing, ..facts };
        let aws_node = self.text("aws-node.yaml").map(|text| aws_node(&text));
        let plan = plan(&facts, &settings, aws_node.as_ref()).map_err(|error| {
            let evidence = lines.join("\n");
            format!("{evidence}\n\n{}", failure(&error))
        })?;
        let evidence = lines.join("\n") + "\n";
        // The ENIConfig of the zone is the default.
        let eni_config = plan.wait.filter(|name| name.as_str() != "us-west-2a");
        let eni_config = eni_config.map(|name| format!(", ENIConfig {name}"));
        let summary =
            format!("max-pods {}{}", plan.kubelet.max_pods, eni_config.unwrap_or_default());
        let warnings = plan.diagnostics.iter().filter(|it| it.severity == Severity::Warning);
        let warnings = warnings.map(|it| format!("warning: {it}")).collect();
        Ok(Run { evidence, summary, warnings, changes: plan.changes })
    }

    /// The text of `expected.txt`.
    fn result(&self) -> String {
        let modes = match self.text("settings.toml") {
            Some(_) => &[("", "")][..],
            None => &MODES[..],
        };
        let mut text = String::new();
        for (mode, settings) in modes {
            let run = match self.run(settings) {
                Ok(run) => run,
                Err(error) => return error,
            };
            if text.is_empty() {
                text.push_str(&run.evidence);
            }
            let title = if mode.is_empty() { String::new() } else { format!("{mode}: ") };
            writeln!(text, "\n{title}{}", run.summary).unwrap();
            run.warnings.iter().for_each(|warning| writeln!(text, "{warning}").unwrap());
            for change in &run.changes {
                writeln!(text, "\n{}", change.show()).unwrap();
            }
        }
        text
    }
}

/// The text of an error.
fn failure(error: &dyn Advice) -> String {
    format!("{}\nexit code {}\n", report(error), error.exit_code().number())
}

struct Run {
    evidence: String,
    /// max-pods, and the ENIConfig if it is not that of the zone.
    summary: String,
    warnings: Vec<String>,
    changes: Vec<Change>,
}

/// The environment of the first container of a DaemonSet.
fn aws_node(daemon_set: &str) -> AwsNode {
    let daemon_set: Value = serde_saphyr::from_str(daemon_set).unwrap();
    let container = &daemon_set["spec"]["template"]["spec"]["containers"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let variables = container["env"].as_array().into_iter().flatten();
    let variables = variables.map(|it| (text(&it["name"]), text(&it["value"]))).collect();
    AwsNode::read(&variables, &text(&container["image"]))
}
