//! The central property: what eni-bootstrap writes gives the kubelet exactly the planned arguments. Readers
//! that share no code with eni-bootstrap read the files.

use crate::archive::Archive;
use crate::kubelet::Effective;
use crate::node::{Node, applied, restored};
use crate::systemd::{Command, Unit};
use eni_core::host::{Change, HostKind, LoadedUnit, UnitCheck, UnitFiles};
use serde_yaml_ng::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const KUBELET: &str = "kubelet.service";
/// The unit that `bootstrap.sh` of Amazon Linux 2 copies over [`KUBELET`].
const AL2_UNIT: &str = "root/etc/eks/containerd/kubelet-containerd.service";
/// The drop-in of eni-bootstrap for the kubelet itself.
const CONFIGURATION: &str = "zz-eni-bootstrap.conf";

/// Plans the configuration of a node and reads it back.
///
/// # Panics
///
/// Panics if the kubelet would get other arguments than planned.
pub fn check(archive: &Archive) {
    let Some(node) = Node::new(archive) else { return };
    let planned = Effective::planned(&node.plan.kubelet);
    check_values(&planned);
    let after = applied(archive, &node.plan.changes);
    match node.facts.host.kind {
        HostKind::Nodeadm => check_nodeadm(&node, &planned, &after),
        HostKind::Snap => check_snap(&node, &planned),
        HostKind::Bottlerocket => check_bottlerocket(&node, &planned),
        HostKind::Kubeadm | HostKind::KubeletDropin => {
            let before = restored(archive).expect("the image was read before");
            check_unit(&node, &planned, &before, &after);
        }
        HostKind::None | HostKind::Auto => {}
    }
}

/// Checks that no value can be read as a second value or argument.
fn check_values(planned: &Effective) {
    let maps = [&planned.kube_reserved, &planned.node_labels];
    for (key, value) in maps.into_iter().flatten() {
        let is_bad = |it: char| {
            it.is_whitespace()
                || it.is_control()
                || matches!(it, ',' | '=' | '"' | '\'' | '\\' | '$' | '%' | '`')
        };
        assert!(!key.is_empty() && !key.contains(is_bad), "the key {key:?} of a planned value");
        assert!(!value.contains(is_bad), "the planned value {value:?} of {key}");
    }
}

/// Returns the contents of a YAML file that eni-bootstrap owns.
fn yaml(contents: &str) -> Value {
    serde_yaml_ng::from_str(contents).unwrap_or_else(|error| panic!("{error} in:\n{contents}"))
}

fn strings(value: &Value) -> Vec<String> {
    let values = value.as_sequence().into_iter().flatten();
    values.map(|it| it.as_str().expect("a string").to_owned()).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    let entries = value.as_mapping().into_iter().flatten();
    entries.map(|(key, _)| key.as_str().unwrap_or_default()).collect()
}

fn check_nodeadm(node: &Node, planned: &Effective, after: &Archive) {
    let contents = after.root("/etc/eks/nodeadm.d/90-eni-bootstrap.yaml").expect("the drop-in");
    let file = yaml(contents);
    assert_eq!(keys(&file), ["apiVersion", "kind", "spec"], "{contents}");
    assert_eq!(
        (&file["apiVersion"], &file["kind"]),
        (&"node.eks.aws/v1alpha1".into(), &"NodeConfig".into())
    );
    assert_eq!(keys(&file["spec"]), ["kubelet"], "{contents}");
    let kubelet = &file["spec"]["kubelet"];
    assert_eq!(keys(kubelet), ["maxPodsExpression", "config", "flags"], "{contents}");
    let mut effective = Effective::default();
    effective.add_configuration(&kubelet["config"]).expect(contents);
    assert_eq!(kubelet["maxPodsExpression"].as_str(), effective.max_pods.as_deref(), "{contents}");
    effective.add_arguments(&strings(&kubelet["flags"])).expect(contents);
    // The file needs no other resources without the flag.
    let mut planned = planned.clone();
    if !node.plan.kubelet.needed_flags.kube_reserved {
        planned.kube_reserved.retain(|key, _| effective.kube_reserved.contains_key(key));
        assert_eq!(planned.kube_reserved.len(), 3);
    }
    assert_eq!(effective, planned, "{contents}");
}

