//! Compares `max-pods` with EKS's `max-pods-calculator.sh` for every instance type of EC2. The test of
//! `kubectl eni max-pods` compares every instance type with every combination of flags.

mod script;

use crate::support::node::Node;
use crate::support::real_parts::ec2_record;
use script::{Call, calls};
use serde_json::Value;
use std::thread;

/// The number of processes at the same time.
const PROCESSES: usize = 4;

/// Returns the program's max-pods of an instance type; `None` if it has no capacity.
fn program(node: &Node, name: &str, call: Call) -> Option<i64> {
    let flags = ["max-pods".to_owned(), format!("--instance-type={name}")];
    let output = node.run(flags.into_iter().chain(call.flags()));
    match output.status {
        Some(0) => Some(output.stdout.trim_end().parse().unwrap()),
        status => {
            assert_eq!(status, Some(78), "{name} {call:?}: {}", output.stderr);
            None
        }
    }
}

#[test]
fn max_pods_of_every_type_equals_the_script() {
    let Some(record) = ec2_record() else { return };
    assert_eq!(record.len(), 1_395);
    // Each type with one combination of flags, and each combination with more than 30 types.
    let cases: Vec<(&Value, Call)> = record.iter().zip(calls().into_iter().cycle()).collect();
    let check = |cases: &[(&Value, Call)]| {
        let node = Node::empty();
        for (info, call) in cases {
            let name = info["InstanceType"].as_str().unwrap();
            assert_eq!(program(&node, name, *call), call.script(info, true), "{name} {call:?}");
        }
    };
    thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(PROCESSES)) {
            scope.spawn(move || check(part));
        }
    });
}
