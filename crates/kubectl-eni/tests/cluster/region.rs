//! The precedence of the sources of the region.

use super::Folder;
use crate::support::program;
use eni_bootstrap_real_parts::{Who, cluster, own_moto};

/// The region appears in the output of `configs`, and in the error of `limits refresh`.
#[test]
fn the_region_of_the_kubeconfig_takes_precedence_over_the_environment() {
    let (Some(cluster), Some(moto)) = (cluster(), own_moto()) else { return };
    let folder = Folder::new();
    let admin = cluster.kubeconfig(Who::Admin);
    let unknown = folder.write("unknown", &admin);
    // The ARN in the name of the cluster entry contains the region.
    let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    let mut config: serde_json::Value = serde_saphyr::from_str(&admin).unwrap();
    config["clusters"][0]["name"] = arn.into();
    config["contexts"][0]["context"]["cluster"] = arn.into();
    let known = folder.write("known", &config.to_string());
    let region = |kubeconfig, variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = folder.command(kubeconfig, ["configs", "--output=json"]);
        command.args(["--subnet-ids=subnet-0a", "--security-groups=sg-0a", "--cluster-name=prod"]);
        command.args(flags).envs(variables.iter().copied());
        for name in ["EC2", "EKS"] {
            command.env(format!("AWS_ENDPOINT_URL_{name}"), &moto.endpoint);
        }
        let error = folder.run(command).stderr;
        let (_, rest) = error.split_once(" not found in ").unwrap_or(("", &error));
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    };
    let both = [("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-2")];
    assert_eq!(region(&known, &both, &["--region=us-west-2"]), "us-west-2");
    assert_eq!(region(&known, &both, &[]), "eu-west-1");
    assert_eq!(region(&unknown, &both, &[]), "us-east-1");
    assert_eq!(region(&unknown, &both[1..], &[]), "us-east-2");
    assert_eq!(region(&unknown, &[("AWS_REGION", ""), both[1]], &[]), "us-east-2");
}

#[test]
fn the_help_and_the_documentation_list_the_same_order() {
    let folder = Folder::new();
    let help = folder.run(program(["nodes", "--help"])).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let order = "[default: from the kubeconfig, then `AWS_REGION`, then `AWS_DEFAULT_REGION`]";
    assert!(help.contains(order), "{help}");
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kubectl-eni.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let row = docs.lines().find(|line| line.starts_with("| Region |")).unwrap();
    let position = |text: &str| row.find(text).unwrap_or_else(|| panic!("{text}: {row}"));
    let positions =
        ["`--region`", "kubeconfig", "`AWS_REGION`", "`AWS_DEFAULT_REGION`"].map(position);
    assert!(positions.is_sorted(), "{row}");
}
