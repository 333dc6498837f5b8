//! Every right of Kubernetes is necessary.

use super::cases::CASES;
use super::manifest::{Manifest, Right, without};
use super::site::{DAEMON_SETS, Key, Run, Site};
use super::users;
use serde_json::{Value, json};
use std::fmt::Write as _;

const AWS_NODE: &str = "aws-node";

/// Returns the results of the commands without each of the rights that they use. `runs` are those with all rights.
pub fn rows(site: &Site, manifest: &Manifest, runs: &[Run], key: &Key) -> String {
    let mut text = String::new();
    let mut without_aws_node = Vec::new();
    for (role, rights) in manifest.rights() {
        for right in rights {
            if right.resource == "daemonsets" && right.name.as_deref() != Some(AWS_NODE) {
                without_aws_node.push((role, right));
                continue;
            }
            site.cluster.apply(without(role, &right));
            let _ = writeln!(text, "# without {right}");
            let mut changed = 0;
            for (case, complete) in users(runs, |run| uses(run, &right)) {
                let run = site.run(case, key);
                let problem = run.problem(complete).unwrap_or_else(|| panic!("{right}: {run:?}"));
                let _ = writeln!(text, "{}: exit code {}: {problem}", case.name, run.code);
                assert_ne!(run.code, complete.code, "{} without {right}: {run:?}", case.name);
                assert_eq!(run.created, Vec::<&str>::new(), "{} without {right}", case.name);
                changed += 1;
            }
            assert!(changed > 0, "no command uses the right to {right}");
        }
        site.cluster.apply(role.clone());
    }
    text + &other_cnis(site, &without_aws_node, key)
}

/// Returns whether a command uses the right. A patch of server-side apply may create the object, for which the API
/// server also requires the right to create it.
fn uses(run: &Run, right: &Right) -> bool {
    let verb = if right.verb == "create" { "patch" } else { &right.verb };
    let sent = Right { verb: verb.to_owned(), ..right.clone() };
    run.requests.iter().any(|request| sent.allows(request))
}

/// Returns the results in clusters with another CNI instead of aws-node, with and without the right to get the
/// DaemonSet of this CNI.
fn other_cnis(site: &Site, rights: &[(&Value, Right)], key: &Key) -> String {
    let path = |name: &str| format!("{DAEMON_SETS}/{name}");
    let aws_node = site.cluster.get("admin-token", &path(AWS_NODE)).unwrap();
    site.cluster.delete(&path(AWS_NODE));
    let case = CASES.iter().find(|case| case.name == "max-pods --cni-from-cluster").unwrap();
    let mut text = String::new();
    for (role, right) in rights {
        let name = right.name.as_ref().unwrap();
        site.cluster.apply(json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": { "name": name, "namespace": "kube-system" },
            "spec": aws_node["spec"],
        }));
        for (title, role) in [("with", (*role).clone()), ("without", without(role, right))] {
            site.cluster.apply(role);
            let run = site.run(case, key);
            let problem = run.problem(&run).unwrap();
            let _ = writeln!(text, "# {title} {right}, in a cluster with DaemonSet {name}");
            let _ = writeln!(text, "{}: exit code {}: {problem}", case.name, run.code);
            assert_eq!(problem.contains(&format!("DaemonSet kube-system/{name}")), title == "with");
        }
        site.cluster.apply((*role).clone());
        site.cluster.delete(&path(name));
    }
    site.cluster.apply(json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": { "name": AWS_NODE, "namespace": "kube-system" },
        "spec": aws_node["spec"],
    }));
    text
}
