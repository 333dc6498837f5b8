//! `kubectl eni max-pods`: selections, outputs, and the CNI configuration of flags and of a cluster.

use crate::support::{RunOutput, expect_golden, program, result, run, run_output, run_with_input};
use eni_bootstrap_real_parts::{Cluster, Who, aws_api, cluster};
use serde_json::{Value, json};

fn max_pods(arguments: &str) -> RunOutput {
    run(["max-pods"].into_iter().chain(arguments.split_whitespace()))
}

/// Returns the program's status and stderr, without stdout.
fn failure(output: &RunOutput) -> (Option<i32>, &str) {
    assert_eq!(output.stdout, "");
    (output.status, &output.stderr)
}

#[test]
fn one_instance_type_prints_the_published_value() {
    const CUSTOM: &str = "--cni-custom-networking-enabled";
    const PREFIX: &str = "--cni-prefix-delegation-enabled";
    for (arguments, expected) in [
        ("m5.large".to_owned(), "29\n"),
        ("--instance-type m5.large".to_owned(), "29\n"),
        (format!("m5.large {CUSTOM} --cni-version 1.19.0"), "20\n"),
        (format!("m5.large {PREFIX} --show-max-allowed"), "434\n"),
        (format!("m5.large {PREFIX} --ceiling none"), "434\n"),
        ("m5.large --cni-max-eni 2".to_owned(), "20\n"),
        ("m5.large --cni-reserved-enis 1".to_owned(), "20\n"),
        ("p4d.24xlarge --show-max-allowed".to_owned(), "737\n"),
        (format!("c5.4xlarge {CUSTOM} --cni-pod-eni-enabled --ceiling none"), "176\n"),
        (format!("c5.4xlarge {CUSTOM} --cni-pod-eni-enabled"), "110\n"),
        (format!("c5.4xlarge {CUSTOM} --cni-pod-eni-enabled --ceiling 58"), "58\n"),
    ] {
        assert_eq!(max_pods(&arguments), result(expected), "{arguments}");
    }
}

#[test]
fn before_version_1_20_4_the_trunk_takes_an_interface_on_every_type() {
    let warning = "warning: max-pods: this instance type supports no trunk interface, so pods with a SecurityGroupPolicy cannot start on this node\n";
    for (version, expected) in [
        ("", "35\n"),
        ("--cni-version 1.20.4", "35\n"),
        ("--cni-version v1.20.3-eksbuild.1", "24\n"),
    ] {
        let line = format!("t3.large --cni-pod-eni-enabled {version}");
        let expected = RunOutput { stderr: warning.to_owned(), ..result(expected) };
        assert_eq!(max_pods(&line), expected, "{line}");
    }
    let trunk = "m5.large --cni-pod-eni-enabled --cni-version 1.20.3";
    assert_eq!(max_pods(trunk), result("20\n"), "the same in every version");
}

#[test]
fn explain_prints_the_calculation() {
    for (name, arguments) in [
        ("m5.large", "m5.large --cni-custom-networking-enabled"),
        (
            "c5.4xlarge",
            "c5.4xlarge --cni-custom-networking-enabled --cni-pod-eni-enabled --cni-prefix-delegation-enabled --cni-reserved-enis 1",
        ),
        ("p4d.24xlarge", "p4d.24xlarge --cni-multi-nic-enabled --cni-minimum-ip-target 40"),
        ("m4.xlarge", "m4.xlarge --cni-prefix-delegation-enabled --cni-max-eni 2"),
        ("ipv6", "t3.nano --cni-ip-family ipv6"),
        ("excluded-subnet", "m5.large --cni-primary-subnet-excluded"),
    ] {
        let output = max_pods(&format!("--explain {arguments}"));
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{name}");
        for line in output
            .stdout
            .lines()
            .filter(|line| !line.starts_with("  warning: ") && !line.starts_with("  help: "))
        {
            assert!(line.chars().count() <= 80, "{line}");
        }
        expect_golden(&format!("max-pods/{name}"), &output.stdout);
    }
    let both = max_pods("--explain t3.nano m5.large").stdout;
    assert_eq!(both.matches("IPv4 addresses each").count(), 2, "{both}");
}

#[test]
fn several_types_are_a_table_of_at_most_80_columns() {
    let table = max_pods("c7g.* --cni-custom-networking-enabled");
    assert_eq!((table.status, table.stderr.as_str()), (Some(0), ""));
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 80), "{}", table.stdout);
    expect_golden("max-pods/c7g-table", &table.stdout);
    let no_capacity = "hpc6id.32xlarge t3.small --cni-custom-networking-enabled";
    let unsorted = max_pods(&format!("{no_capacity} --sort none"));
    expect_golden("max-pods/no-capacity-table", &unsorted.stdout);
    let colored = max_pods(&format!("{no_capacity} --color always")).stdout;
    let lines: Vec<&str> = colored.lines().take(2).collect();
    assert!(lines[0].starts_with("\u{1b}[1m") && lines[1].starts_with("\u{1b}[31m"), "{lines:?}");
}

