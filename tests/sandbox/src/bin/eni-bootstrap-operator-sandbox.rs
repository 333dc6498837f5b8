//! A program that simulates the example cluster and its AWS APIs on loopback until it is killed.

use clap::Parser;
use eni_bootstrap_sandbox::{AwsApi, Ec2, ObjectApi, example_cluster};
use std::fs;
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

#[expect(clippy::disallowed_methods, reason = "a temporary folder, not a node")]
fn run(arguments: &Arguments) -> io::Result<()> {
    fs::create_dir_all(&arguments.dir)?;
    let api = ObjectApi::start(example_cluster::objects());
    let ec2 = Ec2::start(example_cluster::subnets());
    let aws = AwsApi::start(["sandbox", "sandbox", "sandbox"].map(str::to_owned));
    aws.set_cluster(example_cluster::NAME, &api.url(), &api.ca_base64());
    aws.set_subnets(&example_cluster::cluster_subnets(), example_cluster::SECURITY_GROUP);
    let kubeconfig = arguments.dir.join("kubeconfig");
    fs::write(&kubeconfig, api.kubeconfig(example_cluster::ARN))?;
    let ready = format!(
        "export KUBECONFIG='{}' AWS_ENDPOINT_URL='http://{}' AWS_ENDPOINT_URL_EC2='{}'\n",
        kubeconfig.display(),
        aws.addr(),
        ec2.endpoint()
    );
    // Write the file atomically, because scripts wait until it exists.
    let partial = arguments.dir.join("ready.partial");
    fs::write(&partial, ready)?;
    fs::rename(partial, arguments.dir.join("ready"))?;
    if arguments.exit_with_stdin {
        io::copy(&mut io::stdin().take(u64::MAX), &mut io::sink())?;
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}
