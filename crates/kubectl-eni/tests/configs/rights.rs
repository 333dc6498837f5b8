//! Each right of `configs` in `packaging/rbac-operator.yaml` is necessary: without it, the command fails or skips a
//! check as documented.

use super::site::{Run, Site, expect_golden};
use eni_bootstrap_real_parts::Who;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The user of the kubeconfig.
const USER: &str = "system:node:ip-10-20-0-10.us-west-2.compute.internal";
const TAG: [&str; 2] = ["--subnet-tag", "tier"];
/// The roles that `configs` needs. `kubectl-eni` in kube-system is a Role.
const ROLES: [(&str, &str); 2] = [("ClusterRole", "kubectl-eni-configs"), ("Role", "kubectl-eni")];

/// Returns the roles and their bindings in the manifest, bound to the user of the test.
fn manifest() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/rbac-operator.yaml");
    let text = fs::read_to_string(path).unwrap();
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    objects.retain(|object| {
        let kind = object["kind"].as_str().unwrap().trim_end_matches("Binding");
        ROLES.iter().any(|role| *role == (kind, object["metadata"]["name"].as_str().unwrap()))
    });
    for object in &mut objects {
        if object.get("subjects").is_some() {
            object["subjects"] =
                json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER }]);
        }
    }
    assert_eq!(objects.len(), 2 * ROLES.len());
    objects
}

/// Applies the roles without one verb of one resource.
fn grant_without(site: &Site, removed: Option<(&str, &str)>) {
    for mut object in manifest() {
        if let Some(rules) = object.get_mut("rules").and_then(Value::as_array_mut) {
            for rule in &mut *rules {
                let verbs = rule["verbs"].as_array().unwrap().iter().filter(|verb| {
                    let is_removed = |(verb_of, resource): (&str, &str)| {
                        **verb == verb_of && rule["resources"] == json!([resource])
                    };
                    !removed.is_some_and(is_removed)
                });
                rule["verbs"] = verbs.cloned().collect();
            }
            rules.retain(|rule| rule["verbs"] != json!([]));
        }
        site.cluster.apply(object);
    }
}

#[test]
fn each_right_of_configs_is_necessary() {
    let pods = &[("tier", "pods")];
    let Some(site) = Site::new(&[
        ("us-west-2a", "10.0.64.0/20", pods),
        ("us-west-2b", "10.0.80.0/20", pods),
        ("us-west-2c", "10.0.96.0/20", pods),
    ]) else {
        return;
    };
    let apply = [&TAG[..], &["--apply"]].concat();
    let mut texts = Vec::new();
    let run = |key: (&str, &str), arguments: &[&str]| site.run_as(Who::Node, key, arguments);
    let shown = |result: Run, arguments: &[&str]| result.text(arguments).replace(USER, "USER");
    let test = ("test", "test");

    for right in [
        ("get", "daemonsets"),
        ("get", "eniconfigs"),
        ("patch", "eniconfigs"),
        ("create", "eniconfigs"),
    ] {
        grant_without(&site, Some(right));
        let (verb, resource) = right;
        let result = shown(run(test, &apply), &apply);
        texts.push(format!("# without {verb} {resource}\n{result}"));
        if right != ("get", "daemonsets") {
            assert_eq!(site.spec("us-west-2a"), None, "without {verb} {resource}");
            continue;
        }
        for zone in ["a", "b", "c"] {
            let name = format!("us-west-2{zone}");
            site.cluster.delete(&format!("/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/{name}"));
        }
    }
    grant_without(&site, None);
    texts.push(format!("# with all rights\n{}", shown(run(test, &apply), &apply)));
    expect_golden("kubernetes-rights.txt", &texts.join("\n"));
}
