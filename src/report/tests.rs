use super::*;
use crate::facts::Machine;
use crate::facts::fixture::facts;
use crate::settings::{Layer, Settings};
use std::path::Path;

/// A t3.small with prefixes: 3 interfaces of 4 addresses.
fn warned(memory_mebibytes: u64, ceiling: &str) -> Vec<String> {
    let machine = Some(Machine { cpus: 2, memory_bytes: memory_mebibytes << 20 });
    let facts = Facts { machine, ..facts("t3.small") };
    let text = format!(
        "cni = {{ custom-networking = false, prefix-delegation = true }}\npods.ceiling = {ceiling}\n"
    );
    let layer = Layer::from_toml(Path::new("test.toml"), &text).unwrap();
    let plan = crate::plan::plan(&facts, &Settings::from_layer(layer).unwrap(), None).unwrap();
    warnings(&facts, &plan)
}

#[test]
fn a_memory_reserve_above_half_of_the_machine_is_said_with_its_sum() {
    assert_eq!(
        warned(2048, "\"recommended\""),
        [
            "the kubelet keeps back 255 + 11 × 110 = 1465 Mi of 2048 Mi: more than half; a lower pods.ceiling leaves more for pods"
        ]
    );
    assert_eq!(warned(2930, "\"recommended\""), Vec::<String>::new(), "exactly half");
    assert_eq!(warned(2048, "58"), Vec::<String>::new());
}
