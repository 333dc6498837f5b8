//! The static binary in an empty root, and in a root whose C library and NSS modules are newer than
//! those of the build machine.

use crate::support::node::{Node, Running, imds_with, run_output};
use crate::support::real_parts::{program, require_root, static_binary, trixie_root};
use crate::support::sbom::assert_audited;
use eni_bootstrap_sandbox::{Dns, KubernetesApi};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

const DROP_IN: &str = "etc/eks/nodeadm.d/90-eni-bootstrap.yaml";
/// The maximum size in bytes: 9.12 MiB, as in the Makefile.
const MAX_SIZE: u64 = 9_563_013;

/// Starts an API server with the ENIConfig us-west-2a. Its certificate is valid for `names` too.
fn cluster(names: &[&str]) -> KubernetesApi {
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let api = KubernetesApi::start_on(any, names).unwrap();
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    api
}

/// Replaces the address in an endpoint with `name`.
fn with_host_name(url: &str, name: &str) -> String {
    url.replace("127.0.0.1", name)
}

#[test]
fn size_is_at_most_9_mib() {
    let Some(binary) = static_binary() else { return };
    let size = fs::metadata(binary).unwrap().len();
    assert!(size <= MAX_SIZE, "{size} bytes");
}

#[test]
fn has_no_unwind_tables() {
    let (Some(binary), Some(readelf)) = (static_binary(), program("readelf", "binutils")) else {
        return;
    };
    let output = Command::new(readelf).args(["--sections", "--wide"]).arg(binary).output().unwrap();
    let sections = String::from_utf8(output.stdout).unwrap();
    assert!(sections.contains(" .text "), "{sections}");
    for section in [".eh_frame", ".gcc_except_table"] {
        assert!(!sections.contains(section), "{sections}");
    }
}

#[test]
fn contains_no_path_of_the_build_machine() {
    let Some(binary) = static_binary() else { return };
    let bytes = fs::read(&binary).unwrap();
    let target = binary.ancestors().nth(2).unwrap().to_str().unwrap();
    for path in [env!("CARGO_MANIFEST_DIR"), target, "/.cargo/", "/.rustup/"] {
        let is_found = bytes.windows(path.len()).any(|bytes| bytes == path.as_bytes());
        assert!(!is_found, "the binary contains {path}");
    }
}

#[test]
fn lists_its_crates() {
    let Some(binary) = static_binary() else { return };
    let architecture = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    assert_audited(&binary, architecture);
}

#[test]
fn runs_in_an_empty_root() {
    let (Some(binary), Some(())) = (static_binary(), require_root()) else { return };
    let api = cluster(&[]);
    let imds = imds_with(api.node_config());
    let node = Node::al2023();
    let root = tempfile::tempdir().unwrap();
    fs::copy(binary, root.path().join("eni-bootstrap")).unwrap();
    copy_tree(node.root(), &root.path().join("node"));
    let run = Command::new("chroot")
        .arg(root.path())
        .args(["/eni-bootstrap", "run", "--root=/node", "--imds-endpoint", &imds.endpoint()])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output();
    let run = run_output(run.unwrap());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let written = fs::read_to_string(root.path().join("node").join(DROP_IN)).unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
    // Names of EC2 do not resolve in the empty root, so only the subnet verification is skipped.
    assert!(
        run.stderr
            .contains("verify: subnet skipped: no successful response for ec2:DescribeSubnets: "),
        "{}",
        run.stderr
    );
    // The credentials come from the instance role; the environment has none.
    let token = "GET /latest/meta-data/iam/security-credentials/node".to_owned();
    assert!(imds.requests().contains(&token), "{:?}", imds.requests());
}

/// Returns a command that runs `command` in the trixie root, in a separate mount namespace. `scratch` is
/// mounted on `/mnt`, and its files `hosts` and `resolv.conf` replace those in `/etc`.
fn in_trixie(root: &Path, scratch: &Path, command: &[&str]) -> Command {
    let script = r#"
        root=$1 scratch=$2; shift 2
        mount --bind "$scratch" "$root/mnt"
        mount --bind "$scratch/hosts" "$root/etc/hosts"
        mount --bind "$scratch/resolv.conf" "$root/etc/resolv.conf"
        mount --bind /dev "$root/dev"
        exec chroot "$root" "$@""#;
    let mut unshared = Command::new("unshare");
    unshared
        .args(["--mount", "sh", "-euc", script, "sh"])
        .args([root, scratch])
        .args(command)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    unshared
}

