//! The token equals that of the AWS CLI, byte for byte, in every partition.

use crate::support::node::Node;
use crate::support::real_parts::{aws_get_token, moto};
use aws_credential_types::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eni_bootstrap::adapter::eks_token::{sign_token, sts_endpoint};
use serde_json::Value;
use std::time::SystemTime;

const INSTANT: &str = "2026-11-21T12:00:00Z";
const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "SECRETEXAMPLE";
/// A session token with all characters that a URL must escape.
const SESSION: &str = "FwoGZXIvYXdzE/+/w==token";

/// A region and the kind of its STS endpoint.
struct Case {
    region: &'static str,
    fips: bool,
    dual_stack: bool,
    session: Option<&'static str>,
}

const PLAIN: Case = Case { region: "us-west-2", fips: false, dual_stack: false, session: None };

fn cases() -> Vec<Case> {
    let regions = [
        "us-west-2",
        "us-east-1",
        "eu-central-2",
        "cn-north-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "us-isof-south-1",
        "eu-isoe-west-1",
        "eusc-de-east-1",
    ];
    let mut cases: Vec<Case> = regions.into_iter().map(|region| Case { region, ..PLAIN }).collect();
    cases.extend([
        Case { session: Some(SESSION), ..PLAIN },
        Case { fips: true, ..PLAIN },
        Case { dual_stack: true, ..PLAIN },
        Case { fips: true, dual_stack: true, ..PLAIN },
        Case { region: "us-gov-west-1", fips: true, ..PLAIN },
        Case { region: "cn-north-1", dual_stack: true, ..PLAIN },
    ]);
    cases
}

fn environment(case: &Case) -> Vec<(&'static str, &'static str)> {
    let mut environment = vec![("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    environment.extend(case.session.map(|session| ("AWS_SESSION_TOKEN", session)));
    environment.extend(case.fips.then_some(("AWS_USE_FIPS_ENDPOINT", "true")));
    environment.extend(case.dual_stack.then_some(("AWS_USE_DUALSTACK_ENDPOINT", "true")));
    environment
}

fn decoded(token: &str) -> String {
    let url = token.strip_prefix("k8s-aws-v1.").unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(url).unwrap()).unwrap()
}

#[tokio::test]
async fn the_token_equals_the_aws_clis_in_every_partition() {
    let now: SystemTime = humantime::parse_rfc3339(INSTANT).unwrap();
    for case in cases() {
        let Case { region, fips, dual_stack, session } = case;
        let arguments = ["--cluster-name", "prod", "--region", region];
        let Some(expected) = aws_get_token(INSTANT, &arguments, &environment(&case)) else {
            return;
        };
        let credentials =
            Credentials::new(KEY, SECRET, session.map(str::to_owned), None, "the test");
        let region = region.parse().unwrap();
        let sts = sts_endpoint(&region, fips, dual_stack).await.unwrap();
        let token = sign_token(credentials, &region, &sts, "prod", now).unwrap();
        let expected_token = expected["status"]["token"].as_str().unwrap();
        assert_eq!(decoded(token.secret()), decoded(expected_token));
        assert_eq!(token.secret(), expected_token);
        let expires = humantime::format_rfc3339_seconds(token.expires()).to_string();
        assert_eq!(expected["status"]["expirationTimestamp"], expires);
    }
}

#[test]
fn the_command_prints_the_same_as_the_aws_cli() {
    for case in [PLAIN, Case { session: Some(SESSION), fips: true, ..PLAIN }] {
        for name in ["--cluster-name", "--cluster-id"] {
            let arguments = [name, "prod", "--region", case.region];
            let mut command = Node::empty().command(["token"].iter().chain(&arguments));
            command.envs(environment(&case));
            let output = crate::support::node::run_output(command.output().unwrap());
            assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
            let printed: Value = serde_json::from_str(&output.stdout).unwrap();
            // eni-bootstrap uses the current time, so the CLI runs with a clock set to the time of
            // the signature.
            let url = decoded(printed["status"]["token"].as_str().unwrap());
            let date = url.split("X-Amz-Date=").nth(1).unwrap();
            let (day, time) = (&date[..8], &date[9..15]);
            let instant = format!(
                "{}-{}-{}T{}:{}:{}Z",
                &day[..4],
                &day[4..6],
                &day[6..],
                &time[..2],
                &time[2..4],
                &time[4..]
            );
            let Some(expected) = aws_get_token(&instant, &arguments, &environment(&case)) else {
                return;
            };
            assert_eq!(printed, expected);
        }
    }
}

#[test]
fn without_credentials_the_error_has_help() {
    let node = Node::empty();
    let mut command = node.command(["token", "--cluster-name", "prod", "--region", "us-west-2"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env("AWS_EC2_METADATA_DISABLED", "true");
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!((output.status, output.stdout.as_str()), (Some(77), ""));
    assert!(
        output.stderr.starts_with("error: failed to create a token for the cluster\n  caused by: failed to load AWS credentials\n  caused by: "),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.ends_with("\n  help: attach an instance profile to the instance, or set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains(SECRET));
}

/// Returns the access key that the token was signed with.
fn signed_with(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let node = Node::empty();
    let mut command = node.command(["token", "--cluster-name", "prod", "--region", "us-west-2"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.args(arguments).envs(environment.iter().copied());
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let printed: Value = serde_json::from_str(&output.stdout).unwrap();
    let url = decoded(printed["status"]["token"].as_str().unwrap());
    let credential = url.split("X-Amz-Credential=").nth(1).unwrap();
    credential.split("%2F").next().unwrap().to_owned()
}

#[test]
fn credentials_come_from_a_profile_a_role_or_a_web_identity() {
    let Some(moto) = moto() else { return };
    let node = Node::empty();
    let file = node.file(
        "credentials",
        "[blue]\naws_access_key_id = AKIDBLUE\naws_secret_access_key = SECRETBLUE\n",
    );
    let (file, web) = (file.to_str().unwrap(), node.file("web", "a.web.token"));
    let profile = [("AWS_SHARED_CREDENTIALS_FILE", file), ("AWS_PROFILE", "blue")];
    assert_eq!(signed_with(&[], &profile), "AKIDBLUE");
    let sts = ("AWS_ENDPOINT_URL_STS", moto.endpoint.as_str());
    let role = "arn:aws:iam::123456789012:role/deployer";
    let temporary = signed_with(&["--role-arn", role], &[profile[0], profile[1], sts]);
    assert!(temporary.starts_with("ASIA"), "{temporary}");
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", web.to_str().unwrap()), ("AWS_ROLE_ARN", role), sts];
    let temporary = signed_with(&[], &web);
    assert!(temporary.starts_with("ASIA"), "{temporary}");
}
