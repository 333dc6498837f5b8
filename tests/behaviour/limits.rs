//! The instance type table: `limits show`, `limits refresh` and the override file.

use crate::support::node::{Node, RunOutput};
use crate::support::real_parts::moto;
use eni_bootstrap_sandbox::{Imds, Instance};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

const HEADER: &str =
    "instance_type,enis_default_card,enis_other_cards,ipv4_per_eni,hypervisor,bare_metal,vcpus\n";

/// An item of EC2's response.
///
/// Source: the API reference of `DescribeInstanceTypes`; the order of the network
/// cards is arbitrary.
fn item(name: &str, enis: u32) -> String {
    format!(
        "<item><instanceType>{name}</instanceType><bareMetal>false</bareMetal><hypervisor>nitro</hypervisor><vCpuInfo><defaultVCpus>4</defaultVCpus></vCpuInfo><networkInfo><defaultNetworkCardIndex>0</defaultNetworkCardIndex><ipv4AddressesPerInterface>15</ipv4AddressesPerInterface><maximumNetworkInterfaces>99</maximumNetworkInterfaces><networkCards><item><networkCardIndex>1</networkCardIndex><maximumNetworkInterfaces>50</maximumNetworkInterfaces></item><item><networkCardIndex>0</networkCardIndex><maximumNetworkInterfaces>{enis}</maximumNetworkInterfaces></item></networkCards></networkInfo></item>"
    )
}

/// Starts an EC2 API that throttles the first two requests, and then returns one page for each request.
fn paged_ec2(pages: Vec<Vec<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (request, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let lower = line.to_lowercase();
                if let Some(text) = lower.strip_prefix("content-length: ") {
                    length = text.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let page = body.split("NextToken=page").nth(1).map_or(0, |it| it[..1].parse().unwrap());
            let (status, response) = if request < 2 {
                let error = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error></Errors></Response>";
                ("503 Service Unavailable", error.to_owned())
            } else {
                let more = page + 1 < pages.len();
                let next = if more {
                    format!("<nextToken>page{}</nextToken>", page + 1)
                } else {
                    String::new()
                };
                let items = pages[page].concat();
                (
                    "200 OK",
                    format!(
                        "<DescribeInstanceTypesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><instanceTypeSet>{items}</instanceTypeSet>{next}</DescribeInstanceTypesResponse>"
                    ),
                )
            };
            let length = response.len();
            write!(stream, "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{response}").unwrap();
        }
    });
    endpoint
}

fn refresh(node: &Node, endpoint: &str, more: &[&str]) -> RunOutput {
    let output = node.root().join("types.csv");
    let output = output.to_str().unwrap();
    let arguments = [
        "limits",
        "refresh",
        "--region",
        "us-east-1",
        "--ec2-endpoint",
        endpoint,
        "--output",
        output,
    ];
    node.run(arguments.iter().chain(more))
}

