//! The evaluators of Karpenter and nodeadm. One process evaluates all expressions for all instance types.

use crate::expressions::configurations::NamedLimits;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

/// Returns the result of each expression for each instance type. `types` and `expressions` are what the program
/// reads.
fn evaluate(program: &Path, types: &Value, expressions: &[Value]) -> Vec<Vec<Value>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut input = BufWriter::new(file.reopen().unwrap());
    for line in [types].into_iter().chain(expressions) {
        serde_json::to_writer(&mut input, line).unwrap();
        input.write_all(b"\n").unwrap();
    }
    input.flush().unwrap();
    let output = Command::new(program).stdin(File::open(file.path()).unwrap()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let results = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let results: Vec<Vec<Value>> = results.collect::<Result<_, _>>().unwrap();
    assert_eq!(results.len(), expressions.len());
    results
}

/// Returns the results of Karpenter's evaluator. It has the default of `max_pods`, unless the expression contains
/// another one.
pub fn karpenter(program: &Path, types: &[NamedLimits], expressions: &[Value]) -> Vec<Vec<Value>> {
    let types = types.iter().map(|(name, limits)| {
        json!({
            "VCPUs": limits.vcpus,
            // No expression uses it.
            "MemoryMiB": 1024,
            "DefaultENIs": limits.interfaces,
            "IPsPerENI": limits.ipv4_per_interface,
            "MaxPods": limits.interfaces * (limits.ipv4_per_interface - 1) + 2,
            "InstanceType": name,
        })
    });
    evaluate(program, &types.collect(), expressions)
}

/// Returns the results of nodeadm's evaluator; null where nodeadm rejects the result.
pub fn nodeadm(program: &Path, types: &[NamedLimits], expressions: &[Value]) -> Vec<Vec<Value>> {
    let types = types.iter().map(|(name, limits)| {
        json!({
            "instanceType": name,
            "defaultMaxENIs": limits.interfaces,
            "ipv4AddressesPerInterface": limits.ipv4_per_interface,
        })
    });
    evaluate(program, &types.collect(), expressions)
}
