//! The EC2 Image Builder component in `ami/image-builder/component.yaml`.

use serde_json::Value;
use std::fs;
use std::path::Path;

/// Returns the component document.
pub fn component() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("ami/image-builder/component.yaml");
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Returns the steps of the phase `phase`.
pub fn steps(component: &Value, phase: &str) -> Vec<Value> {
    let mut phases = component["phases"].as_array().unwrap().iter();
    let phase = phases.find(|it| it["name"] == phase).unwrap();
    phase["steps"].as_array().unwrap().clone()
}

/// Returns the script that `ExecuteBash` runs for `step`, with the values of `parameters` in place of
/// their `{{ NAME }}` references.
pub fn commands(step: &Value, parameters: &[(&str, &str)]) -> String {
    let lines = step["inputs"]["commands"].as_array().unwrap().iter();
    let script = lines.map(|it| it.as_str().unwrap().to_owned() + "\n").collect::<String>();
    parameters
        .iter()
        .fold(script, |script, (name, value)| script.replace(&format!("{{{{ {name} }}}}"), value))
}
