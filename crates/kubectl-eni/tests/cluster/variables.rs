//! Empty environment variables and flags.

use super::{Folder, failure, kubeconfig};
use crate::support::program;

#[test]
fn empty_variables_and_flags_count_as_absent() {
    let folder = Folder::new();
    let mut command = program(["limits", "show", "m5.large", "--region", "", "--context="]);
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION", "KUBECONFIG", "HTTPS_PROXY", "NO_PROXY"] {
        command.env(name, "");
    }
    for name in ["EC2", "EKS", "IAM"] {
        command.env(format!("AWS_ENDPOINT_URL_{name}"), "");
    }
    let output = folder.run(command);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));

    let mut command = program(["limits", "refresh", "--output=/nonexistent/a.csv"]);
    command.env("AWS_REGION", "");
    assert_eq!(
        folder.run(command),
        failure(
            64,
            "error: the AWS region of the cluster is unknown\n  help: add `--region REGION`\n"
        )
    );
}

/// With an empty endpoint, the request fails before it reaches the proxy.
#[test]
fn an_empty_endpoint_is_that_of_the_region() {
    let folder = Folder::new();
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    let request = std::thread::spawn(move || {
        use std::io::{BufRead as _, BufReader};
        let (stream, _) = proxy.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    });
    let path = folder.write("config", &kubeconfig("https://127.0.0.1:1", "token: a"));
    let arguments = ["limits", "refresh", "--region=us-west-2", "--output=/nonexistent/a.csv"];
    let mut command = folder.command(&path, arguments);
    command.env("AWS_ENDPOINT_URL_EC2", "").env("HTTPS_PROXY", format!("http://{address}"));
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    assert_eq!(request.join().unwrap(), "CONNECT ec2.us-west-2.amazonaws.com:443 HTTP/1.1\r\n");
    child.kill().unwrap();
    child.wait().unwrap();
}
