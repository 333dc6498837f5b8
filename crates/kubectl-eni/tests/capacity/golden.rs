//! The whole output of the program for a cluster with three zones, and its exit codes.

use super::world::{CUSTOM, PREFIXES, World};
use crate::support::expect_golden;
use eni_bootstrap_real_parts::python;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The ids that replace those of moto, which are random.
const SUBNETS: [&str; 3] =
    ["subnet-aaaaaaaaaaaaaaaaa", "subnet-bbbbbbbbbbbbbbbbb", "subnet-ccccccccccccccccc"];
const VPC: &str = "vpc-eeeeeeeeeeeeeeeee";
const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];

/// A cluster with custom networking and prefix delegation. Zone a has just enough free blocks, zone b has none, and
/// zone c has capacity.
pub struct ThreeZones {
    pub world: World,
    ids: Vec<(String, &'static str)>,
}

impl ThreeZones {
    pub fn start() -> Option<Self> {
        let world = World::start()?;
        world.install_cni(&[CUSTOM, PREFIXES]);
        let account = world.account();
        let vpc = account.vpc("10.0.0.0/16");
        let mut ids = Vec::new();
        for (number, zone) in ZONES.into_iter().enumerate() {
            let length = if number == 2 { 23 } else { 24 };
            let subnet = account.subnet(&vpc, zone, &format!("10.0.{number}.0/{length}"));
            world.eni_config(zone, &subnet);
            ids.push((subnet, SUBNETS[number]));
        }
        let address = |zone: usize, last: usize| format!("10.0.{zone}.{last}");
        let in_zone = |zone: usize, last: &[usize]| {
            let addresses: Vec<String> = last.iter().map(|last| address(zone, *last)).collect();
            world.interface(&ids[zone].0, &addresses);
        };
        in_zone(0, &[20, 37, 54, 71, 72, 120]);
        in_zone(0, &(80..96).collect::<Vec<_>>());
        in_zone(0, &(96..112).collect::<Vec<_>>());
        in_zone(1, &(1..15).map(|block| block * 17).collect::<Vec<_>>());
        in_zone(2, &[20, 53, 86]);
        world.reserve(&ids[2].0, "10.0.2.160/27", "prefix");
        world.reserve(&ids[2].0, "10.0.3.208/28", "explicit");
        for (name, zone, instance_type) in [
            ("a-1", ZONES[0], "m5.large"),
            ("a-2", ZONES[0], "m5.large"),
            ("b-1", ZONES[1], "m5.large"),
            ("c-1", ZONES[2], "t3.small"),
        ] {
            world.node(name, zone, instance_type, &format!("i-{name}"));
        }
        let labels = json!({ "eks.amazonaws.com/compute-type": "fargate" });
        let fargate = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": { "name": "fargate", "labels": labels },
        });
        world.cluster.apply(fargate);
        ids.push((vpc, VPC));
        Some(Self { world, ids })
    }

    /// Replaces the random ids.
    fn stable(&self, text: &str) -> String {
        let replaced = |text: String, (from, to): &(String, &str)| text.replace(from, to);
        self.ids.iter().fold(text.to_owned(), replaced)
    }
}

#[test]
fn the_output_of_three_zones_is_stable() {
    let Some(zones) = ThreeZones::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("subnets.svg");
    let run = zones.world.capacity(&["--nodes", "3", "--svg", picture.to_str().unwrap()]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 100 || line.contains("aws ec2")));
    expect_golden("capacity.txt", &zones.stable(&run.stdout));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kubectl-eni-capacity.md");
    let page = fs::read_to_string(page).unwrap();
    let example = format!("```text\n{}```\n", zones.stable(&run.stdout));
    assert!(page.contains(&example), "the page shows the golden file");
    let json = zones.world.capacity(&["--nodes", "3", "-o", "json"]);
    assert_eq!((json.code, json.stderr.as_str()), (1, ""));
    expect_golden("capacity.json", &zones.stable(&json.stdout));
    let svg = fs::read_to_string(&picture).unwrap();
    expect_golden("capacity.svg", &zones.stable(&svg));
    assert_eq!(svg.matches("http").count(), 1, "only the name space");
    assert!(!svg.contains("href") && !svg.contains("url("));
    let cells = 16 + 16 + 32;
    assert_eq!(cells_of(&picture), cells + 6 + 1, "the blocks, the legend and the background");
}

