//! The chart has the same rules and bindings as the manifests in `packaging`.

use super::helm::{documents, helm_program, repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Returns the objects of a manifest.
fn manifest(name: &str) -> Vec<Value> {
    documents(&fs::read_to_string(repository().join("packaging").join(name)).unwrap())
}

/// Returns the objects by kind and name, without the labels of the chart.
fn by_name(mut objects: Vec<Value>) -> BTreeMap<String, Value> {
    for object in &mut objects {
        object["metadata"].as_object_mut().unwrap().remove("labels");
    }
    let key = |it: &Value| format!("{} {}", it["kind"], it["metadata"]["name"]);
    objects.into_iter().map(|object| (key(&object), object)).collect()
}

#[test]
fn node_permissions_are_those_of_the_manifest() {
    let Some(helm) = helm_program() else { return };
    assert_eq!(by_name(helm.objects(&[])), by_name(manifest("rbac.yaml")));
}

#[test]
fn operator_permissions_are_those_of_the_manifest() {
    let Some(helm) = helm_program() else { return };
    let values =
        "--set=nodes.rbac.create=false,operators.rbac.create=true,operators.rbac.apply=true";
    assert_eq!(by_name(helm.objects(&[values])), by_name(manifest("rbac-operator.yaml")));
}

/// The differences are the image, and fields of the chart that have the default of Kubernetes.
#[test]
fn the_audit_is_that_of_the_manifest() {
    let Some(helm) = helm_program() else { return };
    let values = "--set=nodes.rbac.create=false,audit.enabled=true,audit.image.repository=image";
    let mut rendered = by_name(helm.objects(&[values, "--namespace=kube-system"]));
    let mut expected = by_name(manifest("kubectl-eni/audit-cronjob.yaml"));
    let key = "\"CronJob\" \"eni-audit\"";
    let cron_job = rendered.get_mut(key).unwrap();
    let spec = cron_job["spec"].as_object_mut().unwrap();
    assert_eq!(spec.remove("suspend"), Some(Value::Bool(false)));
    let pod = |cron_job: &mut Value| -> Value {
        cron_job.pointer_mut("/spec/jobTemplate/spec/template/spec/containers/0").unwrap().take()
    };
    let (mut rendered_container, mut container) =
        (pod(cron_job), pod(expected.get_mut(key).unwrap()));
    assert_eq!(rendered, expected);
    let fields = rendered_container.as_object_mut().unwrap();
    assert_eq!(fields.remove("imagePullPolicy"), Some("IfNotPresent".into()));
    assert_eq!(fields["args"], serde_json::json!(["nodes", "--output=text"]));
    assert_eq!(container["args"], serde_json::json!(["nodes"]), "text is the default format");
    for name in ["image", "args"] {
        fields.remove(name);
        container.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(rendered_container, container);
}
