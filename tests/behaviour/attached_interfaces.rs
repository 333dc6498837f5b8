//! A VPC CNI that adds no network interfaces and no addresses: the attached ones decide about max-pods.

use crate::real::ec2_fit::Site;
use crate::support::node::{DROP_IN, Node, RunOutput, error, imds_with, ready_api, with_imds};
use crate::support::real_parts::moto;
use eni_bootstrap_sandbox::{Fault, Imds, Interface};
use serde_json::{Value, json};

const LIST: &str = "meta-data/network/interfaces/macs/";
const PRIMARY: &str = "meta-data/network/interfaces/macs/02:00:00:00:00:01";

/// Returns a c5.large, whose primary interface has two secondary addresses and a prefix, and whose other
/// interface has three secondary addresses.
fn imds() -> Imds {
    let imds = imds_with(ready_api().node_config());
    imds.set(&format!("{PRIMARY}/local-ipv4s"), "192.0.2.10\n192.0.2.11\n192.0.2.12");
    imds.set(&format!("{PRIMARY}/ipv4-prefix"), "192.0.2.48/28");
    imds.attach(&Interface::default());
    imds
}

fn imds_only(imds: &Imds) -> Node {
    let node = with_imds(imds).with("--cni-source", "settings");
    node.with("--cni-custom-networking", "false").with("--cni-imds-only", "true")
}

