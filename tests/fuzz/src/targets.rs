//! The fuzz targets: one for each kind of input.

mod aws;
mod cluster;
pub mod images;
mod kubeconfig;

use crate::archive::Archive;
use crate::node::{AWS_NODE, BOTTLEROCKET, Node, SETTINGS, image};
use crate::readback::{check, shown, unit_files};
use crate::systemd::Unit;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::identifier::{InstanceId, InstanceType, Mac, SubnetId, VpcId};
use eni_core::domain::instance_limits::{InstanceLimits, NamedRow, rows};
use eni_core::domain::quantity::Quantity;
use eni_core::domain::zone::{Region, Zone, ZoneId};
use eni_core::host::cluster_hints::kubeconfig_hint;
use eni_core::host::{LoadedUnit, bottlerocket, file_text, user_data};
use eni_core::record::RunRecord;
use eni_core::settings::LabelMap;
use images::{BOTTLEROCKET_IMAGE, CONFIG_DIRECTORY, CONFIG_FILE, DROP_IN, KUBEADM, NODEADM, SNAP};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    /// The maximum size of an input in bytes.
    pub max_bytes: usize,
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, max_bytes: usize, run: fn(&[u8])) -> Target {
    Target { name, max_bytes, run }
}

/// The targets of `eni-core`, followed by those of the clients of the agent.
pub const TARGETS: &[Target] = &[
    target("settings", 4096, settings),
    target("user-data", 16 << 10, user_data),
    target("node-config", 4096, node_config),
    target("units", 8192, units),
    target("kubeadm", 4096, kubeadm),
    target("snap", 4096, snap),
    target("quantities", 256, quantities),
    target("labels", 1024, labels),
    target("kubelet-config", 4096, kubelet_config),
    target("last-run", 4096, last_run),
    target("systemctl-show", 4096, systemctl_show),
    target("aws-node", 4096, aws_node),
    target("bottlerocket", 4096, bottlerocket_answers),
    target("kubeconfig", 4096, kubeconfig),
    target("limits", 2048, limits),
    target("imds", 512, imds),
    target("eni-config", 4096, cluster::eni_config),
    target("watch", 8192, cluster::watch),
    target("daemon-set", 16 << 10, cluster::daemon_set),
    target("ec2", 8192, aws::ec2),
    target("eks", 8192, aws::eks),
    target("sts", 4096, aws::sts),
    target("exec-credential", 8192, kubeconfig::exec_credential),
    target("agent-kubeconfig", 8192, kubeconfig::agent_kubeconfig),
];

/// Returns the text of a file with these bytes, as the agent reads it.
fn text(data: &[u8]) -> String {
    file_text::decode(data)
}

/// Checks the plan of an image with one more file.
fn check_with(image: &[(&str, &str)], name: &str, text: &str) {
    let mut archive = Archive::of(image);
    archive.0.insert(name.to_owned(), text.to_owned());
    check(&archive);
}

fn settings(data: &[u8]) {
    let text = text(data);
    for image in [NODEADM, KUBEADM, DROP_IN, CONFIG_DIRECTORY, SNAP, BOTTLEROCKET_IMAGE] {
        check_with(image, SETTINGS, &text);
    }
}

fn user_data(data: &[u8]) {
    if let Ok(Some(config)) = user_data::node_config(data) {
        let again = user_data::node_config(data).ok().flatten();
        assert_eq!(Some(config), again);
        let text = text(data);
        check_with(NODEADM, "user-data", &text);
        check_with(DROP_IN, "user-data", &text);
    }
}

fn node_config(data: &[u8]) {
    let text = text(data);
    check_with(NODEADM, "user-data", &text);
    check_with(NODEADM, "root/etc/eks/nodeadm.d/50-operator.yaml", &text);
    check_with(NODEADM, "root/etc/eks/nodeadm.d/99-operator.yaml", &text);
}

fn units(data: &[u8]) {
    let text = text(data);
    assert_eq!(file_text::encode(&text), data);
    check(&Archive::parse(&text));
}

fn kubeadm(data: &[u8]) {
    let text = text(data);
    check_with(KUBEADM, "root/etc/default/kubelet", &text);
    check_with(KUBEADM, "root/var/lib/kubelet/kubeadm-flags.env", &text);
}

fn snap(data: &[u8]) {
    check_with(SNAP, "snap/kubelet-eks/args", &text(data));
}

fn quantities(data: &[u8]) {
    let text = text(data);
    let Ok(quantity) = text.parse::<Quantity>() else { return };
    assert_eq!(quantity.to_string(), text);
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '+' | '-');
    assert!(text.chars().all(is_plain), "{text:?}");
    let _ = quantity.bytes();
    check_with(NODEADM, SETTINGS, &format!("[reserve]\ncpu = '{text}'\nmemory = '{text}'\n"));
    check_with(CONFIG_FILE, SETTINGS, &format!("[reserve]\nephemeral-storage = '{text}'\n"));
}

fn labels(data: &[u8]) {
    let text = text(data);
    if let Ok(LabelMap(labels)) = text.parse() {
        assert_eq!(labels.to_string().parse(), Ok(LabelMap(labels)));
    }
    check_with(SNAP, "snap/kubelet-eks/args", &format!("--node-labels={text}"));
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let quoted = |it: &str| it.replace('\\', "\\\\").replace('"', "\\\"");
    let table = lines.map(|(key, value)| format!("\"{}\" = \"{}\"\n", quoted(key), quoted(value)));
    let settings = format!("[labels]\n{}", table.collect::<String>());
    check_with(NODEADM, SETTINGS, &settings);
    check_with(DROP_IN, SETTINGS, &settings);
}