/// Checks the value of the snap's option. The snap splits it at white space.
fn check_snap(node: &Node, planned: &Effective) {
    let [Change::SnapOption { current, value, .. }, ..] = &node.plan.changes[..] else {
        panic!("{:?}", node.plan.changes)
    };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (words(current), words(value));
    let existing = after.len().checked_sub(3).expect("three arguments");
    assert_eq!(after[..existing], before[..existing], "the existing arguments, in {value:?}");
    let mut effective = Effective::default();
    effective.add_arguments(&after[existing..]).expect(value);
    assert_eq!(effective, *planned, "{value}");
}

fn check_bottlerocket(node: &Node, planned: &Effective) {
    let [Change::BottlerocketSettings { settings, record_before, record_after, .. }] =
        &node.plan.changes[..]
    else {
        panic!("{:?}", node.plan.changes)
    };
    let effective = Effective {
        max_pods: settings.max_pods.map(|it| it.to_string()),
        kube_reserved: settings.kube_reserved.clone(),
        node_labels: settings.node_labels.clone(),
    };
    assert_eq!(effective, *planned);
    for text in [record_before, record_after] {
        let record = eni_core::host::bottlerocket::Record::parse(text);
        record.unwrap_or_else(|error| panic!("{error} in the record:\n{text}"));
    }
}

/// Checks that the unit starts the kubelet with its existing arguments, followed by those of the plan.
fn check_unit(node: &Node, planned: &Effective, before: &Archive, after: &Archive) {
    let (before, after) = (started(before), started(after));
    let Ok(old) = Unit::load(&before, KUBELET) else { return };
    let Ok(old_arguments) = old.arguments(&before) else { return };
    // The command of systemd is then another one than the command in the files.
    if old.has_bad_drop_in {
        return;
    }
    let context = |reason: &str| context(reason, &after, &old_arguments);
    // systemd does not start a unit that it cannot read.
    let Ok(new) = Unit::load(&after, KUBELET) else { return };
    let Ok(new_arguments) = new.arguments(&after) else { return };
    let exact = exact_difference(node, planned, &old_arguments, (&new_arguments, &after));
    let Err(reason) = exact else { return };
    for check in node.facts.host.unit_checks(&node.plan.kubelet) {
        let loaded = LoadedUnit::parse(&shown(&new)).expect("LoadState");
        let result = check.verify(&loaded, &unit_files(&check, &new, &after));
        assert!(result.is_err(), "{}", context(&reason));
    }
}

/// Returns the image when the kubelet starts.
fn started(archive: &Archive) -> Archive {
    let mut archive = archive.clone();
    if let Some(unit) = archive.0.remove(AL2_UNIT) {
        archive.0.insert(format!("root/etc/systemd/system/{KUBELET}"), unit);
    }
    archive
}

