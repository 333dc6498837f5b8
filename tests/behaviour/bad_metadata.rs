//! Missing or invalid instance metadata: the exit code, the message and the help of each. No file
//! is written.

use crate::support::node::{Node, error, in_cluster, with_imds};
use eni_bootstrap_sandbox::{Fault, Imds, Instance, KubernetesApi};

#[test]
fn invalid_metadata_is_65_and_nothing_is_written() {
    let zone = |answer: &str| {
        format!(
            "error: failed to read instance metadata\n  caused by: the instance metadata service returned an invalid value for meta-data/placement/availability-zone\n  caused by: {answer} is not an availability zone (such as us-west-2a)\n  help: check which server responds at the metadata endpoint; AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may redirect requests\n"
        )
    };
    for (answer, quoted) in [
        ("us west-2a", r#""us west-2a""#),
        ("us-west-2a\"", r#""us-west-2a\"""#),
        ("us-west-2a\n--max-pods=999", r#""us-west-2a\n--max-pods=999""#),
        ("--max-pods=999", r#""--max-pods=999""#),
        ("<html><body>Sign in</body></html>", r#""<html><body>Sign in</body></html>""#),
        ("", r#""""#),
    ] {
        let imds = Imds::start(&Instance::default());
        imds.set("meta-data/placement/availability-zone", answer);
        let node = with_imds(&imds);
        let output = node.run(["run"]);
        assert_eq!((output.status, error(&output)), (Some(65), zone(quoted).as_str()));
        assert_eq!(node.written(), Vec::<String>::new());
    }
}

#[test]
fn a_response_above_the_size_limit_is_65() {
    let imds = Imds::start(&Instance::default());
    imds.set("user-data", vec![b'x'; 10 << 20]);
    let node = with_imds(&imds);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(65));
    assert!(
        error(&output).contains("caused by: the instance metadata service returned more than 65536 bytes for latest/user-data\n"),
        "{}",
        output.stderr
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn unreachable_metadata_is_69() {
    let mut imds = Imds::start(&Instance::default());
    imds.kill();
    let output = with_imds(&imds).run(["run", "--imds-wait", "300ms"]);
    assert_eq!(output.status, Some(69));
    let text = error(&output);
    assert!(
        text.starts_with(&format!(
            "error: failed to read instance metadata\n  caused by: the instance metadata service at {} is unreachable\n",
            imds.endpoint()
        )),
        "{text}"
    );
    assert!(
        text.ends_with("help: check that this is an EC2 instance and that no firewall blocks 169.254.169.254; in a container, raise the hop limit: `aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2`\n"),
        "{text}"
    );
}

#[test]
fn imds_is_reached_over_ipv6_and_never_through_a_proxy() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let mut command = node.command(["plan", "--output", "kubelet-args"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
    }
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let node = Node::al2023();
    let mut command = node.command(["plan", "--imds-wait", "10ms"]);
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(69));
    let cause =
        "caused by: the instance metadata service at http://[fd00:ec2::254] is unreachable\n";
    assert!(output.stderr.contains(cause), "{}", output.stderr);
}

#[test]
fn disabled_metadata_is_69_without_a_retry() {
    let imds = Imds::start(&Instance::default());
    imds.faults().fail_always_matching("", Fault::Status(403));
    let output = with_imds(&imds).run(["run"]);
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            Some(69),
            "error: failed to read instance metadata\n  caused by: the instance metadata service is disabled (HTTP status 403 for latest/api/token)\n  help: run `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`\n"
        )
    );
}

#[test]
fn a_rejected_token_is_requested_again_once() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    imds.faults().fail_next_matching("instance-type", 1, Fault::Status(401));
    let output = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let tokens = imds.requests().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(tokens, 2);
    imds.faults().fail_always_matching("instance-type", Fault::Status(401));
    let output = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!(output.status, Some(65), "{}", output.stderr);
    let tokens = imds.requests().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(tokens, 4, "each run requests one more token after the first 401");
}

#[test]
fn an_unknown_image_family_is_65() {
    let imds = Imds::start(&Instance::default());
    let output = Node::empty().with("--imds-endpoint", imds.endpoint()).run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            "error: this image has neither nodeadm-run.service nor kubelet.service\n  help: run eni-bootstrap on an EKS node image, or use `--host-kind none` and pass the output of `eni-bootstrap run --output kubelet-args` to the kubelet\n"
        )
    );
}

#[test]
fn a_missing_instance_tag_is_named() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    let output = node.run(["plan", "--eni-config-name", "{tag:Pool}-{zone}"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(78),
            "error: failed to compute the node configuration\n  caused by: failed to build the ENIConfig name from eni-config.name\n  caused by: this instance has no value for {tag:Pool}\n  help: use another field in eni-config.name; for {tag:KEY}, run `aws ec2 modify-instance-metadata-options --instance-id ID --instance-metadata-tags enabled`\n"
        )
    );
    imds.set("meta-data/tags/instance/Pool", "blue");
    let output = node.run(["plan", "--output", "json", "--eni-config-name", "{tag:Pool}-{zone}"]);
    let plan: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(plan["eni-config"], "blue-us-west-2a");
}
