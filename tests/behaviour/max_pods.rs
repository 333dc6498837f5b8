//! The max-pods calculator on the command line.

use crate::support::golden::{expect_golden, golden};
use crate::support::node::{Node, RunOutput};
use eni_bootstrap_sandbox::{Imds, Instance};
use serde_json::Value;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

fn result(stdout: &str) -> RunOutput {
    RunOutput { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
}

fn max_pods(arguments: &str) -> RunOutput {
    let mut output =
        Node::empty().run(["max-pods"].into_iter().chain(arguments.split_whitespace()));
    output.stdout = output.stdout.trim_end().to_owned();
    output
}

#[test]
fn max_pods_prints_only_the_published_value() {
    const CUSTOM: &str = "--cni-custom-networking-enabled";
    const PREFIX: &str = "--cni-prefix-delegation-enabled";
    const ALL: &str = "--show-max-allowed";
    for (instance_type, arguments, expect) in [
        ("c3.large", CUSTOM.to_owned(), "20"),
        ("m5.large", String::new(), "29"),
        ("m5.large", format!("{CUSTOM} --cni-version 1.19.0"), "20"),
        ("m5.large", format!("{PREFIX} {ALL}"), "434"),
        ("m5.large", PREFIX.to_owned(), "110"),
        ("m5.large", format!("{PREFIX} {CUSTOM} {ALL}"), "290"),
        ("m5.large", format!("{PREFIX} {CUSTOM}"), "110"),
        ("m5.large", "--cni-max-eni 2".to_owned(), "20"),
        ("t3.medium", String::new(), "17"),
        ("t3.medium", CUSTOM.to_owned(), "12"),
        ("p4d.24xlarge", ALL.to_owned(), "737"),
        ("p4d.24xlarge", String::new(), "250"),
        ("c6in.32xlarge", ALL.to_owned(), "394"),
    ] {
        let line = format!("--instance-type {instance_type} {arguments}");
        assert_eq!(max_pods(&line), result(expect), "{line}");
    }
    let before_prefixes =
        max_pods(&format!("--instance-type m5.large {PREFIX} --cni-version v1.8.0"));
    let warning = "warning: max-pods: version 1.8.0 of the CNI does not support prefix delegation; the CNI assigns secondary IPv4 addresses\n";
    assert_eq!(before_prefixes, RunOutput { stderr: warning.to_owned(), ..result("29") });
}

#[test]
fn before_version_1_20_4_the_trunk_takes_an_interface_on_every_type() {
    let warning = "warning: max-pods: this instance type supports no trunk interface, so pods with a SecurityGroupPolicy cannot start on this node\n";
    for (version, expected) in
        [("", "35"), ("--cni-version 1.20.4", "35"), ("--cni-version v1.20.3-eksbuild.1", "24")]
    {
        let line = format!("--instance-type t3.large --cni-pod-eni-enabled {version}");
        let expected = RunOutput { stderr: warning.to_owned(), ..result(expected) };
        assert_eq!(max_pods(&line), expected, "{line}");
    }
    let trunk = "--instance-type m5.large --cni-pod-eni-enabled --cni-version 1.20.3";
    assert_eq!(max_pods(trunk), result("20"), "the same in every version");
}

#[test]
fn max_pods_fails_without_capacity_and_for_unknown_types() {
    let no_capacity = max_pods("--instance-type hpc6id.32xlarge --cni-custom-networking-enabled");
    assert_eq!(
        no_capacity,
        RunOutput {
            status: Some(78),
            stdout: String::new(),
            stderr: "error: failed to compute max-pods for hpc6id.32xlarge\n  caused by: custom networking excludes the primary network interface, and this instance type has no other\n  help: choose an instance type with more network interfaces, or disable custom networking (`cni.custom-networking = false`)\n".to_owned(),
        }
    );
    let xen = max_pods("--instance-type m4.xlarge --cni-prefix-delegation-enabled");
    assert_eq!((xen.status, xen.stdout.as_str()), (Some(0), "58"));
    assert_eq!(
        xen.stderr,
        "warning: max-pods: prefix delegation requires a Nitro or bare metal instance type; on this Xen instance type the CNI falls back to secondary IPv4 addresses\n"
    );
    let misspelled = max_pods("--instance-type m5.lrage");
    assert!(
        misspelled.stderr.ends_with(
            "\n  help: did you mean `m5.large`? Otherwise add the region: `--region us-west-2`\n"
        ),
        "{}",
        misspelled.stderr
    );
    let unknown = max_pods("--instance-type zz9.plural");
    assert_eq!(
        unknown,
        RunOutput {
            status: Some(64),
            stdout: String::new(),
            stderr: "error: invalid command line\n  caused by: \"zz9.plural\" is not in the embedded table, and no region is set for ec2:DescribeInstanceTypes\n  help: add the region: `--region us-west-2`\n".to_owned(),
        }
    );
}

#[test]
fn max_pods_reads_the_type_from_instance_metadata() {
    let imds =
        Imds::start(&Instance { instance_type: "t3.medium".to_owned(), ..Instance::default() });
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    assert_eq!(node.run(["max-pods", "--instance-type-from-imds"]), result("17\n"));
}

#[test]
fn security_groups_for_pods_and_custom_networking_use_two_of_eight_interfaces() {
    let line = "--instance-type c5.4xlarge --cni-custom-networking-enabled --cni-pod-eni-enabled";
    assert_eq!(max_pods(&format!("{line} --ceiling none")), result("176"));
    assert_eq!(max_pods(line), result("110"));
    assert_eq!(max_pods(&format!("{line} --ceiling 58")), result("58"));
}

#[test]
fn explain_prints_the_calculation() {
    for (name, arguments) in [
        ("m5.large", "--instance-type m5.large --cni-custom-networking-enabled"),
        (
            "c5.4xlarge",
            "--instance-type c5.4xlarge --cni-custom-networking-enabled --cni-pod-eni-enabled --cni-prefix-delegation-enabled --cni-reserved-enis 1",
        ),
        (
            "p4d.24xlarge",
            "--instance-type p4d.24xlarge --cni-multi-nic-enabled --cni-minimum-ip-target 40",
        ),
        ("m4.xlarge", "--instance-type m4.xlarge --cni-prefix-delegation-enabled --cni-max-eni 2"),
        ("ipv6", "--instance-type t3.nano --cni-ip-family ipv6"),
        ("excluded-subnet", "--instance-type m5.large --cni-primary-subnet-excluded"),
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
        expect_golden(&golden().join("max-pods").join(name), &format!("{}\n", output.stdout));
    }
}

#[test]
fn several_types_are_a_table_of_at_most_80_columns() {
    let table = max_pods("--instance-type c7g.* --cni-custom-networking-enabled");
    assert_eq!((table.status, table.stderr.as_str()), (Some(0), ""));
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 80), "{}", table.stdout);
    expect_golden(&golden().join("max-pods/c7g-table"), &format!("{}\n", table.stdout));
    let no_capacity = max_pods(
        "--instance-type hpc6id.32xlarge --instance-type t3.small --cni-custom-networking-enabled --sort none",
    );
    expect_golden(
        &golden().join("max-pods/no-capacity-table"),
        &format!("{}\n", no_capacity.stdout),
    );
    let colored = max_pods(
        "--instance-type hpc6id.32xlarge --instance-type t3.small --cni-custom-networking-enabled --color always",
    );
    let lines: Vec<&str> = colored.stdout.lines().take(2).collect();
    assert!(lines[0].starts_with("\u{1b}[1m") && lines[1].starts_with("\u{1b}[31m"), "{lines:?}");
}

