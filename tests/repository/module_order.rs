//! The house stands: every module uses only modules named before it in `FLOORS`.

use std::fs;
use std::path::{Path, PathBuf};

/// Bottom to top. A new module takes its place here, and that is the whole registration.
const FLOORS: [&str; 9] =
    ["adapter", "observe", "apply", "verify", "wait", "report", "error", "command", "cli"];

#[test]
fn no_module_uses_one_above_it() {
    for (height, module) in FLOORS.iter().enumerate() {
        for (file, text) in sources(&src(), module) {
            assert_eq!(upward(&text, height), None, "{file} uses a module above it");
        }
    }
}

#[test]
fn every_module_has_a_floor() {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    let declared = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut declared: Vec<&str> = declared.collect();
    let mut placed = FLOORS.to_vec();
    declared.sort_unstable();
    placed.sort_unstable();
    assert_eq!(declared, placed);
}

#[test]
fn a_planted_upward_import_is_found_in_each_form() {
    let observe = FLOORS.iter().position(|floor| *floor == "observe").unwrap();
    for planted in [
        "use crate::command::check;",
        "use crate::{adapter::disk, apply};",
        "use crate::{\n    apply,\n    adapter::disk,\n};",
        "let it = crate::wait::until_ready;",
        "use super::super::cli;",
    ] {
        assert_ne!(upward(planted, observe), None, "{planted}");
    }
    assert_eq!(upward("use crate::{adapter::disk};\nuse crate::observe::facts;", observe), None);
}

/// A module above `height` that `text` names, if any: after `crate::`, in a group or alone.
fn upward(text: &str, height: usize) -> Option<&'static str> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let heads = code.split("crate::").skip(1).chain(code.split("super::super::").skip(1));
    let named: Vec<String> = heads.flat_map(first_names).collect();
    FLOORS.iter().skip(height + 1).find(|above| named.iter().any(|name| name == *above)).copied()
}

/// The first path segments of what follows `crate::`: one, or each of a `{group}`.
fn first_names(rest: &str) -> Vec<String> {
    let word = |text: &str| {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let mut names = vec![String::new()];
    let mut depth = 0;
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ => names.last_mut().unwrap().push(character),
        }
    }
    names.iter().map(|name| word(name)).collect()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// `src/NAME.rs` and every file below `src/NAME/`.
fn sources(src: &Path, module: &str) -> Vec<(String, String)> {
    let mut paths = vec![src.join(format!("{module}.rs"))];
    let mut folders = vec![src.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    paths.retain(|path| path.exists());
    assert_ne!(paths, Vec::<PathBuf>::new(), "{module} has no file");
    paths.into_iter().map(|p| (p.display().to_string(), fs::read_to_string(p).unwrap())).collect()
}
