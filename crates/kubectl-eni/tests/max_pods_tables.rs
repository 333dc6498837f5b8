//! Compares the embedded table and `max-pods` for every instance type with the tables that the VPC CNI is compiled
//! with, and with EKS's `max-pods-calculator.sh`.

#[path = "../../../tests/real/calculator/script.rs"]
mod script;

use eni_bootstrap_real_parts::{cni_limits, ec2_record};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The only type of the CNI that is in neither EC2's list nor the embedded table.
const ONLY_IN_THE_CNI: [&str; 1] = ["bmn-sf1.metal"];
/// Types of the embedded table that the CNI's table lacks. The CNI calls EC2 for these.
const ONLY_IN_OURS: usize = 56;

/// The properties of an instance type that max-pods depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Limits {
    interfaces: i64,
    interfaces_of_other_cards: i64,
    ipv4_per_interface: i64,
    bare_metal: bool,
    prefixes: bool,
}

/// A row of the CNI's tables.
#[derive(Clone, Debug)]
struct CniRow {
    limits: Limits,
    /// The limit that the CNI uses for network card 0.
    eni_limit: i64,
    /// Whether the CNI keeps an interface for a trunk.
    trunk: bool,
}

type Table = BTreeMap<String, BTreeMap<String, String>>;

/// Parses CSV with a header. The first column is the instance type.
fn parse(csv: &str) -> Table {
    let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().unwrap().collect();
    let rows = lines.map(|row| header.iter().cloned().zip(row).collect::<BTreeMap<_, _>>());
    rows.map(|row| (row["instance_type"].clone(), row)).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> i64 {
    row[column].parse().unwrap()
}

fn limits(row: &BTreeMap<String, String>) -> Limits {
    let bare_metal = row["bare_metal"] == "true";
    Limits {
        interfaces: number(row, "enis_default_card"),
        interfaces_of_other_cards: number(row, "enis_other_cards"),
        ipv4_per_interface: number(row, "ipv4_per_eni"),
        bare_metal,
        prefixes: bare_metal || row["hypervisor"] == "nitro",
    }
}

/// Returns the tables of the VPC CNI.
fn cni_table() -> Option<BTreeMap<String, CniRow>> {
    let output = Command::new(cni_limits()?).output().unwrap();
    assert!(output.status.success());
    let table = parse(&String::from_utf8(output.stdout).unwrap());
    let row = |row: BTreeMap<String, String>| CniRow {
        limits: limits(&row),
        eni_limit: number(&row, "eni_limit"),
        // A type that the resource controller does not list counts as compatible.
        // Source: IsTrunkingCompatible, pkg/awsutils/awsutils.go, aws/amazon-vpc-cni-k8s.
        trunk: row["trunking"] != "false",
    };
    Some(table.into_iter().map(|(name, columns)| (name, row(columns))).collect())
}

fn run(arguments: &[&str]) -> Table {
    let output = crate::support::run(arguments.iter().copied());
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    parse(&output.stdout)
}

/// Asserts that `differences` is empty, and lists them otherwise.
fn assert_none(differences: &[String]) {
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn the_embedded_table_equals_the_table_of_the_cni() {
    let Some(cni) = cni_table() else { return };
    let ours = run(&["limits", "show"]);
    let (our_types, cni_types): (BTreeSet<&String>, BTreeSet<&String>) =
        (ours.keys().collect(), cni.keys().collect());
    assert!(cni_types.difference(&our_types).copied().eq(ONLY_IN_THE_CNI.iter()));
    assert_eq!(our_types.difference(&cni_types).count(), ONLY_IN_OURS);
    let mut differences = Vec::new();
    for (name, row) in cni.iter().filter(|(name, _)| ours.contains_key(*name)) {
        let own = limits(&ours[name]);
        if own != row.limits || row.eni_limit != own.interfaces {
            differences.push(format!("{name}: {own:?}, CNI: {row:?}"));
        }
    }
    assert_none(&differences);
}

/// A CNI configuration.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    custom_networking: bool,
    prefixes: bool,
    pod_eni: bool,
    max_eni: Option<i64>,
}

impl Mode {
    /// Returns every combination of the three features, with and without a `MAX_ENI`.
    fn all() -> Vec<Self> {
        let features = (0..8_u8).flat_map(|bits| {
            [None, Some(1), Some(2)].map(|max_eni| Self {
                custom_networking: bits & 1 != 0,
                prefixes: bits & 2 != 0,
                pod_eni: bits & 4 != 0,
                max_eni,
            })
        });
        features.collect()
    }

    fn flags(self) -> Vec<String> {
        let mut flags =
            ["max-pods", "*", "--output=csv", "--show-max-allowed"].map(str::to_owned).to_vec();
        for (is_on, flag) in [
            (self.custom_networking, "--cni-custom-networking-enabled"),
            (self.prefixes, "--cni-prefix-delegation-enabled"),
            (self.pod_eni, "--cni-pod-eni-enabled"),
        ] {
            if is_on {
                flags.push(flag.to_owned());
            }
        }
        flags.extend(self.max_eni.map(|limit| format!("--cni-max-eni={limit}")));
        flags
    }

    /// Returns the pods of a node in the steps of ipamd, with two host-network pods, or `None` if ipamd
    /// serves no pod.
    ///
    /// Source: `hasRoomForEni`, `tryEnableSecurityGroupsForPods` and `getMaxENI`, `pkg/ipamd/ipamd.go`,
    /// aws/amazon-vpc-cni-k8s v1.23.2.
    fn ipamd(self, row: &CniRow) -> Option<i64> {
        let usable = self.max_eni.map_or(row.eni_limit, |limit| limit.min(row.eni_limit));
        let primary = i64::from(self.custom_networking);
        let mut interfaces = usable - primary;
        // The primary interface exists before ipamd starts, so a trunk never replaces it.
        if self.pod_eni && row.trunk && usable > 1 {
            interfaces -= 1;
        }
        let per_slot = if self.prefixes && row.limits.prefixes { 16 } else { 1 };
        let addresses = interfaces * (row.limits.ipv4_per_interface - 1) * per_slot;
        (addresses > 0).then_some(addresses + 2)
    }
}

#[test]
fn max_pods_of_every_type_equals_the_calculation_on_the_table_of_the_cni() {
    let Some(cni) = cni_table() else { return };
    let mut compared = 0;
    let mut differences = Vec::new();
    for mode in Mode::all() {
        let flags = mode.flags();
        let ours = run(&flags.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, row) in cni.iter().filter(|(name, _)| ours.contains_key(*name)) {
            let own = ours[name]["max_pods"].parse().ok();
            let expected = mode.ipamd(row);
            if own != expected {
                differences.push(format!("{name} {mode:?}: {own:?}, CNI: {expected:?}"));
            }
            compared += 1;
        }
    }
    assert_none(&differences);
    assert_eq!(compared, Mode::all().len() * (cni.len() - ONLY_IN_THE_CNI.len()));
}

/// Returns the program's max-pods of every type, or `None` for a type without capacity.
fn program(call: script::Call) -> BTreeMap<String, Option<i64>> {
    let flags = call.flags();
    let all = ["max-pods", "*", "--output=csv"].into_iter();
    let table = run(&all.chain(flags.iter().map(String::as_str)).collect::<Vec<_>>());
    table.into_iter().map(|(name, row)| (name, row["max_pods"].parse().ok())).collect()
}

#[test]
fn max_pods_of_every_type_in_every_mode_equals_the_script() {
    let Some(record) = ec2_record() else { return };
    assert_eq!(record.len(), 1_395);
    let (mut compared, mut metal) = (0, 0);
    for call in script::calls() {
        let program = program(call);
        for info in &record {
            let name = info["InstanceType"].as_str().unwrap();
            let expected = call.script(info, true);
            assert_eq!(program[name], expected, "{name} {call:?}");
            metal += usize::from(call.script(info, false) != expected);
            compared += 1;
        }
    }
    assert_eq!(compared, 40 * 1_395);
    // The documented difference: prefixes on bare metal.
    assert!(metal > 0);
}
