//! `kubectl eni limits`: the table of instance types, and its update from EC2.

use crate::support::{RunOutput, program, result, run, run_output, run_with_input};
use eni_bootstrap_real_parts::moto;
use eni_core::domain::instance_limits::HEADER;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

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

/// A temporary folder with a table file.
struct Table {
    path: PathBuf,
    _folder: TempDir,
}

impl Table {
    fn new(text: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("types.csv");
        #[expect(clippy::disallowed_methods, reason = "an input of the test")]
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        Self { path, _folder: folder }
    }

    fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    /// Runs `limits refresh`.
    fn refresh(&self, endpoint: &str, more: &[&str]) -> RunOutput {
        let arguments = ["limits", "refresh", "--region", "us-east-1", "--output", self.name()];
        let mut command = program(arguments.into_iter().chain(more.iter().copied()));
        run_output(command.env("AWS_ENDPOINT_URL_EC2", endpoint).output().unwrap())
    }
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
    let table = Table::new(Some(&format!(
        "# an older comment\n{HEADER}\na1.large,3,3,15,nitro,false,4\nb1.large,9,0,15,nitro,false,4\n"
    )));
    let output = table.refresh(&endpoint, &[]);
    assert_eq!(
        output,
        RunOutput {
            status: Some(0),
            stdout: "@@ -3 +3,3 @@\n-b1.large,9,0,15,nitro,false,4\n+b1.large,4,4,15,nitro,false,4\n+c1.large,60,50,15,nitro,false,4\n+d1.large,2,2,15,nitro,false,4\n".to_owned(),
            stderr: format!("limits: 2 instance types read\nlimits: 3 instance types read\nlimits: 4 instance types read\nlimits: {} written (4 instance types)\n", table.name()),
        }
    );
    assert_eq!(
        without_comments(&table.text()),
        format!(
            "{HEADER}\na1.large,3,3,15,nitro,false,4\nb1.large,4,4,15,nitro,false,4\nc1.large,60,50,15,nitro,false,4\nd1.large,2,2,15,nitro,false,4\n"
        )
    );
    let before = table.text();
    let again = table.refresh(&endpoint, &[]);
    assert_eq!((again.status, again.stdout.as_str()), (Some(0), ""));
    assert!(again.stderr.ends_with(" unchanged (4 instance types)\n"), "{}", again.stderr);
    assert_eq!(table.text(), before);
    // `limits show` and nodes read the file.
    let shown = run(["limits", "show", "c1.l*", "--table", table.name()]);
    assert_eq!(shown, result(&format!("{HEADER}\nc1.large,60,50,15,nitro,false,4\n")));
}

#[test]
fn refresh_removes_types_only_with_force() {
    let endpoint = paged_ec2(vec![vec![item("a1.large", 3)]]);
    let old = format!("{HEADER}\na1.large,3,0,15,nitro,false,4\nz1.large,9,0,15,nitro,false,4\n");
    let table = Table::new(Some(&old));
    assert_eq!(
        table.refresh(&endpoint, &[]),
        RunOutput {
            status: Some(65),
            stdout: String::new(),
            stderr: "limits: 1 instance type read\nerror: the new table is missing 1 instance type of the current table, such as \"z1.large\"\n  help: use a region with more instance types, such as `--region us-east-1`, or add `--force` to write the table anyway\n".to_owned(),
        }
    );
    assert_eq!(table.text(), old);
    assert_eq!(table.refresh(&endpoint, &["--force"]).status, Some(0));
    assert!(!table.text().contains("z1.large"));
}

#[test]
fn refresh_reports_what_is_missing() {
    let table = Table::new(None);
    let no_region = run(["limits", "refresh", "--output", table.name()]);
    assert_eq!(
        (no_region.status, no_region.stderr.as_str()),
        (
            Some(64),
            "error: the AWS region of the cluster is unknown\n  help: add `--region REGION`\n"
        )
    );
    let endpoint = paged_ec2(vec![vec![item("a1.large", 3)]]);
    let mut file = Table::new(Some(""));
    file.path = file.path.join("not-a-directory.csv");
    assert_eq!(
        file.refresh(&endpoint, &[]),
        RunOutput {
            status: Some(73),
            stdout: String::new(),
            stderr: format!(
                "limits: 1 instance type read\nerror: failed to update the table of instance types\n  caused by: failed to read {}\n  caused by: Not a directory (os error 20)\n  help: choose a file that you can read and write: `--output FILE`\n",
                file.name()
            ),
        }
    );
}

#[test]
fn the_embedded_table_equals_a_refreshed_table() {
    let Some(moto) = moto() else { return };
    let table = Table::new(None);
    let output = table.refresh(&moto.all_instance_types(), &[]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/instance-types.csv");
    let tree = fs::read_to_string(tree).unwrap();
    assert_eq!(without_comments(&table.text()), without_comments(&tree));
}

#[test]
fn show_selects_types_and_reads_the_table_file() {
    let all = run(["limits", "show"]);
    assert_eq!((all.status, all.stdout.lines().count()), (Some(0), 1_447));
    let table = Table::new(Some(&format!(
        "{HEADER}\nm5.large,5,0,10,nitro,false,2\nzz9.plural,3,0,10,nitro,false,2\n"
    )));
    let rows = run(["limits", "show", "zz9.*", "m5.large", "t3.nano", "--table", table.name()]);
    assert_eq!(
        rows,
        result(&format!(
            "{HEADER}\nzz9.plural,3,0,10,nitro,false,2\nm5.large,5,0,10,nitro,false,2\nt3.nano,2,0,2,nitro,false,2\n"
        ))
    );
    assert_eq!(
        run_with_input(["limits", "show", "-", "--output=table"], b"t3.nano p4d.*\n"),
        result(
            "TYPE          ENIS  ENIS ON OTHER CARDS  IPV4/ENI  PLATFORM  VCPUS\nt3.nano          2                    0         2  Nitro         2\np4d.24xlarge    15                   45        50  Nitro        96\n"
        )
    );
}

#[test]
fn an_unknown_type_or_an_invalid_table_is_an_error() {
    let failure = |output: RunOutput| (output.status, output.stdout + &output.stderr);
    assert_eq!(
        failure(run(["limits", "show", "m5.lrage"])),
        (Some(64), "error: \"m5.lrage\" is not in the instance type table\n  help: did you mean `m5.large`?\n".to_owned())
    );
    assert_eq!(
        failure(run(["limits", "show", "m5large"])),
        (Some(64), "error: \"m5large\" is not an instance type (such as m5.large)\n  help: did you mean `m5.large`?\n".to_owned())
    );
    let table = Table::new(Some(&format!("{HEADER}\nzz9.plural,3\n")));
    assert_eq!(
        failure(run(["limits", "show", "--table", table.name()])),
        (
            Some(78),
            format!(
                "error: {}, line 2 is not a valid row of the instance type table\n  caused by: \"zz9.plural,3\" does not have the columns {HEADER}\n  help: correct the line, or create the file again: `kubectl eni limits refresh --region REGION --output FILE`\n",
                table.name()
            )
        )
    );
}

#[test]
fn a_closed_pipe_on_stdout_ends_the_command_quietly() {
    for arguments in [&["limits", "show"][..], &["max-pods", "*"], &["max-pods", "--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program(arguments.iter().copied());
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(run_output(output), result(""), "{arguments:?}");
    }
}