fn plan(node: &Node) -> RunOutput {
    let output = node.run(["plan"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    output
}

/// Returns the line of `plan` about max-pods.
fn max_pods(output: &RunOutput) -> &str {
    output.stdout.lines().find(|line| line.starts_with("plan: max-pods ")).unwrap()
}

#[test]
fn attached_addresses_decide_in_every_output() {
    let imds = imds();
    let node = imds_only(&imds);
    let line = "plan: max-pods 7: 5 IPv4 addresses on the attached network interfaces + 2 host-network pods = 7";
    assert_eq!(max_pods(&plan(&node)), line);
    let output = node.run(["plan", "--output", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    let capacity = &json["capacity"];
    assert_eq!(
        json!([capacity["attached_addresses"], capacity["uncapped"], capacity["max_pods"]]),
        json!([5, 7, 7])
    );
    assert_eq!(json["cni"]["config"]["imds_only"], true);
    assert_eq!(
        json["instance"]["primary-interface"],
        json!({
            "id": "eni-0000000000000000a", "subnet-id": "subnet-0123456789abcdef0",
            "secondary-addresses": 2, "prefixes": 1,
        })
    );
    let output = node.run(["check"]);
    let expected = line.replace("plan: max-pods ", "ok       max-pods   ");
    assert!(output.stdout.lines().any(|it| it == expected), "{}", output.stdout);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains(&format!("\n{line}\n")), "{}", output.stderr);
    assert!(node.read(DROP_IN).unwrap().contains("maxPods: 7\n"));
    let prefixes = imds_only(&imds).with("--cni-prefix-delegation", "true");
    assert_eq!(
        max_pods(&plan(&prefixes)),
        "plan: max-pods 18: 16 IPv4 addresses on the attached network interfaces + 2 host-network pods = 18"
    );
    let earlier = imds_only(&imds).with("--cni-version", "1.19.5");
    assert_eq!(
        max_pods(&plan(&earlier)),
        "plan: max-pods 29: 3 network interfaces × 9 secondary IPv4 addresses + 2 host-network pods = 29"
    );
}

#[test]
fn the_daemonset_decides_whether_the_cni_adds_addresses() {
    let api = ready_api();
    let imds = imds_with(api.node_config());
    imds.attach(&Interface::default());
    let node = with_imds(&imds);
    for variable in ["ENABLE_IMDS_ONLY_MODE", "DISABLE_NETWORK_RESOURCE_PROVISIONING"] {
        api.set_aws_node(Some(&[(variable, "true"), ("ENABLE_SUBNET_DISCOVERY", "false")]));
        let node = node.run(["plan", "--cni-primary-subnet-excluded=false"]);
        assert_eq!(node.status, Some(0), "{}", node.stderr);
        assert_eq!(
            max_pods(&node),
            "plan: max-pods 5: 3 IPv4 addresses on the attached network interfaces + 2 host-network pods = 5",
            "{variable}: {}",
            node.stderr
        );
    }
}

#[test]
fn a_missing_item_is_awaited_if_max_pods_depends_on_it() {
    for item in ["02:00:00:00:00:01/device-number", "02:00:00:00:00:02/device-number"] {
        let imds = imds();
        imds.faults().fail_next_matching(item, 2, Fault::Status(404));
        let output = plan(&imds_only(&imds));
        assert!(max_pods(&output).starts_with("plan: max-pods 7: "), "{item}: {}", output.stdout);
    }
}

#[test]
fn unknown_interfaces_are_an_error_only_if_max_pods_depends_on_them() {
    let imds = imds();
    imds.remove(LIST);
    let node = imds_only(&imds).with("--imds-wait", "3s");
    for command in ["plan", "run"] {
        let output = node.run([command]);
        assert_eq!(output.status, Some(69), "{}", output.stderr);
        assert_eq!(
            error(&output),
            "error: failed to compute the node configuration\n  caused by: failed to compute max-pods for c5.large\n  caused by: the VPC CNI uses only the attached network interfaces, and instance metadata does not describe them\n  help: check that the instance metadata service responds to requests for meta-data/network/interfaces/macs/, or set `pods.max`\n"
        );
        let warning = "warning: instance: failed to read the attached network interfaces: the instance metadata service has no meta-data/network/interfaces/macs/\n";
        assert!(output.stderr.contains(warning), "{}", output.stderr);
    }
    assert_eq!(node.read(DROP_IN), None);
    let output = node.run(["check"]);
    assert_eq!(output.status, Some(1));
    let failed = "failed   plan      failed to compute the node configuration: failed to compute max-pods for c5.large: the VPC CNI uses only the attached network interfaces, and instance metadata does not describe them\n                   → check that the instance metadata service responds to requests for meta-data/network/interfaces/macs/, or set `pods.max`\n";
    assert!(output.stdout.contains(failed), "{}", output.stdout);
    let output = node.run(["plan", "--pods-max", "20"]);
    assert_eq!(
        max_pods(&output),
        "plan: max-pods 20: the addresses of the attached network interfaces are unknown; overridden by pods.max = 20"
    );
    let output = with_imds(&imds).run(["plan", "--cni-source", "settings"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(max_pods(&output).starts_with("plan: max-pods 20: "), "{}", output.stdout);
}

#[test]
fn interfaces_without_addresses_are_an_error() {
    let imds = imds_with(ready_api().node_config());
    let output = imds_only(&imds).run(["plan"]);
    assert_eq!(output.status, Some(78), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: failed to compute the node configuration\n  caused by: failed to compute max-pods for c5.large\n  caused by: the VPC CNI uses only the attached network interfaces, and they have no secondary IPv4 address for pods\n  help: assign secondary IPv4 addresses to a network interface of the instance, remove ENABLE_IMDS_ONLY_MODE and DISABLE_NETWORK_RESOURCE_PROVISIONING from the aws-node DaemonSet, or set `pods.max` if they are assigned later\n"
    );
}

/// Returns the warnings of a run with the ENIConfig us-west-2a, whose subnet is subnet-0a.
fn warnings(imds: &Imds) -> Vec<String> {
    let output = with_imds(imds).run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let about = |line: &&str| line.starts_with("warning: ") && line.contains("network interface");
    output.stderr.lines().filter(about).map(str::to_owned).collect()
}

#[test]
fn addresses_in_the_subnet_of_the_node_are_warnings_with_custom_networking() {
    let api = ready_api();
    let imds = imds_with(api.node_config());
    imds.attach(&Interface::default());
    assert_eq!(warnings(&imds), Vec::<String>::new(), "it is in the subnet of the ENIConfig");
    imds.set(&format!("{PRIMARY}/local-ipv4s"), "192.0.2.10\n192.0.2.11");
    imds.set(&format!("{PRIMARY}/ipv4-prefix"), "192.0.2.48/28");
    assert_eq!(
        warnings(&imds),
        [
            "warning: plan: the primary network interface has 1 /28 prefix, which the CNI does not use with custom networking: 16 IPv4 addresses of subnet-0123456789abcdef0 remain unused; remove the IPv4 prefixes from the network interface in the launch template (Ipv4PrefixCount) or in the EC2NodeClass",
            "warning: plan: the primary network interface has 1 secondary IPv4 address, which the CNI also assigns to pods: these pods are in the subnet of the node, subnet-0123456789abcdef0, and have its security groups instead of those of the ENIConfig; remove the secondary IPv4 addresses from the network interface in the launch template (SecondaryPrivateIpAddressCount), and replace the node"
        ]
    );
}

#[test]
fn an_attached_interface_outside_of_the_pod_subnet_is_a_warning() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let subnet = site.account.subnet(&site.vpc, "us-west-2a", "10.0.1.0/24");
    site.eni_config(&subnet, &[]);
    site.imds.attach(&Interface::default());
    let outside = |untagged: &str, text: &str| {
        let custom = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
        site.api.set_aws_node(Some(&[custom, ("MANAGE_UNTAGGED_ENI", untagged)]));
        let output = site.node.run(["run", "--eni-config-wait", "0", "--cni-reserved-enis", "0"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let line = format!(
            "warning: verify: network interfaces: eni-0123456789abcdef0 (subnet-0a) is not in the ENIConfig's subnet {subnet}; the CNI assigns its addresses to pods, {text}\n"
        );
        assert!(output.stderr.contains(&line), "{}", output.stderr);
    };
    outside(
        "true",
        "unless it has the tag node.k8s.amazonaws.com/no_manage=true; if these pods need the subnet of the ENIConfig, set the tag node.k8s.amazonaws.com/no_manage=true on these network interfaces in the launch template, and set cni.reserved-enis to their number",
    );
    outside(
        "false",
        "if it has the tag node.k8s.amazonaws.com/instance_id (MANAGE_UNTAGGED_ENI=false); set cni.reserved-enis to the number of these network interfaces without the tag",
    );
    let output = site.node.run(["check", "--output", "json"]);
    let checks: Value = serde_json::from_str(&output.stdout).unwrap();
    let checks = checks["checks"].as_array().unwrap().clone();
    let codes = ["untagged-interfaces", "pods-in-node-subnet"];
    for code in codes {
        assert!(checks.iter().any(|it| it["code"] == code), "{code}: {}", output.stdout);
    }
}