fn kubelet_config(data: &[u8]) {
    let text = text(data);
    for (image, file) in [
        (CONFIG_FILE, "root/etc/kubernetes/kubelet/config.json"),
        (CONFIG_DIRECTORY, "root/etc/kubernetes/kubelet/conf.d/50-operator.conf"),
        (CONFIG_DIRECTORY, "root/etc/kubernetes/kubelet/conf.d/zzz.conf"),
        (DROP_IN, "root/etc/kubernetes/kubelet/kubelet-config.json"),
        (NODEADM, "root/etc/kubernetes/kubelet/config.json.d/60-operator.conf"),
    ] {
        check_with(image, file, &text);
    }
}

fn last_run(data: &[u8]) {
    let Ok(record) = RunRecord::parse(&text(data)) else { return };
    let again = record.to_text().expect("a record is JSON");
    assert_eq!(RunRecord::parse(&again).expect("a record"), record, "{again}");
    let _ = record.age(SystemTime::UNIX_EPOCH + Duration::from_hours(500_000));
    let _ = (record.cluster(), record.primary_subnet(), record.instance());
    let node = Node::new(&Archive::of(DROP_IN)).expect("a valid image");
    let _ = record.mismatch(&node.facts, &node.settings);
    let _ = record.limits(&node.facts.instance.instance_type);
    if let Some(aws_node) = record.aws_node() {
        let variables = serde_json::to_string(&aws_node.variables).expect("a map is JSON");
        check_with(DROP_IN, AWS_NODE, &variables);
    }
}

/// The output of `systemctl show`, followed by the files of the unit.
fn systemctl_show(data: &[u8]) {
    let text = text(data);
    let loaded = LoadedUnit::parse(text.split("-- root").next().unwrap_or_default());
    for image in [KUBEADM, CONFIG_DIRECTORY, NODEADM, SNAP] {
        let mut archive = Archive::of(image);
        let node = Node::new(&archive).expect("a valid image");
        archive.0.extend(Archive::parse(&text).0);
        let unit = Unit::load(&archive, "kubelet.service").unwrap_or_default();
        for check in node.facts.host.unit_checks(&node.plan.kubelet) {
            let files = unit_files(&check, &unit, &archive);
            for loaded in loaded.iter().chain(&LoadedUnit::parse(&shown(&unit))) {
                let _ = (check.verify(loaded, &files), check.script_warning(loaded, &files));
            }
        }
    }
}

fn aws_node(data: &[u8]) {
    let text = text(data);
    let Ok(variables) = serde_json::from_str::<BTreeMap<String, String>>(&text) else { return };
    let _ = AwsNode::read(&variables, &text);
    for image in [NODEADM, DROP_IN, BOTTLEROCKET_IMAGE] {
        check_with(image, AWS_NODE, &text);
    }
}

fn bottlerocket_answers(data: &[u8]) {
    let text = text(data);
    let _ = bottlerocket::LiveSettings::read(&text, &text);
    check_with(BOTTLEROCKET_IMAGE, BOTTLEROCKET, &text);
    check_with(BOTTLEROCKET_IMAGE, &format!("root{}", bottlerocket::RECORD), &text);
    check(&Archive::parse(&text));
    if let Some(image) = image(&Archive::parse(&text)).and_then(|it| it.bottlerocket) {
        let _ = bottlerocket::check_rendered(&image.live.kubelet, &text, &text);
    }
}

fn kubeconfig(data: &[u8]) {
    let text = text(data);
    let _ = kubeconfig_hint(&text, |_| Some("PEM".to_owned()));
    let _ = kubeconfig_hint(&text, |_| None);
}

/// The file with the limits of instance types.
fn limits(data: &[u8]) {
    for row in rows(&text(data)).filter_map(Result::ok) {
        let again = row.to_string().parse::<NamedRow>();
        assert_eq!(again.map(|it| it.to_string()).ok(), Some(row.to_string()));
        let NamedRow(name, row) = row;
        if let Ok(instance_type) = name.parse::<InstanceType>() {
            let _ = InstanceLimits::new(&instance_type, row);
        }
    }
}

/// An item of the instance metadata service. The IDs become parts of paths, labels and ENIConfig names.
fn imds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = [
        text.parse::<InstanceType>().map(|it| it.to_string()),
        text.parse::<InstanceId>().map(|it| it.to_string()),
        text.parse::<VpcId>().map(|it| it.to_string()),
        text.parse::<SubnetId>().map(|it| it.to_string()),
        text.parse::<Mac>().map(|it| it.to_string()),
        text.parse::<Zone>().map(|it| it.to_string()),
        text.parse::<ZoneId>().map(|it| it.to_string()),
        text.parse::<Region>().map(|it| it.to_string()),
    ];
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | ':');
    for value in parsed.into_iter().flatten() {
        assert_eq!(value, text);
        assert!(!text.starts_with('-') && text.chars().all(is_plain), "{text:?}");
    }
}

/// Runs a target on an input.
///
/// # Panics
///
/// Panics if the input violates a property of the target.
pub fn run(target: &Target, data: &[u8]) {
    if data.len() <= target.max_bytes {
        crate::client::within(|| (target.run)(data));
    }
}
