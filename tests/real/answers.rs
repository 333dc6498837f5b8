//! The real servers and tools behave as the tests that use them expect.

use std::fs;
use std::process::Command;
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::real_parts::http::http;
use crate::support::real_parts::{
    ADDRESS, INSTANCE_ID, MAC, MetadataMock, ROLE, SUBNET, VPC, aws_get_token, instance,
    metadata_mock, moto, static_binary, trixie_root,
};

/// A signature's scope, which is the only part that moto reads.
const EC2: (&str, &str) =
    ("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/ec2/aws4_request");

fn token(mock: &MetadataMock) -> String {
    let url = format!("{}/latest/api/token", mock.endpoint());
    let (status, token) = http("PUT", &url, &[("X-aws-ec2-metadata-token-ttl-seconds", "60")], "");
    assert_eq!(status, 200);
    token
}

fn get(mock: &MetadataMock, token: &str, item: &str) -> (u16, String) {
    let url = format!("{}/latest/{item}", mock.endpoint());
    http("GET", &url, &[("X-aws-ec2-metadata-token", token)], "")
}

#[test]
fn moto_has_1395_instance_types() {
    let Some(moto) = moto() else { return };
    let form = [EC2, ("Content-Type", "application/x-www-form-urlencoded")];
    let action = "Action=DescribeInstanceTypes&Version=2016-11-15";
    let (status, types) = http("POST", &format!("{}/", moto.endpoint), &form, action);
    assert_eq!(status, 200);
    assert_eq!(types.matches("<instanceType>").count(), 1395);
}

#[test]
fn metadata_mock_requires_a_token() {
    let Some(mock) = metadata_mock(instance("m5.large", "eu-west-1a", "")) else { return };
    let url = format!("{}/latest/meta-data/instance-type", mock.endpoint());
    assert_eq!(http("GET", &url, &[], "").0, 401);
    assert_eq!(get(&mock, "wrong", "meta-data/instance-type").0, 401);
    let token = token(&mock);
    assert_eq!(get(&mock, &token, "meta-data/instance-type"), (200, "m5.large".into()));
    assert_eq!(get(&mock, &token, "user-data").0, 404);
}

#[test]
fn metadata_mock_serves_all_items() {
    let config = instance("c5n.18xlarge", "ap-southeast-2c", "#!/bin/sh\n\u{e9}\n");
    let Some(mock) = metadata_mock(config) else { return };
    let token = token(&mock);
    let macs = "meta-data/network/interfaces/macs";
    #[rustfmt::skip]
    let items = [
        ("meta-data/instance-id", INSTANCE_ID),
        ("meta-data/instance-type", "c5n.18xlarge"),
        ("meta-data/placement/availability-zone", "ap-southeast-2c"),
        ("meta-data/placement/availability-zone-id", "apse2-az3"),
        ("meta-data/placement/region", "ap-southeast-2"),
        ("meta-data/local-ipv4", ADDRESS),
        ("meta-data/local-hostname", "ip-10-20-0-10.ap-southeast-2.compute.internal"),
        ("meta-data/mac", MAC),
        (&format!("{macs}/"), &format!("{MAC}/")),
        (&format!("{macs}/{MAC}/subnet-id"), SUBNET),
        (&format!("{macs}/{MAC}/vpc-id"), VPC),
        ("meta-data/tags/instance/", "Name\nteam"),
        ("meta-data/tags/instance/team", "blue"),
        ("meta-data/iam/security-credentials/", ROLE),
        ("user-data", "#!/bin/sh\n\u{e9}\n"),
    ];
    for (item, expected) in items {
        assert_eq!(get(&mock, &token, item), (200, expected.into()), "{item}");
    }
    let json = |item: &str| -> Value { serde_json::from_str(&get(&mock, &token, item).1).unwrap() };
    let identity = json("dynamic/instance-identity/document");
    assert_eq!(identity["instanceType"], "c5n.18xlarge");
    assert_eq!(identity["availabilityZone"], "ap-southeast-2c");
    assert_eq!(identity["region"], "ap-southeast-2");
    let credentials = json(&format!("meta-data/iam/security-credentials/{ROLE}"));
    assert_eq!(credentials["SecretAccessKey"], "secret-example");
    assert_eq!(credentials["Expiration"], "2099-01-01T00:00:00Z");
}

#[test]
fn metadata_mock_serves_concurrent_requests() {
    let Some(mock) = metadata_mock(instance("m5.large", "eu-west-1a", "")) else { return };
    thread::scope(|scope| {
        for (item, expected) in
            [("mac", MAC), ("local-ipv4", ADDRESS), ("instance-id", INSTANCE_ID)]
        {
            let mock = &mock;
            scope.spawn(move || {
                for _ in 0..100 {
                    let answer = get(mock, &token(mock), &format!("meta-data/{item}"));
                    assert_eq!(answer, (200, expected.into()));
                }
            });
        }
    });
}

#[test]
fn the_aws_cli_signs_at_the_given_time() {
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "SECRETEXAMPLE")];
    let cluster = ["--cluster-name", "prod", "--region", "us-west-2"];
    let Some(mut credential) = aws_get_token("2026-11-21T12:00:00Z", &cluster, &keys) else {
        return;
    };
    let token = credential["status"]["token"].take();
    assert_eq!(
        credential,
        json!({
            "kind": "ExecCredential",
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "spec": {},
            "status": { "expirationTimestamp": "2026-11-21T12:14:00Z", "token": null },
        })
    );
    let url = token.as_str().unwrap().strip_prefix("k8s-aws-v1.").unwrap();
    let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(url).unwrap()).unwrap();
    let (unsigned, signature) = url.split_once("&X-Amz-Signature=").unwrap();
    assert_eq!(
        unsigned,
        "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
         &X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Fus-west-2%2Fsts%2Faws4_request\
         &X-Amz-Date=20261121T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"
    );
    assert_eq!(signature.len(), 64);
}

#[test]
fn trixie_root_configures_nss_modules_that_a_static_program_cannot_load() {
    let Some(root) = trixie_root() else { return };
    let nsswitch = fs::read_to_string(root.join("etc/nsswitch.conf")).unwrap();
    assert!(nsswitch.contains("\nhosts: files resolve [!UNAVAIL=return] myhostname dns\n"));
}

#[test]
fn static_binary_runs_in_an_empty_root() {
    let Some(binary) = static_binary() else { return };
    let run = Command::new(binary).arg("--version").env_clear().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
    assert!(String::from_utf8_lossy(&run.stdout).starts_with("eni-bootstrap "));
}
