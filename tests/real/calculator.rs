//! Compares `max-pods` with EKS's `max-pods-calculator.sh` for every instance type of EC2.
//!
//! This file implements the script's algorithm on recorded responses of EC2. It shares neither code nor
//! the instance-type table with the program.

use crate::support::node::Node;
use crate::support::real_parts::ec2_record;
use serde_json::Value;
use std::collections::BTreeMap;

/// One call of the script.
#[derive(Clone, Copy, Debug)]
struct Call {
    custom_networking: bool,
    prefix_delegation: bool,
    max_eni: Option<i64>,
    show_max_allowed: bool,
}

impl Call {
    fn flags(self) -> Vec<String> {
        let mut flags = vec!["--cni-version=1.19.0".to_owned()];
        for (is, flag) in [
            (self.custom_networking, "--cni-custom-networking-enabled"),
            (self.prefix_delegation, "--cni-prefix-delegation-enabled"),
            (self.show_max_allowed, "--show-max-allowed"),
        ] {
            if is {
                flags.push(flag.to_owned());
            }
        }
        flags.extend(self.max_eni.map(|most| format!("--cni-max-eni={most}")));
        flags
    }

    /// Computes max-pods in the steps of the script. With `metal_counts`, bare metal types support
    /// prefixes, as in the CNI; the script checks for the hypervisor "nitro", which EC2 does not list for
    /// bare metal. `None` means that no interface is left, where the script prints 2 or less.
    fn script(self, info: &Value, metal_counts: bool) -> Option<i64> {
        let network = &info["NetworkInfo"];
        let card = network["DefaultNetworkCardIndex"].as_i64().unwrap();
        let cards = network["NetworkCards"].as_array().unwrap();
        let card = cards.iter().find(|it| it["NetworkCardIndex"].as_i64() == Some(card)).unwrap();
        let mut enis = card["MaximumNetworkInterfaces"].as_i64().unwrap();
        if let Some(most) = self.max_eni {
            enis = enis.min(most);
        }
        if self.custom_networking {
            enis -= 1;
        }
        if enis < 1 {
            return None;
        }
        let metal = info["BareMetal"].as_bool() == Some(true);
        let nitro = info["Hypervisor"].as_str() == Some("nitro") || (metal && metal_counts);
        let slots = network["Ipv4AddressesPerInterface"].as_i64().unwrap() - 1;
        let prefix = if nitro && self.prefix_delegation { 16 } else { 1 };
        let pods = enis * slots * prefix + 2;
        let cpus = info["VCpuInfo"]["DefaultVCpus"].as_i64().unwrap();
        let ceiling = if cpus > 30 { 250 } else { 110 };
        Some(if self.show_max_allowed { pods } else { pods.min(ceiling) })
    }
}

fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for bits in 0..8_u8 {
        for max_eni in [None, Some(1), Some(2), Some(3), Some(4)] {
            calls.push(Call {
                custom_networking: bits & 1 != 0,
                prefix_delegation: bits & 2 != 0,
                show_max_allowed: bits & 4 != 0,
                max_eni,
            });
        }
    }
    calls
}

/// Returns the program's max-pods of every type, or `None` for a type without capacity.
fn program(call: Call) -> BTreeMap<String, Option<i64>> {
    let flags = ["max-pods", "--instance-type=*", "--output=csv"].map(str::to_owned);
    let output = Node::empty().run(flags.into_iter().chain(call.flags()));
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{call:?}");
    let rows = output.stdout.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_owned(), fields[1].parse().ok())
    });
    rows.collect()
}

#[test]
fn max_pods_of_every_type_in_every_mode_equals_the_script() {
    let Some(record) = ec2_record() else { return };
    assert_eq!(record.len(), 1_395);
    let (mut compared, mut metal) = (0, 0);
    for call in calls() {
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
