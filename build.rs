//! Turns the instance-type tables in `data/` into one sorted Rust table, so that a start parses
//! nothing and a look-up is a binary search.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// In the order of their weight: a type that stands in both is taken from the first.
const SOURCES: [&str; 2] = ["data/instance-types.csv", "data/legacy-types.csv"];
const HEADER: &str =
    "instance_type,enis_default_card,enis_other_cards,ipv4_per_eni,hypervisor,bare_metal,vcpus";

#[expect(
    clippy::disallowed_methods,
    reason = "cargo talks to build scripts by variables and files"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut rows = BTreeMap::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        let text = fs::read_to_string(source)?;
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        if lines.next() != Some(HEADER) {
            return Err(format!("{source}: the header is not {HEADER}").into());
        }
        for line in lines {
            let (name, row) = row(line).ok_or_else(|| format!("{source}: not a row: {line}"))?;
            rows.entry(name).or_insert(row);
        }
    }
    let mut code = format!("static TABLE: [(&str, Row); {}] = [\n", rows.len());
    for (name, row) in rows {
        writeln!(code, "    ({name:?}, {row}),")?;
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR")?;
    Ok(fs::write(Path::new(&out).join("instance_types.rs"), code)?)
}

/// One line of a table as the text of a `Row`.
fn row(line: &str) -> Option<(String, String)> {
    let fields: Vec<&str> = line.split(',').collect();
    let [name, interfaces, others, ipv4, hypervisor, bare_metal, vcpus] = fields[..] else {
        return None;
    };
    let platform = match (hypervisor, bare_metal) {
        (_, "true") => "BareMetal",
        ("nitro", "false") => "Nitro",
        ("xen", "false") => "Xen",
        _ => return None,
    };
    let number = |text: &str| text.parse::<u32>().ok();
    let (interfaces, others) = (number(interfaces)?, number(others)?);
    let (ipv4, vcpus) = (number(ipv4)?, number(vcpus)?);
    Some((
        name.to_owned(),
        format!(
            "Row {{ interfaces: {interfaces}, interfaces_of_other_cards: {others}, \
             ipv4_per_interface: {ipv4}, platform: Platform::{platform}, vcpus: {vcpus} }}"
        ),
    ))
}