fn without_comments(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn refresh_reads_every_page_retries_throttling_and_prints_the_difference() {
    let endpoint = paged_ec2(vec![
        vec![item("b1.large", 4), item("a1.large", 3)],
        vec![item("c1.large", 60)],
        vec![item("d1.large", 2)],
    ]);
    let node = Node::empty();
    let old = "# an older comment\n".to_owned()
        + HEADER
        + "a1.large,3,3,15,nitro,false,4\nb1.large,9,0,15,nitro,false,4\n";
    node.file("types.csv", &old);
    let output = refresh(&node, &endpoint, &[]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        without_comments(&node.read("types.csv").unwrap()),
        HEADER.to_owned()
            + "a1.large,3,3,15,nitro,false,4\nb1.large,4,4,15,nitro,false,4\nc1.large,60,50,15,nitro,false,4\nd1.large,2,2,15,nitro,false,4\n"
    );
    assert_eq!(
        output.stdout,
        "@@ -3 +3,3 @@\n-b1.large,9,0,15,nitro,false,4\n+b1.large,4,4,15,nitro,false,4\n+c1.large,60,50,15,nitro,false,4\n+d1.large,2,2,15,nitro,false,4\n"
    );
    let before = node.read("types.csv");
    let again = refresh(&node, &endpoint, &[]);
    assert_eq!((again.status, again.stdout.as_str()), (Some(0), ""));
    assert_eq!(node.read("types.csv"), before);
}

#[test]
fn refresh_removes_types_only_with_force() {
    let endpoint = paged_ec2(vec![vec![item("a1.large", 3)]]);
    let node = Node::empty();
    let old = HEADER.to_owned() + "a1.large,3,3,15,nitro,false,4\nz1.large,9,0,15,nitro,false,4\n";
    node.file("types.csv", &old);
    let output = refresh(&node, &endpoint, &[]);
    assert_eq!(output.status, Some(65));
    assert!(
        output.stderr.ends_with("error: the new table is missing 1 instance type of the current table, such as \"z1.large\"\n  help: use a region with more instance types, such as `--region us-east-1`, or add `--force` to write the table anyway\n"),
        "{}",
        output.stderr
    );
    assert_eq!(node.read("types.csv"), Some(old));
    assert_eq!(refresh(&node, &endpoint, &["--force"]).status, Some(0));
    assert!(!node.read("types.csv").unwrap().contains("z1.large"));
}

#[test]
fn the_embedded_table_equals_a_refreshed_table() {
    let Some(moto) = moto() else { return };
    let node = Node::empty();
    let output = refresh(&node, &moto.all_instance_types(), &[]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let tree = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/instance-types.csv");
    let tree = std::fs::read_to_string(tree).unwrap();
    assert_eq!(without_comments(&node.read("types.csv").unwrap()), without_comments(&tree));
}

#[test]
fn every_command_reads_the_override_file() {
    const FILE: &str = "etc/eni-bootstrap/instance-types.csv";
    let imds =
        Imds::start(&Instance { instance_type: "zz9.plural".to_owned(), ..Instance::default() });
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    node.file(
        FILE,
        &(HEADER.to_owned() + "m5.large,5,0,10,nitro,false,2\nzz9.plural,3,0,10,nitro,false,2\n"),
    );
    let max_pods = node.run(["max-pods", "--instance-type", "m5.large"]);
    assert_eq!(
        (max_pods.status, max_pods.stdout.as_str()),
        (Some(0), "47\n"),
        "{}",
        max_pods.stderr
    );
    let rows = node.run(["limits", "show", "zz9.*", "t3.nano"]);
    assert_eq!(
        (rows.status, rows.stdout),
        (
            Some(0),
            HEADER.to_owned() + "zz9.plural,3,0,10,nitro,false,2\nt3.nano,2,0,2,nitro,false,2\n"
        )
    );
    let plan = node.run(["plan", "--cni-source=settings", "--cni-custom-networking=false"]);
    assert!(
        plan.stdout.contains(
            "instance: zz9.plural (Nitro, 2 vCPUs) supports 3 network interfaces with 10 IPv4 addresses each (source: override file)\n"
        ),
        "{plan:?}"
    );
    let path = node.file(FILE, &(HEADER.to_owned() + "zz9.plural,3\n"));
    let broken = node.run(["run"]);
    assert_eq!(
        (broken.status, broken.stderr),
        (
            Some(78),
            format!(
                "error: {}, line 2 is not a valid row of the instance type table\n  caused by: \"zz9.plural,3\" does not have the columns {}\n  help: correct the line, or create the file again: `eni-bootstrap limits refresh --output FILE`\n",
                path.display(),
                HEADER.trim_end()
            )
        )
    );
}

#[test]
fn an_unknown_type_is_exit_code_64_and_help_names_the_nearest_type() {
    let output = Node::empty().run(["limits", "show", "m5.lrage"]);
    assert_eq!(
        output,
        RunOutput {
            status: Some(64),
            stdout: String::new(),
            stderr: "error: invalid command line\n  caused by: \"m5.lrage\" is not in the instance type table\n  help: did you mean `m5.large`?\n".to_owned(),
        }
    );
}

#[test]
fn show_prints_every_known_type_as_csv_into_a_pipe() {
    let output = Node::empty().run(["limits", "show"]);
    assert_eq!((output.status, output.stdout.lines().count()), (Some(0), 1_447));
}
