//! The commands of the AWS CLI.

use eni_bootstrap_real_parts::part;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Reads a list of commands, and prints for each the error of the AWS CLI's parser, or null. Nothing is called: the
/// client of a service replaces the connection. Only version 2 of the AWS CLI has the output format yaml.
const PARSE: &str = r#"
import contextlib, io, json, sys
from awscli import clidriver
driver = clidriver.create_clidriver()
class Parsed(Exception):
    pass
def stop(*arguments, **keywords):
    raise Parsed
driver.session.create_client = stop
results = []
for words in json.load(sys.stdin):
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            code = driver.main(["json" if word == "yaml" else word for word in words] + ["--region", "us-west-2"])
    except Parsed:
        code = 0
    except SystemExit as exit:
        code = exit.code
    text = errors.getvalue().strip()
    results.append(None if code in (0, None) or text == "" else text.splitlines()[-1])
json.dump(results, sys.stdout)
"#;

/// Returns the error of the AWS CLI for each command; `None` if it accepts the arguments. The words begin after
/// `aws`. Returns `None` if the AWS CLI is not installed.
pub fn aws_problems(commands: &[Vec<String>]) -> Option<Vec<Option<String>>> {
    let python = part("awscli/bin/python", "the AWS CLI", "tests/real/install.sh awscli")?;
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.args(["-c", PARSE]).env_clear().env("HOME", home.path());
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "SECRETEXAMPLE");
    command.current_dir(crate::repository(""));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = json!(commands).to_string();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let results: Vec<Value> = serde_json::from_str(&stdout)
        .unwrap_or_else(|_| panic!("{stdout}{}", String::from_utf8_lossy(&output.stderr)));
    Some(results.into_iter().map(|it| it.as_str().map(str::to_owned)).collect())
}

#[test]
fn the_aws_cli_rejects_unknown_flags_and_operations() {
    let words = |command: &str| crate::shell::commands(command)[0][1..].to_vec();
    let commands = [
        "aws eks describe-cluster --name my-cluster --query cluster.version --output text",
        "aws ec2 get-console-output --latest --instance-id i-0123456789abcdef0",
        "aws eks describe-cluster --names my-cluster",
        "aws eks describe-clusters",
    ];
    let Some(problems) = aws_problems(&commands.map(words)) else { return };
    let accepted: Vec<bool> = problems.iter().map(Option::is_none).collect();
    assert_eq!(accepted, [true, true, false, false], "{problems:?}");
}