#[test]
fn every_output_format_and_order_works() {
    let types = "m5.xlarge t3.medium m5.large";
    assert_eq!(
        max_pods(&format!("{types} --output csv")),
        result(
            "instance_type,max_pods,uncapped,vcpus\nm5.large,29,29,2\nm5.xlarge,58,58,4\nt3.medium,17,17,2\n"
        )
    );
    for (flags, expected) in [
        ("--output number --sort none", "58\n17\n29\n"),
        ("--output number --sort pods", "17\n29\n58\n"),
        ("--output number --sort vcpus", "29\n17\n58\n"),
        ("--lowest", "17\n"),
    ] {
        assert_eq!(max_pods(&format!("{types} {flags}")), result(expected), "{flags}");
    }
    let json: Value =
        serde_json::from_str(&max_pods(&format!("{types} --output json")).stdout).unwrap();
    assert_eq!(json[1]["max-pods"], 58);
    assert_eq!(json[1]["capacity"]["slots_per_interface"], 14);
    assert_eq!(json[1]["capacity"]["diagnostics"], json!([]));
    let yaml = max_pods("hpc6id.32xlarge --cni-custom-networking-enabled --output yaml").stdout;
    assert!(yaml.starts_with("- error: >-\n    custom networking excludes the primary network interface, and this instance\n    type has no other\n"), "{yaml}");
}

#[test]
fn types_are_read_from_standard_input() {
    let arguments = ["max-pods", "-", "--output", "number"];
    let output = run_with_input(arguments, b"m5.large\n\nt3.medium m5.large\n");
    assert_eq!(output, result("29\n17\n"));
    let nothing = run_with_input(["max-pods", "-"], b"\n");
    assert_eq!(
        failure(&nothing),
        (
            Some(64),
            "error: no instance type on standard input\n  help: pass instance types as UTF-8 text, separated by white space\n"
        )
    );
}

#[test]
fn unknown_types_windows_and_max_eni_1_are_errors() {
    for (arguments, status, error) in [
        (
            "zz9.*",
            64,
            "no known instance type matches \"zz9.*\"\n  help: run `kubectl eni limits show` to list all known instance types; quote patterns: 'm7g.*'",
        ),
        (
            "m5large",
            64,
            "\"m5large\" is not an instance type (such as m5.large)\n  help: did you mean `m5.large`?",
        ),
        (
            "m5.lrage",
            64,
            "\"m5.lrage\" is not in the instance type table, and no region is set for ec2:DescribeInstanceTypes\n  help: did you mean `m5.large`? Otherwise add the region: `--region us-west-2`",
        ),
        (
            "zz9.plural",
            64,
            "\"zz9.plural\" is not in the instance type table, and no region is set for ec2:DescribeInstanceTypes\n  help: add the region: `--region us-west-2`",
        ),
        (
            "m5.large --os windows",
            78,
            "failed to compute max-pods for m5.large\n  caused by: a Windows node uses one network interface for all pods, and the VPC resource controller manages its addresses\n  help: do not set max-pods on Windows nodes: the EKS Windows images set it",
        ),
        (
            "m5.large --cni-max-eni 1 --cni-custom-networking-enabled",
            78,
            "failed to compute max-pods for m5.large\n  caused by: MAX_ENI=1 leaves no network interface for pods: custom networking excludes the primary one\n  help: increase MAX_ENI on the aws-node DaemonSet (or `cni.max-eni` in the settings), or set it to 0 for no limit",
        ),
        (
            "--lowest t3.small hpc6id.32xlarge --cni-custom-networking-enabled",
            78,
            "failed to compute max-pods for hpc6id.32xlarge\n  caused by: custom networking excludes the primary network interface, and this instance type has no other\n  help: choose an instance type with more network interfaces, or disable custom networking (`cni.custom-networking = false`)",
        ),
    ] {
        let output = max_pods(arguments);
        assert_eq!(failure(&output), (Some(status), &*format!("error: {error}\n")), "{arguments}");
    }
}

