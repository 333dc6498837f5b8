//! Runs the commands of `console` blocks and of `sh` blocks with the comment `run`, and compares the output.

use crate::output::{difference, missing_part};
use crate::page::{Block, Comment, all_blocks};
use crate::programs::{Programs, text};
use crate::shell::commands;
use crate::treatment::{Treatment, treatment};
use crate::{assert_none, repository};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A command of a `console` block and the lines below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    pub command: String,
    pub output: String,
}

/// Returns the commands of a `console` block. An error names the first line that is not below a command.
pub fn steps(block: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = block.lines();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("$ ") {
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                command = format!("{command}\n{}", lines.next().unwrap_or_default());
            }
            steps.push(Step { command, output: String::new() });
        } else {
            let step = steps.last_mut().ok_or("a console block begins with `$ COMMAND`")?;
            step.output += line;
            step.output.push('\n');
        }
    }
    Ok(steps)
}

/// A folder with links to the files of the repository, in which commands run.
struct Folder {
    folder: TempDir,
    path: String,
}

impl Folder {
    fn new(programs: &Programs) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(repository("")).unwrap().map(Result::unwrap) {
            if entry.file_name() != "target" {
                symlink(entry.path(), folder.path().join(entry.file_name())).unwrap();
            }
        }
        let programs = programs.eni_bootstrap.parent().unwrap().display().to_string();
        Self { folder, path: format!("{programs}:/usr/bin:/bin") }
    }

    /// Returns the command that runs a program in this folder, without the configuration of the user, and for at
    /// most a minute.
    fn command(&self) -> Command {
        let mut command = Command::new("timeout");
        command.arg("60").current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_clear().env("PATH", &self.path).env("HOME", "/nonexistent");
        command
    }

    /// Runs a step, and returns the difference from its output.
    fn run(&self, step: &Step, programs: &Programs) -> Result<(), String> {
        let [words] = &commands(&step.command)[..] else {
            return Err("a console line has one command; use an sh block for scripts".into());
        };
        let output = match (&*words[0], &words[1..]) {
            ("cat", [file]) if file.contains('/') && !self.folder.path().join(file).exists() => {
                return Err(format!("{file} does not exist in the repository"));
            }
            ("cat", [file]) if !self.folder.path().join(file).exists() => {
                let mut created = File::create(self.folder.path().join(file)).unwrap();
                created.write_all(step.output.as_bytes()).unwrap();
                return Ok(());
            }
            ("cat" | "make", arguments) if arguments.len() <= 1 => {
                self.command().arg(&words[0]).args(arguments).output()
            }
            _ => {
                let (program, arguments) = programs.of(words).ok_or_else(|| {
                    format!("{} cannot run in a test; add <!-- not run: REASON -->", words[0])
                })?;
                self.command().arg(program).args(arguments).output()
            }
        };
        let output = output.unwrap();
        // The output alone does not show that a command failed without a message.
        if step.output.is_empty() && !output.status.success() {
            return Err(format!("{}: {}", output.status, text(&output)));
        }
        difference(&step.output, &text(&output)).map_or(Ok(()), Err)
    }
}

/// Returns the blocks with this treatment.
pub fn blocks_with(wanted: Treatment) -> Vec<Block> {
    let (mut blocks, _) = all_blocks();
    blocks.retain(|block| treatment(block) == Ok(wanted));
    blocks
}

#[test]
fn commands_print_the_documented_output() {
    let Some(programs) = Programs::find() else { return };
    let mut problems = Vec::new();
    for block in blocks_with(Treatment::Run).iter().filter(|it| it.language == "console") {
        let folder = Folder::new(&programs);
        let result = steps(&block.text).and_then(|steps| {
            steps.iter().try_for_each(|step| {
                let run = folder.run(step, &programs);
                run.map_err(|problem| format!("$ {}\n    {problem}", step.command))
            })
        });
        problems.extend(result.err().map(|it| format!("{}: {it}", block.position())));
    }
    assert_none(&problems);
}

#[test]
fn scripts_with_the_comment_run_succeed() {
    let Some(programs) = Programs::find() else { return };
    let mut problems = Vec::new();
    for block in blocks_with(Treatment::Run).iter().filter(|it| it.language == "sh") {
        let folder = Folder::new(&programs);
        let output = folder.command().args(["bash", "-euc", &block.text]).output().unwrap();
        if !output.status.success() {
            problems.push(format!("{}: {}", block.position(), text(&output)));
        }
    }
    assert_none(&problems);
}

#[test]
fn blocks_show_lines_of_the_files_that_they_name() {
    let mut problems = Vec::new();
    for block in blocks_with(Treatment::Compared) {
        let Some(Comment::SameAs(path)) = &block.comment else { continue };
        let lines = block.text.lines().filter(|line| !line.starts_with("$ "));
        let lines = lines.collect::<Vec<_>>().join("\n");
        let problem = match fs::read_to_string(repository(path)) {
            Ok(file) => missing_part(&lines, &file),
            Err(error) => Some(error.to_string()),
        };
        problems.extend(problem.map(|it| format!("{}: {path}: {it}", block.position())));
    }
    assert_none(&problems);
}

#[test]
fn a_console_block_has_commands_and_their_output() {
    let block = "$ a \\\n  b\nc\n\nd\n$ e\n";
    let step =
        |command: &str, output: &str| Step { command: command.into(), output: output.into() };
    assert_eq!(steps(block), Ok(vec![step("a \\\n  b", "c\n\nd\n"), step("e", "")]));
    assert!(steps("a\n").is_err());
}
