//! Each IAM action of `configs` is necessary: without it, the command fails or skips a check as documented.

use super::site::{Site, expect_golden};
use eni_bootstrap_real_parts::{Who, aws_api};
use serde_json::json;

const ACTIONS: [&str; 5] = [
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:GetSubnetCidrReservations",
    "eks:DescribeCluster",
];
/// The response of EKS to a call that IAM denies.
const EKS_DENIED: &str = r#"{"__type":"AccessDeniedException","message":"User: USER is not authorized to perform: eks:DescribeCluster"}"#;

/// moto enforces the policies of EC2 only, so a fixed response replaces EKS.
#[test]
fn each_iam_action_of_configs_is_necessary() {
    let pods = &[("tier", "pods")];
    let Some(mut site) = Site::new(&[
        ("us-west-2a", "10.0.64.0/20", pods),
        ("us-west-2b", "10.0.80.0/20", pods),
        ("us-west-2c", "10.0.96.0/26", pods),
    ]) else {
        return;
    };
    // With prefixes, the number of free addresses does not decide whether the third subnet has a free prefix.
    let c = site.subnet("us-west-2c", "10.0.96.0/26").to_owned();
    for address in ["10.0.96.20", "10.0.96.21"] {
        site.account().interface(&c, address);
    }
    site.set_cni(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENABLE_PREFIX_DELEGATION", "true"),
        ("WARM_PREFIX_TARGET", "1"),
    ]);
    let policy = |actions: Vec<&str>| {
        json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": actions, "Resource": "*" },
        ] })
    };
    let all = site.account().user("all", &policy(ACTIONS.to_vec()));
    let users = ACTIONS.map(|action| {
        let others = ACTIONS.into_iter().filter(|it| *it != action).collect();
        site.account().user(&action.replace(':', "-"), &policy(others))
    });
    site.account().enforce_policies();
    let described = json!({ "cluster": site.described }).to_string();
    let mut texts = Vec::new();
    let mut add = |site: &Site, title: String, key: &(String, String), arguments: &[&str]| {
        let shown = site.with_placeholders(&arguments.join(" "));
        let text = site.run_as(Who::Admin, (&key.0, &key.1), arguments).text(&[&shown]);
        texts.push(format!("# {title}\n{text}"));
    };
    let tag = ["--subnet-tag", "tier"];
    for (action, key) in ACTIONS.iter().zip(&users) {
        let response = match *action {
            "eks:DescribeCluster" => ("403 Forbidden", EKS_DENIED.to_owned()),
            _ => ("200 OK", described.clone()),
        };
        site.eks = Some(aws_api(vec![response]));
        add(&site, format!("without {action}"), key, &tag);
    }
    let subnets = ["--subnet-ids", &c, "--security-groups", &site.group.clone()];
    add(&site, "without eks:DescribeCluster".to_owned(), &users[4], &subnets);
    site.eks = Some(aws_api(vec![("200 OK", described)]));
    add(&site, "with all actions".to_owned(), &all, &tag);
    expect_golden("iam-rights.txt", &texts.join("\n").replace("arn:aws:iam::123456789012:", ""));
}
