//! The files in `examples`: each is parsed, by the parser of its tool where possible.

use crate::check::terraform::Module;
use crate::check::{bottlerocket, objects, script, settings, user_data, yaml};
use crate::{assert_none, repository, text_of};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Returns the paths of all files in `examples`, sorted.
fn files() -> Vec<String> {
    let (mut files, mut folders) = (Vec::new(), vec!["examples".to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository(&folder)).unwrap().map(Result::unwrap) {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let list = if entry.file_type().unwrap().is_dir() { &mut folders } else { &mut files };
            list.push(path);
        }
    }
    files.sort();
    files
}

/// Parses an example.
fn check(path: &str) -> Result<(), String> {
    let text = text_of(path);
    match Path::new(path).extension().and_then(|it| it.to_str()) {
        Some("txt") => user_data::check(&text),
        Some("toml") => bottlerocket::user_data(&text),
        Some("yaml") => objects::check(&text),
        // The test of the module.
        Some("tf" | "tftpl") if path.starts_with("examples/terraform/") => Ok(()),
        Some("md") => Ok(()),
        _ => Err("no parser for this file".into()),
    }
}

#[test]
fn each_example_is_valid() {
    let files = files();
    assert!(files.len() >= 18, "{files:?}");
    let problem = |path: &String| Some(format!("{path}: {}", check(path).err()?));
    assert_none(&files.iter().filter_map(problem).collect::<Vec<_>>());
}

#[test]
fn terraform_module_declares_its_references_and_passes_user_data() {
    let folder = repository("examples/terraform");
    let module = Module::read(&folder).unwrap();
    assert_none(&module.wrong_references());
    let user_data = module.user_data().unwrap();
    assert_eq!(user_data.len(), 2, "managed and self-managed");
    for text in &user_data {
        assert_eq!(user_data::check(text), Ok(()), "{text}");
        let config = crate::check::node_config::own(text).unwrap();
        assert_eq!(config.cluster.name.as_deref(), Some("my-cluster"));
        assert_eq!(config.kubelet.max_pods, None);
    }
}

#[test]
fn settings_in_scripts_are_valid() {
    let mut found = 0;
    for path in files().iter().filter(|path| path.contains("user-data")) {
        if let Ok(parts) = user_data::parts(&text_of(path)) {
            for (kind, body) in parts {
                // The user uncomments these lines.
                let body = body.replace("\n# ", "\n");
                for text in user_data::settings_in_script(&body) {
                    assert_eq!(settings(&text), Ok(()), "{path}: {kind}");
                    found += 1;
                }
            }
        }
    }
    assert_eq!(found, 2, "al2.txt and al2023.txt contain settings in comments");
}

#[test]
fn no_example_sets_max_pods_for_the_kubelet() {
    let is_user_data = |path: &&String| path.contains("user-data");
    for path in files().iter().filter(is_user_data) {
        let text = text_of(path);
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().starts_with('#')).collect();
        let text = lines.join("\n");
        assert!(!text.contains("maxPods") && !text.contains("--max-pods"), "{path}");
    }
}

#[test]
fn eni_configs_and_node_pools_have_the_same_three_zones() {
    let zones = ["us-west-2a", "us-west-2b", "us-west-2c"];
    let configs = yaml(&text_of("examples/eni-config.yaml")).unwrap();
    let names: Vec<_> = configs.iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, zones);
    let subnets: BTreeSet<_> =
        configs.iter().map(|it| it["spec"]["subnet"].as_str().unwrap()).collect();
    assert_eq!(subnets.len(), 3);
    let mut pools = 0;
    for path in files().iter().filter(|path| path.starts_with("examples/karpenter/")) {
        let objects = yaml(&text_of(path)).unwrap();
        let node_class = &objects[0]["metadata"]["name"];
        let pool = &objects[1]["spec"]["template"]["spec"];
        assert_eq!(pool["nodeClassRef"]["name"], *node_class, "{path}");
        let requirements = pool["requirements"].as_array().unwrap();
        let zone =
            requirements.iter().find(|it| it["key"] == "topology.kubernetes.io/zone").unwrap();
        assert_eq!(zone["values"], serde_json::json!(zones), "{path}");
        pools += 1;
    }
    assert_eq!(pools, 4);
    for path in ["examples/eksctl/managed.yaml", "examples/eksctl/self-managed.yaml"] {
        let config: &Value = &yaml(&text_of(path)).unwrap()[0];
        let groups = ["managedNodeGroups", "nodeGroups"].map(|key| &config[key][0]);
        let group = groups.into_iter().find(|it| !it.is_null()).unwrap();
        assert_eq!(group["availabilityZones"], serde_json::json!(zones), "{path}");
    }
}

/// The comment in each example of a bootstrap container shows the settings that its value contains.
#[test]
fn comments_show_the_encoded_settings() {
    use base64::Engine as _;
    let mut found = 0;
    for path in files() {
        let text = text_of(&path);
        let mut comment = String::new();
        for line in text.lines().map(str::trim_start) {
            if let Some(line) = line.strip_prefix('#') {
                comment += line.strip_prefix(' ').unwrap_or(line);
                comment.push('\n');
            } else {
                if let Some(value) = line.strip_prefix("user-data = \"") {
                    let value = value.trim_end_matches('"');
                    let decoded = base64::prelude::BASE64_STANDARD.decode(value).unwrap();
                    let (_, shown) = comment.split_once("This value contains:\n\n").unwrap();
                    assert_eq!(shown, String::from_utf8(decoded).unwrap(), "{path}");
                    found += 1;
                }
                comment.clear();
            }
        }
    }
    assert_eq!(found, 2);
}

/// The page lists each example once.
#[test]
fn the_page_lists_each_example() {
    let page = text_of("examples/README.md");
    let missing = files().into_iter().filter(|path| {
        let name = path.trim_start_matches("examples/");
        !path.ends_with("README.md") && !page.contains(&format!("]({name})"))
    });
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_scripts_of_the_new_user_data_end_on_a_failure() {
    for (path, command) in [
        ("examples/user-data/ubuntu-eks.txt", "/etc/eks/bootstrap.sh"),
        ("examples/user-data/kubeadm.txt", "kubeadm"),
    ] {
        let parts = user_data::parts(&text_of(path)).unwrap();
        let (_, body) = parts.iter().find(|(kind, _)| kind == "text/x-shellscript").unwrap();
        assert_eq!(script::check(body), Ok(()), "{path}");
        assert!(body.contains("\nset -eu\n"), "{path}");
        assert!(user_data::calls(body, command), "{path}");
    }
}
