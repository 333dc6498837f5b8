//! Connections to the cluster and to AWS through a proxy. IMDS is never accessed through it.

use crate::support::node::{Node, RunOutput, error, in_cluster};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_bootstrap_sandbox::KubernetesApi;
use serde_json::json;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A proxy on the loopback address that connects only to the loopback address.
struct Proxy {
    address: String,
    seen: Arc<Mutex<Vec<[String; 2]>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen: Arc<Mutex<Vec<[String; 2]>>> = Arc::default();
        let shared = seen.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let shared = shared.clone();
                thread::spawn(move || tunnel(client.unwrap(), &shared));
            }
        });
        Self { address, seen }
    }

    /// Returns the request line and the authorization of each request so far.
    fn seen(&self) -> Vec<[String; 2]> {
        self.seen.lock().unwrap().clone()
    }
}

fn tunnel(mut client: TcpStream, seen: &Mutex<Vec<[String; 2]>>) -> io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?).lines();
    let request = lines.next().unwrap()?;
    let mut authorization = String::new();
    for line in lines.by_ref() {
        match line?.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("proxy-authorization") => {
                value.clone_into(&mut authorization);
            }
            Some(_) => {}
            None => break,
        }
    }
    seen.lock().unwrap().push([request.clone(), authorization]);
    let target = request.split(' ').nth(1).unwrap().to_owned();
    if !target.starts_with("127.0.0.1:") {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    }
    let mut server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut server, &mut client).map(drop)
}

fn api() -> KubernetesApi {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    api
}

fn run(node: &Node, variables: &[(&str, &str)]) -> RunOutput {
    crate::support::node::run_output(
        node.command(["run"]).envs(variables.iter().copied()).output().unwrap(),
    )
}

#[test]
fn the_cluster_is_reached_through_the_proxy_and_imds_is_not() {
    let (api, proxy) = (api(), Proxy::start());
    let (node, _imds) = in_cluster(&api);
    let address = format!("http://me:hunter2@{}", proxy.address);
    for (variable, verbose) in [("HTTPS_PROXY", "--verbose"), ("https_proxy", "--quiet")] {
        let before = proxy.seen().len();
        let output = crate::support::node::run_output(
            node.command(["run", verbose]).env(variable, &address).output().unwrap(),
        );
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
        let server = api.url().replace("https://", "");
        let expected = [
            format!("CONNECT {server} HTTP/1.1"),
            format!("Basic {}", STANDARD.encode("me:hunter2")),
        ];
        // The aws-node DaemonSet and the ENIConfig are requested at the same time.
        assert_eq!(proxy.seen()[before..], [expected.clone(), expected]);
    }
}

#[test]
fn hosts_in_no_proxy_are_reached_directly() {
    for variable in ["NO_PROXY", "no_proxy"] {
        let (api, proxy) = (api(), Proxy::start());
        let (node, _imds) = in_cluster(&api);
        let output = run(
            &node,
            &[("HTTPS_PROXY", &format!("http://{}", proxy.address)), (variable, "x, 127.0.0.0/8")],
        );
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        assert_eq!(proxy.seen(), Vec::<[String; 2]>::new());
    }
}

#[test]
fn ec2_is_reached_through_the_proxy() {
    let (api, proxy) = (api(), Proxy::start());
    let (node, _imds) = in_cluster(&api);
    let output = run(
        &node,
        &[
            ("HTTPS_PROXY", &format!("http://{}", proxy.address)),
            ("NO_PROXY", "127.0.0.1"),
            ("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY", "true"),
        ],
    );
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let expected = ["CONNECT ec2.us-west-2.amazonaws.com:443 HTTP/1.1".to_owned(), String::new()];
    let seen = proxy.seen();
    assert!(!seen.is_empty() && seen.iter().all(|it| *it == expected), "{seen:?}");
    // The proxy rejects the request with 403.
    let line = format!(
        "verify: subnet skipped: no successful response for ec2:DescribeSubnets: failed to connect through the proxy http://{}: the proxy did not return HTTP status 200 for CONNECT; check the AWS region and the network path to its API: NAT gateway or VPC endpoint, security groups, HTTPS_PROXY",
        proxy.address
    );
    assert!(output.stderr.lines().any(|it| it == line), "{}", output.stderr);
}

#[test]
fn an_invalid_proxy_is_an_error_without_its_password() {
    let output = run(&Node::al2023(), &[("HTTPS_PROXY", "socks5://me:hunter2@proxy:3128")]);
    assert_eq!(output.status, Some(64));
    assert_eq!(
        error(&output),
        "error: invalid command line\n  \
         caused by: invalid proxy in HTTPS_PROXY or --https-proxy\n  \
         caused by: \"proxy:3128\" is not a valid proxy URL (such as http://proxy.example.com:3128)\n  \
         help: correct the proxy URL, or unset HTTPS_PROXY and https_proxy to connect without a proxy\n"
    );
}