/// Returns the number of rectangles in a picture, which must be well-formed XML.
fn cells_of(picture: &Path) -> usize {
    let Some(python) = python() else { return 71 };
    let script = "import sys, xml.etree.ElementTree as t; print(sum(1 for it in t.parse(sys.argv[1]).iter('{http://www.w3.org/2000/svg}rect')))";
    let output = Command::new(python).args(["-c", script]).arg(picture).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn the_exit_code_tells_full_zones_from_unknown_ones() {
    let Some(world) = World::start() else { return };
    let account = world.account();
    let vpc = account.vpc("10.0.0.0/16");
    let subnet = account.subnet(&vpc, "us-west-2a", "10.0.0.0/25");
    world.install_cni(&[CUSTOM]);
    world.eni_config("us-west-2a", &subnet);
    let m5 = ["--instance-type", "m5.large"];
    let codes = |arguments: &[&str]| world.capacity(&[&m5, arguments].concat()).parts();
    assert_eq!(codes(&[]).0, 0);
    assert_eq!(codes(&["--nodes", "6"]).0, 0);
    let (code, stdout, _) = codes(&["--nodes", "8"]);
    assert_eq!((code, stdout.contains("  no capacity for 2 of them\n")), (1, true), "{stdout}");
    // Without another zone or an instance type, the rest is still computed.
    let (code, _, stderr) = codes(&["--lost-zone", "us-west-2d"]);
    assert_eq!(
        (code, stderr.as_str()),
        (
            64,
            "error: no nodes and no pod subnets found in zone \"us-west-2d\"\n  help: use a zone name such as us-west-2a: `kubectl get nodes -L topology.kubernetes.io/zone`\n"
        )
    );
    let (code, stdout, _) = codes(&["--instance-type", "zz9.large"]);
    assert_eq!((code, stdout.contains("  zz9.large: EC2 does not offer")), (2, true), "{stdout}");
    let (code, stdout, _) =
        world.capacity(&["--instance-type", "zz9.large", "--nodes", "100"]).parts();
    let note = "  --nodes 100: not computed, because no instance type is known\n";
    assert_eq!((code, stdout.ends_with(note)), (2, true), "{stdout}");
    assert!(!stdout.contains("no capacity for"), "{stdout}");
    world.eni_config("other", "subnet-0123456789abcdef0");
    let (code, stdout, _) = codes(&[]);
    let skipped = "SKIPPED\n  ENIConfig other: subnet-0123456789abcdef0 not found in EC2\n";
    assert_eq!((code, stdout.ends_with(skipped)), (2, true), "{stdout}");
    // A zone without an ENIConfig subnet has no capacity.
    world.node("b-1", "us-west-2b", "m5.large", "i-0b");
    let (code, stdout, _) = codes(&[]);
    assert_eq!(
        (code, stdout.contains("  us-west-2b  m5.large                0  full\n")),
        (1, true),
        "{stdout}"
    );
    let command = "--availability-zone us-west-2b --cidr-block 10.0.0.128/27\n    The range overlaps no subnet and must be in a CIDR block of the VPC. Then create its ENIConfig.\n";
    assert!(stdout.contains(command), "{stdout}");
    // aws-node does not start.
    world.install_cni(&[CUSTOM, PREFIXES, ("WARM_PREFIX_TARGET", "0")]);
    let (_, stdout, _) = codes(&[]);
    let warning = "warning: aws-node does not start: prefix delegation needs WARM_PREFIX_TARGET,";
    assert!(stdout.contains(warning), "{stdout}");
    let report = world.json(&m5);
    assert_eq!(report["diagnostics"][0]["code"], "no-warm-target");
    world.install_cni(&[("ENABLE_IPv6", "true"), PREFIXES]);
    let (code, stdout, stderr) = codes(&[]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            78,
            "",
            "error: the VPC CNI assigns no IPv4 addresses to pods: ENABLE_IPv6 is true\n  help: use this command for clusters whose CNI attaches network interfaces with IPv4 addresses\n"
        )
    );
}

#[test]
fn several_eni_configs_of_one_subnet_count_once() {
    let Some(mut world) = World::start() else { return };
    let account = world.account();
    let vpc = account.vpc("10.0.0.0/16");
    let subnet = account.subnet(&vpc, "us-west-2a", "10.0.0.0/24");
    world.install_cni(&[CUSTOM]);
    world.eni_config("blue", &subnet);
    world.eni_config("green", &subnet);
    let report = world.json(&["--instance-type", "m5.large,t3.small"]);
    let zone = &report["zones"][0];
    assert_eq!(zone["subnets"].as_array().unwrap().len(), 1);
    assert_eq!(zone["subnets"][0]["usedBy"], "ENIConfigs blue, green");
    assert_eq!(zone["moreNodes"][0]["best"], 12, "251 addresses, 20 for each node");
    assert_eq!(zone["moreNodes"][1]["best"], 31, "8 for each node");
    // Eight nodes of each type take 224 addresses, and 27 are left for one more m5.large.
    assert_eq!(zone["alternating"]["worst"], 17);
    // Without a permission, the subnet and its zone are unknown.
    let actions = ["ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces"];
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    let key = world.account().user("operator", &policy);
    world.account().enforce_policies();
    world.key = key;
    let report = world.json(&["--instance-type", "m5.large"]);
    assert_eq!(report["zones"][0]["canTakeNode"], Value::Null);
    let reason = report["skipped"][0].as_str().unwrap();
    let expected = format!("{subnet}: access denied for ec2:GetSubnetCidrReservations");
    assert!(reason.starts_with(&expected), "{reason}");
    assert_eq!(world.capacity(&["--instance-type", "m5.large"]).code, 2);
    let (code, stdout, _) =
        world.capacity(&["--instance-type", "m5.large", "--nodes", "10"]).parts();
    assert_eq!((code, stdout.contains("no capacity for")), (2, false), "{stdout}");
    assert!(!stdout.contains("create-subnet"), "{stdout}");
}

#[test]
fn a_failing_picture_does_not_discard_the_report() {
    let Some(ThreeZones { world, .. }) = ThreeZones::start() else { return };
    let run = world.capacity(&["--svg", "/dev/null/subnets.svg"]);
    assert_eq!((run.code, run.stdout.contains("\nMORE NODES WITH")), (73, true), "{run:?}");
    assert!(run.stderr.starts_with("error: failed to write the picture\n"), "{}", run.stderr);
}
