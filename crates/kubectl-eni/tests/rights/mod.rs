//! The rights in `packaging/rbac-operator.yaml` and `packaging/iam-policy-operator.json` are exactly those that the
//! commands use: each command succeeds with them, and without any one of them a command fails or skips a check.

mod aws;
mod cases;
mod documented;
mod kubernetes;
mod manifest;
mod site;

use crate::support::expect_golden;
use cases::{CASES, Case};
use site::{Run, Site};
use std::collections::BTreeSet;

/// One API server and one moto serve all runs.
#[test]
fn the_rights_of_operators_are_exactly_those_that_the_commands_use() {
    let Some(site) = Site::start() else { return };
    let key = aws::user_with_all_actions(&site);
    let users = aws::users_with_fewer_actions(&site);
    site.account().enforce_policies();
    let manifest = manifest::Manifest::read();
    site.cluster.apply_file(&manifest::path());
    let runs = CASES.map(|case| {
        let run = site.run(&case, &key);
        assert_eq!(run.code, case.code, "{}: {run:?}", case.name);
        let created = if case.name == "configs --apply" { 2 } else { 0 };
        assert_eq!(run.created.len(), created, "{}", case.name);
        let text = format!("{}{}", run.stdout, run.stderr);
        for word in ["denied", "forbidden", "authorized"] {
            assert!(!text.contains(word), "{}: {run:?}", case.name);
        }
        run
    });

    documented::expect(&runs);
    let rows = kubernetes::rows(&site, &manifest, &runs, &key);
    expect_golden("rights/kubernetes.txt", &site.steady(&rows));
    let rows = aws::rows(&site, &users, &runs);
    expect_golden("rights/aws.txt", &site.steady(&rows));
}

/// Returns the first command line of each command whose run `uses` a right, and this run. Other command lines of the
/// same command send the same requests.
fn users(runs: &[Run], uses: impl Fn(&Run) -> bool) -> Vec<(&'static Case, &Run)> {
    let mut commands = BTreeSet::new();
    let all = CASES.iter().zip(runs).filter(|(_, run)| uses(run));
    all.filter(|(case, _)| commands.insert(case.subcommand())).collect()
}
