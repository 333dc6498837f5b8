//! A program that simulates the example cluster and its AWS APIs on loopback until it is killed.

use clap::Parser;
use eni_bootstrap_sandbox::OperatorSandbox;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Simulate a cluster with 3 zones and 40 nodes and its EKS, IAM and EC2 APIs, to run kubectl-eni against. Six nodes
/// are wrong, each in another way, and one pod subnet is full.
#[derive(Debug, Parser)]
#[command(after_help = "\
Example:
  eni-bootstrap-operator-sandbox --dir /tmp/sandbox &
  until [ -e /tmp/sandbox/ready ]; do sleep 0.1; done; . /tmp/sandbox/ready
  kubectl-eni nodes")]
struct Arguments {
    /// Write the kubeconfig to this folder, and, when all servers listen, the shell variables to the file ready
    #[arg(long)]
    dir: PathBuf,
    /// Exit when standard input is closed, so that the sandbox stops when its script is killed
    #[arg(long)]
    exit_with_stdin: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the error message of the program")]
            {
                eprintln!("eni-bootstrap-operator-sandbox: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let _servers = OperatorSandbox::start(&arguments.dir)?;
    if arguments.exit_with_stdin {
        io::copy(&mut io::stdin().take(u64::MAX), &mut io::sink())?;
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}
