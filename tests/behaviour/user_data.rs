//! The user data in `examples/user-data`, as those read it who get it. `tests/boot` boots nodes with it.

use crate::support::node::{Node, ended};
use crate::support::real_parts::{nodeadm, program};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What EC2 takes, before base64.
const LIMIT: usize = 16 * 1024;
/// Those that fetch the program.
const FETCHING: [&str; 2] = ["al2.txt", "al2023.txt"];
const SHELL: &str = "text/x-shellscript";

/// The text of an example.
pub fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/user-data");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Its one shell script, as cloud-init leaves it for its last stage.
pub fn script(user_data: &str) -> String {
    let mut scripts = parts(user_data).into_iter().filter(|(kind, _)| kind == SHELL);
    let (_, script) = scripts.next().unwrap();
    assert_eq!(scripts.next(), None);
    script
}

/// What it writes with `<<'NAME'`.
pub fn here_document(script: &str, name: &str) -> String {
    let (_, after) = script.split_once(&format!("<<'{name}'\n")).unwrap();
    after.split_once(&format!("\n{name}\n")).unwrap().0.to_owned() + "\n"
}

/// The content type and the body of each part.
fn parts(user_data: &str) -> Vec<(String, String)> {
    let mail = mailparse::parse_mail(user_data.as_bytes()).unwrap();
    let part =
        |part: &mailparse::ParsedMail<'_>| (part.ctype.mimetype.clone(), part.get_body().unwrap());
    mail.subparts.iter().map(part).collect()
}

/// The lines of a unit that mean something.
fn lines(unit: &str) -> Vec<&str> {
    unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn every_example_has_its_parts_and_is_small_enough() {
    let node_config = "application/node.eks.aws";
    for (name, kinds) in [
        ("al2.txt", &[SHELL][..]),
        ("al2023.txt", &[node_config, SHELL]),
        ("al2023-own-image.txt", &[node_config, SHELL]),
    ] {
        let text = example(name);
        let parts = parts(&text);
        let of_parts: Vec<_> = parts.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(of_parts, kinds, "{name}");
        // Half of it is left to whoever adds to it.
        assert!(text.len() < LIMIT / 2, "{name} has {} bytes", text.len());
    }
}

#[test]
fn nodeadm_itself_takes_the_cluster_from_beside_the_script() {
    for name in ["al2023.txt", "al2023-own-image.txt"] {
        let Some(nodeadm) = nodeadm("c5.large", 2, &example(name)) else { return };
        let node = Node::al2023();
        let config = ended(nodeadm.config_service(node.root()));
        assert_eq!(config.status, Some(0), "{name}: {}", config.stderr);
        let kubeconfig = node.root().join("var/lib/kubelet/kubeconfig");
        let kubeconfig = fs::read_to_string(kubeconfig).unwrap();
        let server = "server: https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com\n";
        assert!(kubeconfig.contains(server), "{kubeconfig}");
    }
}

#[test]
fn shellcheck_has_nothing_to_say_of_the_scripts() {
    let Some(shellcheck) = program("shellcheck", "shellcheck") else { return };
    let mut scripts = vec![script(&example("al2023-own-image.txt"))];
    for name in FETCHING {
        let script = script(&example(name));
        scripts.push(here_document(&script, "FETCH"));
        scripts.push(script);
    }
    for script in scripts {
        assert!(script.starts_with("#!/bin/sh\n"), "{script}");
        let mut check = Command::new(&shellcheck)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let said = check.wait_with_output().unwrap().stdout;
        assert_eq!(String::from_utf8(said).unwrap(), "");
    }
}

#[test]
fn the_scripts_fetch_this_version_in_the_same_way() {
    let [al2, al2023] = FETCHING.map(|name| here_document(&script(&example(name)), "FETCH"));
    let version = format!("\nversion={}\n", env!("CARGO_PKG_VERSION"));
    assert!(al2023.contains(&version), "{al2023}");
    assert_eq!(al2.replace("systemctl start kubelet", "systemctl start nodeadm-run"), al2023);
}

#[test]
fn a_machine_that_there_is_no_program_for_is_refused_before_anything_is_fetched() {
    let scratch = tempfile::tempdir().unwrap();
    let fetch = here_document(&script(&example("al2023.txt")), "FETCH");
    for (name, text) in [("uname", "#!/bin/sh\necho riscv64\n"), ("fetch", &fetch)] {
        let path = scratch.path().join(name);
        fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(scratch.path().join("fetch"));
    let path = format!("{}:/usr/bin:/bin", scratch.path().display());
    let fetched = command.env("PATH", path).output().unwrap();
    let expected = format!(
        "error: eni-bootstrap {} could not be installed\n  because: there is none for riscv64\n  help: use x86-64 or arm64 instances\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(
        (fetched.status.code(), String::from_utf8(fetched.stderr).unwrap()),
        (Some(1), expected)
    );
}

/// The documentation that the shipped one names is not there.
#[test]
fn on_al2023_the_unit_is_the_shipped_one_with_the_fetching_before_it() {
    let written = here_document(&script(&example("al2023.txt")), "UNIT");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/eni-bootstrap.service");
    let shipped = fs::read_to_string(shipped).unwrap();
    let mut expected = lines(&shipped);
    expected.retain(|line| !line.starts_with("Documentation="));
    let run = expected.iter().position(|line| line.starts_with("ExecStart=")).unwrap();
    expected.insert(run, "ExecStartPre=+/usr/local/sbin/eni-bootstrap-fetch");
    assert_eq!(lines(&written), expected);
}

/// Of what systemd 219 does not know it ignores most, and some it reads as something else.
#[test]
fn on_al2_the_unit_says_only_what_its_systemd_knows() {
    let written = here_document(&script(&example("al2.txt")), "UNIT");
    let said: Vec<_> =
        lines(&written).into_iter().map(|it| it.split('=').next().unwrap()).collect();
    let known = [
        "[Unit]",
        "Description",
        "Wants",
        "After",
        "Before",
        "[Service]",
        "Type",
        "RemainAfterExit",
        "ExecStartPre",
        "ExecStart",
        "TimeoutStartSec",
        "NotifyAccess",
        "StandardError",
        "RuntimeDirectory",
        "PrivateTmp",
        "[Install]",
        "RequiredBy",
    ];
    assert_eq!(said, known);
    // Nor prefixes of a command but `-` and `@`.
    assert!(written.contains("\nExecStartPre=/usr/local/sbin/eni-bootstrap-fetch\n"), "{written}");
}
