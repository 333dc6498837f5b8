//! The pipeline of `docs/kubectl-eni-capacity.md` that sets the zones of a Karpenter `NodePool`.

use super::golden::ThreeZones;
use super::world::World;
use eni_bootstrap_real_parts::{Who, program};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

/// Returns the jq filter in the documentation.
fn filter() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kubectl-eni-capacity.md");
    let page = fs::read_to_string(page).unwrap();
    let start = page.split("```jq\n").nth(1).expect("a block of jq");
    start.split("```").next().unwrap().to_owned()
}

/// Runs the filter on a `NodePool`. Returns the patch, or the error message.
fn run_filter(report: &Value, node_pool: &Value) -> Option<Result<Value, String>> {
    let jq = program("jq", "jq")?;
    let mut capacity = NamedTempFile::new().unwrap();
    capacity.write_all(report.to_string().as_bytes()).unwrap();
    let mut script = NamedTempFile::new().unwrap();
    script.write_all(filter().as_bytes()).unwrap();
    let mut command = Command::new(jq);
    command.args(["--slurpfile", "capacity"]).arg(capacity.path()).arg("-f").arg(script.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(node_pool.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let patch = || serde_json::from_slice(&output.stdout).unwrap();
    Some(if output.status.success() { Ok(patch()) } else { Err(stderr) })
}

/// Applies the patch to the `NodePool` without storing it, and returns the result of the API server.
fn dry_run(world: &World, patch: &Value) -> Value {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let kubeconfig = Kubeconfig::from_yaml(&world.cluster.kubeconfig(Who::Admin)).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        let kind = GroupVersionKind::gvk("karpenter.sh", "v1", "NodePool");
        let kind = ApiResource::from_gvk_with_plural(&kind, "nodepools");
        let api: Api<DynamicObject> = Api::all_with(Client::try_from(config).unwrap(), &kind);
        let params = PatchParams { dry_run: true, ..PatchParams::default() }.validation_strict();
        let patched = api.patch("default", &params, &Patch::Merge(patch)).await.unwrap();
        patched.data
    })
}

#[test]
fn the_documented_pipeline_sets_the_zones_of_a_node_pool() {
    let Some(ThreeZones { world, .. }) = ThreeZones::start() else { return };
    let crd =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/capacity/karpenter.sh_nodepools.yaml");
    world.cluster.apply_file(&crd);
    let kept = json!({ "key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"] });
    let zones = |zones: &[&str]| json!({ "key": "topology.kubernetes.io/zone", "operator": "In", "values": zones });
    let class = json!({ "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default" });
    world.cluster.apply(json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": { "name": "default" },
        "spec": { "template": { "spec": {
            "nodeClassRef": class,
            "requirements": [zones(&["us-west-2b"]), kept],
        } } },
    }));
    let stored = world.cluster.get("admin-token", "/apis/karpenter.sh/v1/nodepools/default");
    let node_pool = stored.unwrap();
    let report = world.json(&["--instance-type", "m5.large"]);
    let Some(patch) = run_filter(&report, &node_pool) else { return };
    let patched = dry_run(&world, &patch.unwrap());
    let requirements = &patched["spec"]["template"]["spec"]["requirements"];
    assert_eq!(*requirements, json!([kept, zones(&["us-west-2c"])]));
    assert_eq!(patched["spec"]["template"]["spec"]["nodeClassRef"], class);
    let full = json!({ "zones": [{ "zone": "us-west-2a", "canTakeNode": false }] });
    let error = run_filter(&full, &node_pool).unwrap().unwrap_err();
    assert!(error.contains("no zone can take a node"), "{error}");
}