/// Returns an error if the new arguments are not the old ones followed by the planned ones.
fn exact_difference(
    node: &Node,
    planned: &Effective,
    old: &[Vec<String>],
    (new, after): (&[Vec<String>], &Archive),
) -> Result<(), String> {
    let [old] = old else { return Err(format!("{} commands", old.len())) };
    let [new] = new else { return Err(format!("{} commands", new.len())) };
    let added = new.strip_prefix(&old[..]).ok_or_else(|| format!("existing arguments: {new:?}"))?;
    let mut effective = Effective::default();
    let mut planned = planned.clone();
    let configuration = node.plan.changes.iter().find_map(|change| match change {
        Change::OwnedFile { path, contents }
            if path.ends_with(CONFIGURATION) && !path.starts_with("/etc/systemd") =>
        {
            Some((path, contents))
        }
        _ => None,
    });
    let mut arguments = added;
    if let Some((path, contents)) = configuration {
        let directory = path.parent().unwrap_or(path).display().to_string();
        let flag = format!("--config-dir={directory}");
        if added.first() == Some(&flag) {
            arguments = &added[1..];
        }
        effective
            .add_configuration(&yaml(contents))
            .map_err(|key| format!("{key} in {contents}"))?;
        if !node.plan.kubelet.needed_flags.kube_reserved {
            planned.kube_reserved.retain(|key, _| effective.kube_reserved.contains_key(key));
        }
        assert!(after.root(&path.display().to_string()).is_some());
    }
    effective.add_arguments(arguments).map_err(|argument| format!("the argument {argument:?}"))?;
    if effective == planned { Ok(()) } else { Err(format!("{effective:?}")) }
}

fn context(reason: &str, after: &Archive, old: &[Vec<String>]) -> String {
    let mut text = format!("unplanned arguments: {reason}\nbefore: {old:?}\n");
    for (name, contents) in &after.0 {
        let _ = writeln!(text, "-- {name} --\n{contents}");
    }
    text
}

/// Returns the output of `systemctl show` of systemd 252.
#[must_use]
pub fn shown(unit: &Unit) -> String {
    let mut text = String::from("LoadState=loaded\nNeedDaemonReload=no\n");
    for Command { path, words, expands } in &unit.commands {
        let argv = words.join(" ");
        let _ = writeln!(
            text,
            "ExecStart={{ path={path} ; argv[]={argv} ; ignore_errors=no ; start_time=[n/a] }}"
        );
        let flags = if *expands { "" } else { "no-env-expand" };
        let _ = writeln!(
            text,
            "ExecStartEx={{ path={path} ; argv[]={argv} ; flags={flags} ; start_time=[n/a] }}"
        );
    }
    let quoted = |word: String| {
        let is_plain = word.chars().all(|it| it.is_alphanumeric() || "-_=./:,@".contains(it));
        let escaped =
            word.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`");
        if is_plain { word } else { format!("\"{escaped}\"") }
    };
    let environment =
        unit.environment.iter().map(|(name, value)| quoted(format!("{name}={value}")));
    let _ = writeln!(text, "Environment={}", environment.collect::<Vec<_>>().join(" "));
    for file in &unit.environment_files {
        let path = file.strip_prefix('-').unwrap_or(file);
        let ignored = if path == file { "no" } else { "yes" };
        let _ = writeln!(text, "EnvironmentFiles={path} (ignore_errors={ignored})");
    }
    let unset = unit.unset.iter().cloned().map(quoted).collect::<Vec<_>>();
    let _ = writeln!(text, "UnsetEnvironment={}", unset.join(" "));
    text
}

/// Returns the files that the agent reads for the check of a unit.
#[must_use]
pub fn unit_files(check: &UnitCheck, unit: &Unit, after: &Archive) -> UnitFiles {
    let environment = unit.environment_files.iter().map(|file| {
        let path = file.strip_prefix('-').unwrap_or(file);
        (PathBuf::from(path), after.root(path).unwrap_or_default().to_owned())
    });
    let program = unit.commands.first().map(|it| it.path.as_str()).unwrap_or_default();
    let script = after.root(program).filter(|it| it.starts_with("#!")).map(str::to_owned);
    let directory = check.config_directory().and_then(|it| it.to_str());
    let config = directory.into_iter().flat_map(|directory| {
        let files = after
            .directory(directory)
            .filter(|(name, _)| Path::new(name).extension().is_some_and(|it| it == "conf"));
        files.map(move |(name, text)| {
            (PathBuf::from(format!("{directory}/{name}")), text.to_owned())
        })
    });
    UnitFiles {
        unit: Vec::new(),
        environment: environment.collect(),
        script,
        config: config.collect(),
    }
}
