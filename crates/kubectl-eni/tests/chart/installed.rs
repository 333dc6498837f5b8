//! The chart in a real API server: a server-side dry run, the installation and the removal.

use super::helm::{Helm, chart, expect_golden, full_values, helm_program, repository};
use eni_bootstrap_real_parts::{Cluster, Who, cluster};
use serde_json::{Value, json};
use std::io::Write as _;
use tempfile::NamedTempFile;

/// Returns the API path of an object that the chart renders.
fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let version = text(&object["apiVersion"]);
    let root = if version.contains('/') { "apis" } else { "api" };
    let plural = format!("{}s", text(&object["kind"]).to_lowercase());
    let namespace = object["metadata"]["namespace"].as_str();
    let namespace = namespace.map(|it| format!("namespaces/{it}/")).unwrap_or_default();
    format!("/{root}/{version}/{namespace}{plural}/{}", text(&object["metadata"]["name"]))
}

/// Returns whether each object exists.
fn exist(cluster: &Cluster, objects: &[Value]) -> Vec<(String, bool)> {
    let exists = |object: &Value| cluster.get("admin-token", &path(object)).is_ok();
    objects.iter().map(|object| (path(object), exists(object))).collect()
}

fn all(objects: &[Value], expected: impl Fn(&str) -> bool) -> Vec<(String, bool)> {
    objects.iter().map(|it| (path(it), expected(it["kind"].as_str().unwrap()))).collect()
}

/// Runs Helm with the administrator's kubeconfig.
fn run(
    helm: &Helm,
    kubeconfig: &NamedTempFile,
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.path().display());
    helm.run(&[&[kubeconfig.as_str(), "--namespace=ops"], arguments].concat())
}

#[test]
fn the_chart_installs_into_an_api_server() {
    let (Some(helm), Some(cluster)) = (helm_program(), cluster()) else { return };
    cluster.install_cni(json!([]));
    cluster.apply(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "ops" },
    }));
    let mut kubeconfig = NamedTempFile::new().unwrap();
    kubeconfig.write_all(cluster.kubeconfig(Who::Admin).as_bytes()).unwrap();
    let (chart, full) = (chart(), full_values());
    let chart = chart.to_str().unwrap();
    let objects = helm.objects(&[&full]);
    assert_eq!(objects.len(), 18);

    let install = ["install", "test", chart, &full];
    let (status, _, stderr) =
        run(&helm, &kubeconfig, &[&install[..], &["--dry-run=server"]].concat());
    assert_eq!((status, &*stderr), (Some(0), ""));
    assert_eq!(exist(&cluster, &objects), all(&objects, |_| false), "a dry run creates nothing");

    let (status, _, stderr) = run(&helm, &kubeconfig, &install);
    assert_eq!((status, &*stderr), (Some(0), ""));
    assert_eq!(exist(&cluster, &objects), all(&objects, |_| true));
    let (status, notes, _) = run(&helm, &kubeconfig, &["get", "notes", "test"]);
    assert_eq!(status, Some(0));
    expect_golden("notes.txt", &notes);

    let (status, _, stderr) = run(&helm, &kubeconfig, &["uninstall", "test"]);
    assert_eq!((status, &*stderr), (Some(0), ""));
    let kept = all(&objects, |kind| kind == "ENIConfig");
    assert_eq!(exist(&cluster, &objects), kept, "nodes depend on the ENIConfigs");

    // An administrator applied the manifest before.
    cluster.apply_file(&repository().join("packaging/rbac.yaml"));
    let install = ["install", "test", chart];
    let (status, _, stderr) = run(&helm, &kubeconfig, &install);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("invalid ownership metadata"), "{stderr}");
    let (status, _, stderr) =
        run(&helm, &kubeconfig, &[&install[..], &["--take-ownership"]].concat());
    assert_eq!((status, &*stderr), (Some(0), ""));
}
