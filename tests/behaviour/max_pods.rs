//! The max-pods calculator on the command line.

use crate::support::golden::{expect_golden, golden};
use crate::support::node::{Node, RunOutput};
use eni_bootstrap_sandbox::{Imds, Instance};
use std::os::unix::process::CommandExt as _;

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
fn explain_prints_the_calculation() {
    for (name, arguments) in [
        ("m5.large", "--instance-type m5.large --cni-custom-networking-enabled"),
        ("m4.xlarge", "--instance-type m4.xlarge --cni-prefix-delegation-enabled --cni-max-eni 2"),
    ] {
        let output = max_pods(&format!("--explain {arguments}"));
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{name}");
        expect_golden(&golden().join("max-pods").join(name), &format!("{}\n", output.stdout));
    }
}

#[test]
fn max_eni_1_is_an_error() {
    let output =
        max_pods("--instance-type m5.large --cni-max-eni 1 --cni-custom-networking-enabled");
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            Some(78),
            "error: failed to compute max-pods for m5.large\n  caused by: MAX_ENI=1 leaves no network interface for pods: custom networking excludes the primary one\n  help: increase MAX_ENI on the aws-node DaemonSet (or `cni.max-eni` in the settings), or set it to 0 for no limit\n"
        )
    );
}

#[test]
fn what_only_the_plugin_has_is_a_usage_error_that_names_the_plugin() {
    let other = "on the computer of an operator";
    for (arguments, cause, help) in [
        (
            "max-pods --instance-type zz9.*",
            "`eni-bootstrap max-pods` does not accept patterns of instance types",
            "run `kubectl eni max-pods`, which accepts several instance types and patterns,",
        ),
        (
            "max-pods --instance-type m5.large --instance-type t3.medium",
            "`eni-bootstrap max-pods` does not accept several instance types",
            "run `kubectl eni max-pods`, which accepts several instance types and patterns,",
        ),
        (
            "max-pods --instance-type -",
            "`eni-bootstrap max-pods` does not accept instance types on standard input",
            "run `kubectl eni max-pods`, which accepts several instance types and patterns,",
        ),
        (
            "max-pods --instance-type m5.large --output json",
            "--output is a flag of the kubectl plugin",
            "run `kubectl eni max-pods`, which has this flag,",
        ),
        (
            "max-pods --instance-type m5.large --cni-pod-eni-enabled",
            "--cni-pod-eni-enabled is a flag of the kubectl plugin",
            "run `kubectl eni max-pods`, which has this flag,",
        ),
        (
            "limits show m5.large",
            "`limits` is a command of the kubectl plugin",
            "run `kubectl eni limits`",
        ),
        (
            "limits refresh --region us-east-1",
            "`limits` is a command of the kubectl plugin",
            "run `kubectl eni limits`",
        ),
    ] {
        let stderr =
            format!("error: invalid command line\n  caused by: {cause}\n  help: {help} {other}\n");
        assert_eq!(
            Node::empty().run(arguments.split_whitespace()),
            RunOutput { status: Some(64), stdout: String::new(), stderr },
            "{arguments}"
        );
    }
}

#[test]
fn every_command_reads_the_override_file() {
    const FILE: &str = "etc/eni-bootstrap/instance-types.csv";
    const HEADER: &str = "instance_type,enis_default_card,enis_other_cards,ipv4_per_eni,hypervisor,bare_metal,vcpus\n";
    let imds =
        Imds::start(&Instance { instance_type: "zz9.plural".to_owned(), ..Instance::default() });
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    node.file(
        FILE,
        &(HEADER.to_owned() + "m5.large,5,0,10,nitro,false,2\nzz9.plural,3,0,10,nitro,false,2\n"),
    );
    for (arguments, expected) in [
        (&["max-pods", "--instance-type", "m5.large"][..], "47\n"),
        (&["max-pods", "--instance-type", "zz9.plural"], "29\n"),
        (&["max-pods", "--instance-type-from-imds"], "29\n"),
    ] {
        assert_eq!(node.run(arguments), result(expected), "{arguments:?}");
    }
    let plan = node.run(["plan", "--cni-source=settings", "--cni-custom-networking=false"]);
    assert!(
        plan.stdout.contains(
            "instance: zz9.plural (Nitro, 2 vCPUs) supports 3 network interfaces with 10 IPv4 addresses each (source: override file)\n"
        ),
        "{plan:?}"
    );
    let path = node.file(FILE, &(HEADER.to_owned() + "zz9.plural,3\n"));
    let broken = node.run(["run"]);
    assert_eq!(
        (broken.status, broken.stderr),
        (
            Some(78),
            format!(
                "error: {}, line 2 is not a valid row of the instance type table\n  caused by: \"zz9.plural,3\" does not have the columns {}\n  help: correct the line, or create the file again: `kubectl eni limits refresh --region REGION --output FILE`\n",
                path.display(),
                HEADER.trim_end()
            )
        )
    );
}
