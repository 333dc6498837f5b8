//! The tests of all blocks: each has a treatment, and its parser accepts it.

use crate::assert_none;
use crate::check;
use crate::console::{blocks_with, steps};
use crate::page::{Block, Comment, all_blocks};
use crate::programs::{Programs, aws_problems};
use crate::shell::commands;
use crate::treatment::{Treatment, is_synopsis, treatment};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

/// Returns the problems that `parse` finds in the blocks of a language. A block with the comment `not run` must have
/// one: otherwise, it needs no comment.
fn problems(language: &str, parse: impl Fn(&str) -> Result<(), String>) -> Vec<String> {
    let mut problems = Vec::new();
    let (blocks, _) = all_blocks();
    for block in blocks.iter().filter(|block| block.language == language) {
        match (treatment(block), parse(&block.text)) {
            (Ok(Treatment::Parsed | Treatment::Run), Err(error)) => {
                problems.push(format!("{}: {}", block.position(), error.trim()));
            }
            (Ok(Treatment::NotRun), Ok(())) => problems.push(format!(
                "{}: the parser accepts this block; remove the comment `not run`",
                block.position()
            )),
            _ => {}
        }
    }
    problems
}

#[test]
fn each_block_is_run_compared_parsed_or_listed() {
    let (blocks, mut problems) = all_blocks();
    assert!(blocks.len() > 90, "only {} blocks", blocks.len());
    let mut counts = BTreeMap::new();
    let mut reasons = BTreeSet::new();
    for block in &blocks {
        match treatment(block) {
            Ok(treatment) => *counts.entry(treatment).or_insert(0) += 1,
            Err(problem) => problems.push(problem),
        }
        if let Some(Comment::NotRun(reason)) = &block.comment {
            reasons.insert(format!("  {} ({}): {reason}\n", block.position(), block.language));
        }
    }
    let count = |treatment| counts.get(&treatment).copied().unwrap_or(0);
    let summary = format!(
        "code blocks: {} run, {} compared, {} parsed, {} listed\n{}",
        count(Treatment::Run),
        count(Treatment::Compared),
        count(Treatment::Parsed),
        count(Treatment::NotRun),
        reasons.into_iter().collect::<String>()
    );
    // Not eprint!, which the test harness captures.
    io::stderr().write_all(summary.as_bytes()).unwrap();
    assert_none(&problems);
}

#[test]
fn toml_blocks_are_settings() {
    assert_none(&problems("toml", check::toml));
}

#[test]
fn yaml_blocks_are_valid_objects() {
    assert_none(&problems("yaml", check::objects::check));
}

#[test]
fn json_blocks_are_json() {
    assert_none(&problems("json", check::json));
}

#[test]
fn jq_blocks_compile() {
    assert_none(&problems("jq", check::jq));
}

#[test]
fn hcl_blocks_are_hcl() {
    assert_none(&problems("hcl", check::terraform::check));
}

#[test]
fn ini_blocks_are_units() {
    assert_none(&problems("ini", check::unit::check));
}

#[test]
fn user_data_blocks_are_valid() {
    let (blocks, _) = all_blocks();
    let is_parsed = |block: &&Block| treatment(block) == Ok(Treatment::Parsed);
    let texts = blocks.iter().filter(|block| block.language == "text").filter(is_parsed);
    let problem = |block: &Block| {
        if is_synopsis(&block.text) {
            return None; // `synopses_are_those_of_the_help`
        }
        let error = check::user_data::check(&block.text).err()?;
        Some(format!("{}: {error}", block.position()))
    };
    assert_none(&texts.filter_map(problem).collect::<Vec<_>>());
}

#[test]
fn shell_blocks_are_valid_scripts() {
    assert_none(&problems("sh", check::script::check));
}

/// Returns the commands of all `sh` and `console` blocks with the position of their block.
fn all_commands() -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for block in all_blocks().0 {
        let script = match block.language.as_str() {
            "sh" => block.text.clone(),
            "console" => steps(&block.text)
                .unwrap_or_default()
                .iter()
                .map(|step| step.command.clone() + "\n")
                .collect(),
            _ => continue,
        };
        all.extend(commands(&script).into_iter().map(|words| (block.position(), words)));
    }
    all
}

#[test]
fn programs_accept_the_commands() {
    let Some(programs) = Programs::find() else { return };
    let problem = |(position, words): &(String, Vec<String>)| {
        let problem = programs.problem(words)?;
        Some(format!("{position}: {}: {problem}", words.join(" ")))
    };
    assert_none(&all_commands().iter().filter_map(problem).collect::<Vec<_>>());
}

#[test]
fn synopses_are_those_of_the_help() {
    let Some(programs) = Programs::find() else { return };
    let mut problems = Vec::new();
    for block in all_blocks().0.iter().filter(|it| it.language == "text" && is_synopsis(&it.text)) {
        for line in block.text.lines().filter(|line| !programs.has_synopsis(line)) {
            problems.push(format!("{}: the help has no usage {line}", block.position()));
        }
    }
    assert_none(&problems);
}

#[test]
fn the_aws_cli_accepts_the_commands() {
    let mut all = all_commands();
    all.retain(|(_, words)| words[0] == "aws");
    let commands: Vec<_> = all.iter().map(|(_, words)| words[1..].to_vec()).collect();
    let Some(problems) = aws_problems(&commands) else { return };
    let found = all.iter().zip(problems).filter_map(|((position, words), problem)| {
        Some(format!("{position}: {}: {}", words.join(" "), problem?))
    });
    assert_none(&found.collect::<Vec<_>>());
}

#[test]
fn console_blocks_that_are_not_run_have_commands() {
    let blocks = [Treatment::NotRun, Treatment::Compared].into_iter().flat_map(blocks_with);
    let problem = |block: Block| {
        let error = steps(&block.text).err()?;
        Some(format!("{}: {error}", block.position()))
    };
    let consoles = blocks.filter(|block| block.language == "console");
    assert_none(&consoles.filter_map(problem).collect::<Vec<_>>());
}