#[test]
fn an_unknown_type_comes_from_the_table_file_or_from_ec2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("types.csv");
    let header = eni_core::domain::instance_limits::HEADER;
    #[expect(clippy::disallowed_methods, reason = "an input of the test")]
    std::fs::write(
        &path,
        format!("{header}\nm5.large,5,0,10,nitro,false,2\nzz9.a,3,0,10,nitro,false,2\n"),
    )
    .unwrap();
    let arguments = ["max-pods", "m5.large", "zz9.*", "--output=number", "--table"];
    let output = run(arguments.into_iter().chain([path.to_str().unwrap()]));
    assert_eq!(output, result("47\n29\n"));

    let unknown = "<Response><Errors><Error><Code>InvalidInstanceType</Code><Message>The following supplied instance types do not exist: [m5.lrage]</Message></Error></Errors></Response>";
    let denied = unknown.replace("InvalidInstanceType", "UnauthorizedOperation");
    let of = |type_name: &str, status: &'static str, body: &str| {
        let endpoint = aws_api(vec![(status, body.to_owned())]);
        let mut command = program(["max-pods", type_name, "--region", "us-west-2"]);
        command.env("AWS_ENDPOINT_URL_EC2", endpoint);
        run_output(command.output().unwrap())
    };
    assert_eq!(
        failure(&of("m5.lrage", "400 Bad Request", unknown)),
        (
            Some(65),
            "error: failed to look up the limits of instance type m5.lrage\n  caused by: EC2 does not offer instance type \"m5.lrage\" in this region\n  help: did you mean `m5.large`? Otherwise check the instance type and the AWS region\n"
        )
    );
    assert_eq!(
        failure(&of("zz9.plural", "403 Forbidden", &denied)),
        (
            Some(77),
            "error: failed to look up the limits of instance type zz9.plural\n  caused by: access denied for ec2:DescribeInstanceTypes\n  caused by: UnauthorizedOperation: The following supplied instance types do not exist: [m5.lrage]\n  help: sign in to AWS with a role that allows ec2:DescribeInstanceTypes\n"
        )
    );
}

/// Runs `max-pods` with `flags` in the cluster.
fn in_cluster(cluster: &Cluster, flags: &[&str]) -> RunOutput {
    as_user(cluster, Who::Admin, flags)
}

fn as_user(cluster: &Cluster, who: Who, flags: &[&str]) -> RunOutput {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    #[expect(clippy::disallowed_methods, reason = "an input of the test")]
    std::fs::write(&kubeconfig, cluster.kubeconfig(who)).unwrap();
    let arguments = ["max-pods", "--cni-from-cluster", "--kubeconfig"];
    let arguments = arguments.into_iter().chain([kubeconfig.to_str().unwrap()]);
    run(arguments.chain(flags.iter().copied()))
}

#[test]
fn the_cluster_contains_the_cni_configuration() {
    let Some(cluster) = cluster() else { return };
    let missing = in_cluster(&cluster, &["m5.large"]);
    assert_eq!(
        failure(&missing),
        (
            Some(78),
            "error: failed to read the CNI configuration of the cluster\n  caused by: DaemonSet aws-node not found in namespace kube-system\n  help: check the DaemonSet: `kubectl -n kube-system get daemonset aws-node --output yaml`; or describe the CNI with `--cni-…` flags instead of `--cni-from-cluster`\n"
        )
    );
    cluster.install_cni(json!([
        { "name": "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "value": "true" },
        { "name": "ENABLE_PREFIX_DELEGATION", "value": "true" },
        { "name": "WARM_PREFIX_TARGET", "value": "1" },
        { "name": "MAX_ENI", "value": "many" },
    ]));
    let messages = "cni: custom networking, prefix delegation (source: aws-node DaemonSet)\nwarning: cni: MAX_ENI=\"many\" on the aws-node DaemonSet is invalid; the CNI uses its default, no limit\n";
    for (flags, expected) in [
        (&["m5.large", "--ceiling", "none"][..], "290\n"),
        (&["m5.large"], "110\n"),
        // The DaemonSet does not contain this number.
        (&["m5.large", "--cni-reserved-enis", "1", "--ceiling=none"], "146\n"),
        (&["m5.large", "t3.nano", "--output=number", "--sort=none"], "110\n18\n"),
    ] {
        let output = in_cluster(&cluster, flags);
        assert_eq!((output.status, output.stdout.as_str()), (Some(0), expected), "{output:?}");
        if flags == ["m5.large"] {
            assert_eq!(output.stderr, messages);
        }
    }
}

#[test]
fn a_user_without_rights_gets_the_permission_to_grant() {
    let Some(cluster) = cluster() else { return };
    cluster.install_cni(json!([]));
    let unknown = as_user(&cluster, Who::OtherNode(0), &["m5.large"]);
    assert_eq!(
        failure(&unknown),
        (
            Some(77),
            "error: the API server rejected the credentials of the kubeconfig (401 Unauthorized)\n  help: sign in again, or check the user of the kubeconfig: `kubectl auth whoami`\n"
        )
    );
    let output = as_user(&cluster, Who::Node, &["m5.large"]);
    assert_eq!(
        failure(&output),
        (
            Some(77),
            "error: failed to read the CNI configuration of the cluster\n  caused by: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"system:node:ip-10-20-0-10.us-west-2.compute.internal\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"\n  help: allow `get` for DaemonSet aws-node, and for the ConfigMaps that it refers to, in namespace kube-system; or describe the CNI with `--cni-…` flags instead of `--cni-from-cluster`\n"
        )
    );
}

#[test]
fn flags_and_the_cluster_cannot_describe_the_same_setting() {
    let output = max_pods("m5.large --cni-from-cluster --cni-max-eni 2");
    assert_eq!(output.status, Some(64));
    assert!(
        output.stderr.starts_with(
            "error: the argument '--cni-from-cluster' cannot be used with '--cni-max-eni <N>'\n"
        ),
        "{}",
        output.stderr
    );
}
