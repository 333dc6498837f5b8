//! Generates one sorted Rust table from the instance-type tables in `data/`, so that the program
//! parses nothing at startup and finds a type by binary search. `NAMES` contains all names one after the
//! other, and each row of `TABLE` contains the start and the end of its name: the loader would have to write
//! the address of each name to memory.

#[path = "src/domain/instance_limits/csv_row.rs"]
mod csv_row;

use csv_row::{NamedRow, Platform, Row, rows};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// Tables in the order of precedence: the first one that has a type defines it.
const SOURCES: [&str; 2] = ["../../data/instance-types.csv", "../../data/legacy-types.csv"];

#[expect(
    clippy::disallowed_methods,
    reason = "a build script communicates with cargo through variables and files"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/domain/instance_limits/csv_row.rs");
    let mut table: BTreeMap<String, Row> = BTreeMap::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        for row in rows(&fs::read_to_string(source)?) {
            let NamedRow(name, row) =
                row.map_err(|(line, error)| format!("{source}, line {line}: {error}"))?;
            table.entry(name).or_insert(row);
        }
    }
    let mut names = String::new();
    let mut code = format!("static TABLE: [(u16, u16, Row); {}] = [\n", table.len());
    for (
        name,
        Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus },
    ) in table
    {
        let platform = match platform {
            Platform::Nitro => "Nitro",
            Platform::Xen => "Xen",
            Platform::BareMetal => "BareMetal",
        };
        let start = u16::try_from(names.len())?;
        names.push_str(&name);
        let end = u16::try_from(names.len())?;
        writeln!(
            code,
            "    ({start}, {end}, Row {{ interfaces: {interfaces}, interfaces_of_other_cards: {interfaces_of_other_cards}, \
             ipv4_per_interface: {ipv4_per_interface}, platform: Platform::{platform}, vcpus: {vcpus} }}),"
        )?;
    }
    writeln!(code, "];\nstatic NAMES: &str = {names:?};")?;
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join("instance_types.rs"), code)?)
}
