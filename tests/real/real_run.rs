//! Whole runs with amazon-ec2-metadata-mock as IMDS, moto as EC2 and a fake Kubernetes API.

use crate::support::golden::host_file;
use crate::support::node::{Node, ready_api};
use crate::support::real_parts::{instance, metadata_mock, moto};
use base64::Engine as _;
use eni_bootstrap::adapter::ec2::{Ec2, Ec2Error};
use eni_bootstrap::adapter::{Context, Deadline};
use eni_bootstrap::command;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::{self, InstanceLimits, LimitsTable, Row};
use eni_core::settings::Settings;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

#[test]
fn every_mode_writes_its_golden_files_and_a_second_run_writes_nothing() {
    let api = ready_api();
    let Some(imds) = metadata_mock(instance("c5.large", "us-west-2a", api.node_config())) else {
        return;
    };
    for (mode, flags) in [
        ("plain", &["--cni-custom-networking=false"][..]),
        ("custom networking", &[]),
        ("prefix delegation", &["--cni-custom-networking=false", "--cni-prefix-delegation"]),
        ("custom networking and prefix delegation", &["--cni-prefix-delegation"]),
    ] {
        let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
        let run = || node.run(["run"].iter().chain(flags));
        let first = run();
        assert_eq!(first.status, Some(0), "{mode}: {}", first.stderr);
        let written = node.read("etc/eks/nodeadm.d/90-eni-bootstrap.yaml").unwrap();
        let path = "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml";
        assert_eq!(written, host_file("nodeadm", mode, path), "{mode}");
        let second = run();
        assert_eq!(second.status, Some(0), "{mode}: {}", second.stderr);
        assert!(second.stderr.contains("90-eni-bootstrap.yaml unchanged\n"), "{}", second.stderr);
        assert!(!second.stderr.contains(" written"), "{}", second.stderr);
    }
}

#[test]
fn the_token_is_signed_with_the_instances_role() {
    let api = ready_api();
    let Some(imds) = metadata_mock(instance("m5.large", "us-west-2a", api.node_config())) else {
        return;
    };
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    let mut command = node.command(["run"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let token = api.requests()[0].token.clone().unwrap();
    let url = token.strip_prefix("k8s-aws-v1.").unwrap();
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(url).unwrap();
    let url = String::from_utf8(url).unwrap();
    for part in [
        "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&",
        "X-Amz-Credential=ASIAEXAMPLE%2F",
        "%2Fus-west-2%2Fsts%2Faws4_request",
        "X-Amz-Expires=60",
        "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
        "X-Amz-Security-Token=token-example",
        "X-Amz-Signature=",
    ] {
        assert!(url.contains(part), "{part} in {url}");
    }
    assert!(!url.contains("secret-example"));
}

/// Returns the limits from the embedded table, without the row of m5.large.
fn without_m5(instance_type: &InstanceType) -> Option<InstanceLimits> {
    (instance_type.as_str() != "m5.large").then(|| instance_limits::embedded(instance_type))?
}

#[tokio::test]
async fn limits_that_are_not_in_the_table_come_from_ec2() {
    let api = ready_api();
    let Some(imds) = metadata_mock(instance("m5.large", "us-west-2a", api.node_config())) else {
        return;
    };
    let Some(moto) = moto() else { return };
    let node = Node::al2023();
    let context = Context {
        imds_endpoint: imds.endpoint(),
        ec2_endpoint: Some(moto.endpoint.clone()),
        root: node.root().to_owned(),
        table: LimitsTable::new(without_m5),
        ..Context::default()
    };
    let mut settings = Settings::default();
    // The subnet of the stand-in cluster does not exist in moto.
    settings.eni_config.verify = Some(false);
    Box::pin(command::run::run(context, settings, None)).await.unwrap();
    let written = node.read("etc/eks/nodeadm.d/90-eni-bootstrap.yaml").unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
}

async fn ec2(endpoint: &str, imds: &str) -> Ec2 {
    let context = Context {
        imds_endpoint: imds.to_owned(),
        ec2_endpoint: Some(endpoint.to_owned()),
        ..Context::default()
    };
    Ec2::new(&context, &"us-east-1".parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_table_equals_ec2() {
    let Some(moto) = moto() else { return };
    let Some(imds) = metadata_mock(instance("m5.large", "us-east-1a", "")) else { return };
    let ec2 = ec2(&moto.all_instance_types(), &imds.endpoint()).await;
    let deadline = Deadline::after(Duration::from_mins(10));
    let rows = ec2.all_rows(deadline, |_| ()).await.unwrap();
    let legacy =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/legacy-types.csv"));
    let legacy = legacy.unwrap();
    let legacy: Vec<&str> =
        legacy.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    let both: Vec<_> = legacy.iter().filter(|name| rows.contains_key(**name)).collect();
    assert_eq!(both, Vec::<&&str>::new(), "legacy types that EC2 lists");
    let table: BTreeMap<String, Row> = instance_limits::embedded_rows()
        .filter(|(name, _)| !legacy.contains(name))
        .map(|(name, row)| (name.to_owned(), row))
        .collect();
    assert_eq!((rows.len(), legacy.len()), (1_395, 51));
    assert_eq!(table, rows);
}

#[tokio::test]
async fn an_unknown_type_is_an_error() {
    let Some(moto) = moto() else { return };
    let Some(imds) = metadata_mock(instance("zz9.plural", "us-west-2a", "")) else { return };
    let ec2 = ec2(&moto.endpoint, &imds.endpoint()).await;
    let deadline = Deadline::after(Duration::from_mins(10));
    let name: InstanceType = "zz9.plural".parse().unwrap();
    let Err(Ec2Error::UnknownType(unknown)) = ec2.limits(&name, deadline).await else {
        panic!("no such type")
    };
    assert_eq!(unknown, name);
    let node = Node::al2023()
        .with("--imds-endpoint", imds.endpoint())
        .with("--ec2-endpoint", &moto.endpoint);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(65));
    assert_eq!(
        output.stderr,
        "warning: instance: zz9.plural is not in the embedded table; calling ec2:DescribeInstanceTypes\nerror: failed to look up the limits of instance type zz9.plural\n  caused by: EC2 does not offer instance type \"zz9.plural\" in this region\n  help: check the instance type and the AWS region, or install a newer eni-bootstrap version, whose table may contain the instance type\n"
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn the_instance_type_in_motos_metadata_is_an_error() {
    let Some(moto) = moto() else { return };
    let node = Node::al2023()
        .with("--imds-endpoint", &moto.endpoint)
        .with("--ec2-endpoint", &moto.endpoint);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(65), "{}", output.stderr);
    let error = output.stderr.lines().skip_while(|line| !line.starts_with("error: "));
    assert_eq!(
        error.collect::<Vec<_>>(),
        [
            "error: failed to look up the limits of instance type moto.virtual",
            "  caused by: EC2 does not offer instance type \"moto.virtual\" in this region",
            "  help: check the instance type and the AWS region, or install a newer eni-bootstrap version, whose table may contain the instance type",
        ]
    );
    assert_eq!(node.written(), Vec::<String>::new());
}
