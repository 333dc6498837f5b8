//! Every module of the agent uses only modules before it in `ORDER`. Cargo enforces the boundary to
//! `eni-core`.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the agent, from the bottom up. Add a new module here.
const ORDER: [&str; 9] =
    ["adapter", "observe", "apply", "verify", "wait", "report", "error", "command", "cli"];

#[test]
fn no_module_uses_one_above_it() {
    for (height, module) in ORDER.iter().enumerate() {
        for (file, text) in sources(&src(), module) {
            assert_eq!(upward(&text, height), None, "{file} uses a module above it");
        }
    }
}

#[test]
fn every_module_has_a_place_in_the_order() {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    let declared = lib.lines().filter_map(|line| {
        line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')
    });
    let mut declared: Vec<&str> = declared.collect();
    let mut placed = ORDER.to_vec();
    declared.sort_unstable();
    placed.sort_unstable();
    assert_eq!(declared, placed);
}

#[test]
fn an_import_of_a_later_module_is_detected_in_each_form() {
    let observe = ORDER.iter().position(|module| *module == "observe").unwrap();
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

/// Returns a module above `height` that `text` names after `crate::`, alone or in a group.
fn upward(text: &str, height: usize) -> Option<&'static str> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let heads = code.split("crate::").skip(1).chain(code.split("super::super::").skip(1));
    let named: Vec<String> = heads.flat_map(first_names).collect();
    ORDER.iter().skip(height + 1).find(|above| named.iter().any(|name| name == *above)).copied()
}

/// Returns the first path segment after `crate::`, or that of each path in a `{group}`.
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

/// Returns the path and the text of `src/NAME.rs` and of every file below `src/NAME/`.
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
