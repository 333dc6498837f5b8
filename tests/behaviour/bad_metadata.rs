//! Missing or invalid instance metadata: the exit code, the message and the help of each. No file
//! is written.

use crate::support::node::{Node, error, in_cluster, ready_api, with_imds};
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

/// The items that every instance in a VPC has, and the warning about the check that is skipped without
/// it; none for an item that is required.
const ITEMS: [(&str, Option<&str>); 8] = [
    ("meta-data/instance-type", None),
    ("meta-data/instance-id", None),
    ("meta-data/placement/availability-zone", None),
    ("meta-data/placement/region", None),
    (
        "meta-data/placement/availability-zone-id",
        Some("the zone of the subnet is checked by its name only"),
    ),
    ("meta-data/mac", Some("the VPC of the subnet is not checked")),
    (VPC, Some("the VPC of the subnet is not checked")),
    (SUBNET, None),
];
const VPC: &str = "meta-data/network/interfaces/macs/02:00:00:00:00:01/vpc-id";
const SUBNET: &str = "meta-data/network/interfaces/macs/02:00:00:00:00:01/subnet-id";

/// A value for every item.
fn value(item: &str) -> &'static str {
    match item.rsplit('/').next() {
        Some("instance-type") => "c5.large",
        Some("instance-id") => "i-0123456789abcdef0",
        Some("availability-zone") => "us-west-2a",
        Some("availability-zone-id") => "usw2-az1",
        Some("region") => "us-west-2",
        Some("mac") => "02:00:00:00:00:01",
        Some("vpc-id") => "vpc-0123456789abcdef0",
        Some("subnet-id") => "subnet-0123456789abcdef0",
        _ => "blue",
    }
}

#[test]
fn an_early_404_for_an_item_is_retried() {
    let tag = ("meta-data/tags/instance/Pool", None);
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    imds.set(tag.0, "blue");
    let name = "{tag:Pool}-{zone-id}-{vpc-id}-{subnet-id}";
    let arguments = ["plan", "--output", "json", "--eni-config-name", name];
    let complete = node.run(arguments);
    assert_eq!(complete.status, Some(0), "{}", complete.stderr);
    for (item, _) in ITEMS.into_iter().chain([tag]) {
        imds.remove(item);
        let mut running = node.start(arguments);
        running.until(&format!("imds: the instance metadata service has no {item}; retrying in "));
        imds.set(item, value(item));
        let output = running.end();
        assert_eq!(output.status, Some(0), "{item}: {}", output.stderr);
        assert_eq!(output.stdout, complete.stdout, "{item}");
    }
}

#[test]
fn a_404_that_stays_is_65_for_a_required_item_and_a_warning_for_another_one() {
    // Each run waits until its time limit, so the runs are concurrent.
    std::thread::scope(|scope| {
        for (item, warning) in ITEMS.into_iter().filter(|(item, _)| *item != SUBNET) {
            scope.spawn(move || match warning {
                None => assert_required(item),
                Some(effect) => assert_optional(item, effect),
            });
        }
    });
}

/// Asserts that a run without the item fails after its time limit.
fn assert_required(item: &str) {
    let api = ready_api();
    let (node, imds) = in_cluster(&api);
    imds.remove(item);
    let output = node.run(["run", "--imds-wait", "4s"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(65),
            format!("error: failed to read instance metadata\n  caused by: the instance metadata service has no {item}\n  help: check which server responds at the metadata endpoint; AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may redirect requests\n").as_str()
        )
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

/// Asserts that a run without the item logs a warning with `effect`.
fn assert_optional(item: &str, effect: &str) {
    let api = ready_api();
    let (node, imds) = in_cluster(&api);
    imds.remove(item);
    // HTTP 404 is retried for one twentieth of this time.
    let output = node.run(["run", "--imds-wait", "40s"]);
    assert_eq!(output.status, Some(0), "{item}: {}", output.stderr);
    let line = format!("warning: instance: {item} not found (HTTP status 404); {effect}\n");
    assert!(output.stderr.contains(&line), "{item}: {}", output.stderr);
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
        text.ends_with("help: check that this is an EC2 instance (an EKS hybrid node has no instance metadata and is not supported) and that no firewall blocks 169.254.169.254; in a container, raise the hop limit: `aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2`\n"),
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
    let short = ["--imds-wait", "20s"]; // one second for a tag
    let plan = ["plan", "--eni-config-name", "{tag:Pool}-{zone}"];
    let output = node.run(plan.iter().chain(&short));
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