#[test]
fn every_output_format_and_order_works() {
    let types = "--instance-type m5.xlarge --instance-type t3.medium --instance-type m5.large";
    assert_eq!(
        max_pods(&format!("{types} --output csv")),
        result(
            "instance_type,max_pods,uncapped,vcpus\nm5.large,29,29,2\nm5.xlarge,58,58,4\nt3.medium,17,17,2"
        )
    );
    assert_eq!(max_pods(&format!("{types} --output number --sort none")), result("58\n17\n29"));
    assert_eq!(max_pods(&format!("{types} --output number --sort pods")), result("17\n29\n58"));
    assert_eq!(max_pods(&format!("{types} --output number --sort vcpus")), result("29\n17\n58"));
    assert_eq!(max_pods(&format!("{types} --lowest")), result("17"));
    let json: Value =
        serde_json::from_str(&max_pods(&format!("{types} --output json")).stdout).unwrap();
    assert_eq!(json[1]["max-pods"], 58);
    assert_eq!(json[1]["capacity"]["slots_per_interface"], 14);
    let yaml =
        max_pods("--instance-type hpc6id.32xlarge --cni-custom-networking-enabled --output yaml");
    assert!(yaml.stdout.starts_with("- error: >-\n    custom networking excludes the primary network interface, and this instance\n    type has no other\n"), "{}", yaml.stdout);
}

#[test]
fn types_are_read_from_standard_input() {
    let mut command =
        Node::empty().command(["max-pods", "--instance-type", "-", "--output", "number"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"m5.large\n\nt3.medium m5.large\n").unwrap();
    assert_eq!(
        crate::support::node::run_output(child.wait_with_output().unwrap()),
        result("29\n17\n")
    );
}

#[test]
fn the_script_name_selects_max_pods() {
    let mut command = Node::empty().command([
        "--instance-type",
        "m5.large",
        "--cni-custom-networking-enabled",
        "--cni-version",
        "1.19.0",
    ]);
    command.arg0("/etc/eks/max-pods-calculator.sh");
    assert_eq!(crate::support::node::run_output(command.output().unwrap()), result("20\n"));
}

#[test]
fn unknown_patterns_windows_and_max_eni_1_are_errors() {
    let failure = |arguments: &str| {
        let output = max_pods(arguments);
        (output.status, output.stderr)
    };
    assert_eq!(
        failure("--instance-type zz9.*"),
        (Some(64), "error: invalid command line\n  caused by: no known instance type matches \"zz9.*\"\n  help: run `eni-bootstrap limits show` to list all known instance types; quote patterns: `--instance-type 'm7g.*'`\n".to_owned())
    );
    assert_eq!(
        failure("--instance-type m5.large --os windows"),
        (Some(78), "error: failed to compute max-pods for m5.large\n  caused by: a Windows node uses one network interface for all pods, and the VPC resource controller manages its addresses\n  help: do not set max-pods on Windows nodes: the EKS Windows images set it\n".to_owned())
    );
    assert_eq!(
        failure("--instance-type m5.large --cni-max-eni 1 --cni-custom-networking-enabled"),
        (Some(78), "error: failed to compute max-pods for m5.large\n  caused by: MAX_ENI=1 leaves no network interface for pods: custom networking excludes the primary one\n  help: increase MAX_ENI on the aws-node DaemonSet (or `cni.max-eni` in the settings), or set it to 0 for no limit\n".to_owned())
    );
}
