//! The real nodeadm reads the drop-ins that eni-bootstrap renders for the inputs of the fuzz targets `settings`
//! and `labels`.

use super::real_nodeadm::Boot;
use crate::support::node::DROP_IN;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The plan does not depend on the cluster.
const FLAGS: [&str; 3] =
    ["--cni-source=settings", "--cni-custom-networking=false", "--host-kind=nodeadm"];

/// The kubelet configuration in user data.
const USER_DATA: &str = "  kubelet:
    config:
      podPidsLimit: 4096
    flags:
      - --node-labels=team=green
      - --v=4
";

/// Returns the inputs of a fuzz target by name.
fn inputs(target: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let mut paths: Vec<PathBuf> = Vec::new();
    for kind in ["corpus", "regressions"] {
        let entries = fs::read_dir(root.join(kind).join(target)).into_iter().flatten();
        paths.extend(entries.map(|entry| entry.unwrap().path()));
    }
    paths.sort();
    let text = |path: &PathBuf| String::from_utf8(fs::read(path).unwrap()).ok();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().filter_map(|path| Some((name(path), text(path)?))).collect()
}

/// Returns settings files, by the name of their input.
fn settings() -> Vec<(String, String)> {
    let labels = inputs("labels").into_iter().map(|(name, text)| {
        let pairs =
            text.lines().flat_map(|line| line.split(',')).filter_map(|it| it.split_once('='));
        let pairs = pairs.map(|(key, value)| format!("{} = {}\n", json!(key), json!(value)));
        (name, format!("[labels]\n{}", pairs.collect::<String>()))
    });
    inputs("settings").into_iter().chain(labels).collect()
}

#[test]
fn nodeadm_reads_the_planned_values_of_each_fuzz_input() {
    let Some(boot) = Boot::of("c5.large", 2, USER_DATA) else { return };
    let before = boot.kubelet_state();
    let (mut planned_inputs, mut rejected) = (Vec::new(), Vec::new());
    for (name, text) in settings() {
        boot.node.file("etc/eni-bootstrap/50-fuzz.toml", &text);
        let plan = boot.node.run(["plan", "--output=json"].iter().chain(&FLAGS));
        if plan.status != Some(0) {
            rejected.push(name);
            continue;
        }
        let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
        let run = boot.node.run(["run"].iter().chain(&FLAGS));
        assert_eq!(run.status, Some(0), "{name}: {}", run.stderr);
        assert!(boot.node.read(DROP_IN).is_some(), "{name}");
        let service = boot.run_service();
        assert_eq!(service.status, Some(0), "{name}: {}", service.stderr);
        let after = boot.kubelet_state();
        let kubelet = &plan["kubelet"];
        let mut expected = before.effective.clone();
        expected["maxPods"] = kubelet["max-pods"].clone();
        expected["kubeReserved"] = kubelet["kube-reserved"].clone();
        assert_eq!(after.effective, expected, "{name}");
        let mut labels = json!({ "team": "green" });
        for (key, value) in kubelet["node-labels"].as_object().unwrap() {
            labels[key] = value.clone();
        }
        assert_eq!(json!(after.labels), labels, "{name}");
        planned_inputs.push(name);
    }
    assert!(planned_inputs.len() >= 5, "{planned_inputs:?}, rejected: {rejected:?}");
}
