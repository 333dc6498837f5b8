//! Every action of the IAM policy is necessary. moto enforces the policies of EC2 and of IAM. Fixed responses replace
//! EKS, `iam:SimulatePrincipalPolicy`, and the list of all instance types unless it is denied.

use super::manifest::strings;
use super::site::{Key, Run, Site};
use super::users;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const SIMULATION: &str = "iam:SimulatePrincipalPolicy";

fn policy() -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/iam-policy-operator.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns the actions of the policy.
pub fn actions() -> Vec<String> {
    let policy = policy();
    let statements = policy["Statement"].as_array().unwrap();
    statements.iter().flat_map(|it| strings(&it["Action"])).collect()
}

/// Creates a user with the policy.
pub fn user_with_all_actions(site: &Site) -> Key {
    site.account().user("all", &policy())
}

/// Creates a user for each action who has all other actions.
pub fn users_with_fewer_actions(site: &Site) -> Vec<(String, Key)> {
    let user = |action: String| {
        let mut policy = policy();
        let statements = policy["Statement"].as_array_mut().unwrap();
        for statement in &mut *statements {
            statement["Action"].as_array_mut().unwrap().retain(|it| *it != action);
        }
        statements.retain(|it| it["Action"] != serde_json::json!([]));
        let key = site.account().user(&format!("without-{}", action.replace(':', "-")), &policy);
        (action, key)
    };
    actions().into_iter().map(user).collect()
}

/// Returns the results of the commands without each of the actions that they use. `runs` are those with all actions.
pub fn rows(site: &Site, keys: &[(String, Key)], runs: &[Run]) -> String {
    let mut text = String::new();
    for (action, key) in keys {
        let mut answers = site.aws.answers.lock().unwrap();
        answers.denied_by_eks = action.starts_with("eks:").then(|| action.clone());
        answers.moto_lists_types = action == "ec2:DescribeInstanceTypes";
        answers.simulation_error = (action == SIMULATION).then_some("AccessDenied");
        drop(answers);
        let _ = writeln!(text, "# without {action}");
        let mut changed = 0;
        for (case, complete) in users(runs, |run| run.actions.contains(action)) {
            let run = site.run(case, key);
            let problem = run.problem(complete).unwrap_or_else(|| panic!("{action}: {run:?}"));
            let _ = writeln!(text, "{}: exit code {}: {problem}", case.name, run.code);
            assert_ne!(run.code, complete.code, "{} without {action}: {run:?}", case.name);
            changed += 1;
        }
        assert!(changed > 0, "no command uses {action}");
    }
    text.replace("arn:aws:iam::123456789012:", "")
}