/// Creates the scratch folder for [`in_trixie`] and starts a DNS server. DNS resolves names in
/// `.dns.test`; the hosts file contains names in `.hosts.test`. Each test uses another address for the
/// DNS server, so that tests can run in parallel.
fn scratch(binary: &Path, name_server: Ipv4Addr) -> (tempfile::TempDir, Dns) {
    let scratch = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        use std::io::Write as _;
        fs::File::create(scratch.path().join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    file("hosts", "127.0.0.1 localhost imds.hosts.test api.hosts.test\n");
    file("resolv.conf", &format!("nameserver {name_server}\n"));
    fs::copy(binary, scratch.path().join("eni-bootstrap")).unwrap();
    copy_tree(Node::al2023().root(), &scratch.path().join("node"));
    let names =
        ["imds.dns.test", "api.dns.test"].map(|name| (name.to_owned(), Ipv4Addr::LOCALHOST));
    let dns = Dns::start_on(SocketAddr::from((name_server, 53)), BTreeMap::from(names));
    (scratch, dns.unwrap())
}

/// Returns the command line of a run without the subnet verification, because there is no EC2 API.
fn run_command(imds: &str) -> [&str; 6] {
    let verify = "--eni-config-verify=false";
    ["/mnt/eni-bootstrap", "run", "--root=/mnt/node", verify, "--imds-endpoint", imds]
}

/// Runs the binary with endpoints whose names are in `domain`. Returns the DNS queries.
fn run_with_names(domain: &str, name_server: Ipv4Addr) -> Option<Vec<String>> {
    let (binary, root, ()) = (static_binary()?, trixie_root()?, require_root()?);
    let api_name = format!("api.{domain}");
    let api = cluster(&[&api_name]);
    let imds = imds_with(with_host_name(&api.node_config(), &api_name));
    let (scratch, dns) = scratch(&binary, name_server);
    let endpoint = with_host_name(&imds.endpoint(), &format!("imds.{domain}"));
    let run = run_command(&endpoint);
    let run = run_output(in_trixie(&root, scratch.path(), &run).output().unwrap());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let written = fs::read_to_string(scratch.path().join("node").join(DROP_IN)).unwrap();
    assert!(written.contains("\n      maxPods: 20\n"), "{written}");
    Some(dns.queries())
}

#[test]
fn resolves_dns_names_in_a_root_with_newer_nss_modules() {
    let Some(queries) = run_with_names("dns.test", Ipv4Addr::new(127, 83, 0, 1)) else { return };
    for query in ["imds.dns.test A", "api.dns.test A"] {
        assert!(queries.iter().any(|it| it == query), "{query} not in {queries:?}");
    }
}

#[test]
fn resolves_names_in_the_hosts_file_without_dns() {
    let Some(queries) = run_with_names("hosts.test", Ipv4Addr::new(127, 83, 0, 2)) else { return };
    assert_eq!(queries, Vec::<String>::new());
}

#[test]
fn resolves_the_endpoint_again_during_the_wait() {
    let (Some(binary), Some(root), Some(())) = (static_binary(), trixie_root(), require_root())
    else {
        return;
    };
    let api = cluster(&["api.hosts.test"]);
    let imds = imds_with(with_host_name(&api.node_config(), "api.hosts.test"));
    let (scratch, _dns) = scratch(&binary, Ipv4Addr::new(127, 83, 0, 4));
    let hosts = |address: &str| {
        use std::io::Write as _;
        // Write to the existing file: the bind mount would still refer to a replaced file.
        let text = format!("127.0.0.1 localhost\n{address} api.hosts.test\n");
        let mut file = fs::File::create(scratch.path().join("hosts")).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    hosts("127.83.0.5"); // no server listens at this address
    let run = run_command(&imds.endpoint()).map(str::to_owned);
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    let mut run = Running::new(in_trixie(&root, scratch.path(), &run));
    run.until("the API server is unreachable: ");
    hosts("127.0.0.1");
    let run = run.end();
    assert_eq!(run.status, Some(0), "{}", run.stderr);
}

/// Checks that `getaddrinfo` crashes a static program in this root, so that the tests above fail if the
/// binary calls it.
#[test]
fn static_program_with_getaddrinfo_crashes_in_the_newer_root() {
    let (Some(binary), Some(root), Some(())) = (static_binary(), trixie_root(), require_root())
    else {
        return;
    };
    let (scratch, _dns) = scratch(&binary, Ipv4Addr::new(127, 83, 0, 3));
    let source = scratch.path().join("resolve.c");
    let program = "#include <netdb.h>\n#include <stddef.h>\nint main(void) { struct addrinfo *a; return getaddrinfo(\"imds.dns.test\", NULL, NULL, &a); }\n";
    std::io::Write::write_all(&mut fs::File::create(&source).unwrap(), program.as_bytes()).unwrap();
    let built = Command::new("cc")
        .args(["-static", "-w", "-o"])
        .args([scratch.path().join("resolve"), source])
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let run = run_output(in_trixie(&root, scratch.path(), &["/mnt/resolve"]).output().unwrap());
    assert_eq!(run.status, None, "not killed by a signal: {run:?}");
}

fn copy_tree(from: &Path, to: &Path) {
    for file in crate::support::golden::files_under(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), target).unwrap();
    }
}
