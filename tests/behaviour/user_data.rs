//! The user data in `examples/user-data`: its parts, scripts and units. `tests/boot` boots nodes with it.

mod fetch_script;
mod interruptions;
mod units;

use crate::support::node::{Node, run_output};
use crate::support::real_parts::{nodeadm, program};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The maximum size of user data in EC2 in bytes, before base64 encoding.
const LIMIT: usize = 16 * 1024;
/// The examples that download eni-bootstrap.
const FETCHING: [&str; 2] = ["al2.txt", "al2023.txt"];
const SHELL: &str = "text/x-shellscript";

/// Returns the text of an example, with the current version instead of its placeholder.
pub fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/user-data");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    text.replace("version=0.0.0\n", concat!("version=", env!("CARGO_PKG_VERSION"), "\n"))
}

/// Returns the only shell script of an example, as cloud-init runs it.
pub fn script(user_data: &str) -> String {
    let mut scripts = parts(user_data).into_iter().filter(|(kind, _)| kind == SHELL);
    let (_, script) = scripts.next().unwrap();
    assert_eq!(scripts.next(), None);
    script
}

/// Returns the text of the here-document `<<'NAME'` in a script.
pub fn here_document(script: &str, name: &str) -> String {
    let (_, after) = script.split_once(&format!("<<'{name}'\n")).unwrap();
    after.split_once(&format!("\n{name}\n")).unwrap().0.to_owned() + "\n"
}

/// A folder in which the shell script of an example runs: it contains the files that the script writes,
/// and stand-ins for the commands of the node, which log their calls.
struct Sandbox(tempfile::TempDir);

impl Sandbox {
    fn new() -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        for folder in ["sbin", "units"] {
            fs::create_dir(sandbox.path(folder)).unwrap();
        }
        for name in ["systemctl", "sync", "bootstrap.sh"] {
            sandbox.stand_in(name, "");
        }
        sandbox
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Writes an executable file.
    fn program(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Replaces a command by one that logs its call and then runs `script`.
    fn stand_in(&self, name: &str, script: &str) {
        let calls = self.path("calls");
        let log = format!("echo {name} \"$@\" >>{}", calls.display());
        self.program(&format!("bin/{name}"), &format!("#!/bin/sh\n{log}\n{script}\n"));
    }

    /// Returns the logged calls since the last call of this function, without the path of the folder.
    fn calls(&self) -> Vec<String> {
        let calls = self.read("calls").replace(&format!("{}/", self.0.path().display()), "");
        let _ = fs::remove_file(self.path("calls"));
        calls.lines().map(str::to_owned).collect()
    }

    /// Returns `script` with the paths of the node replaced by paths in this folder.
    fn in_folder(&self, script: &str) -> String {
        let folder = self.0.path().display();
        [
            ("/usr/local/sbin/eni", "sbin/eni"),
            ("/usr/bin/eni-bootstrap\n", "program\n"),
            ("/etc/systemd/system/eni", "units/eni"),
            ("/var/lib/cloud/scripts", "scripts"),
            ("/etc/eks/bootstrap.sh", "bin/bootstrap.sh"),
        ]
        .iter()
        .fold(script.to_owned(), |text, (from, to)| text.replace(from, &format!("{folder}/{to}")))
    }

    /// Returns the exit code and the errors of a program in this folder.
    fn run(&self, program: &str) -> (Option<i32>, String) {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let output = Command::new(self.path(program)).env("PATH", path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// Runs the shell script of an example as cloud-init does on the first boot.
    fn first_boot(&self, name: &str) -> (Option<i32>, String) {
        self.program("part-001", &self.in_folder(&script(&example(name))));
        self.run("part-001")
    }
}

/// Returns the fetch script that the shell script of an example writes.
fn fetch_script(name: &str) -> String {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.first_boot(name), (Some(0), String::new()), "{name}");
    let folder = sandbox.0.path().display();
    sandbox
        .read("sbin/eni-bootstrap-fetch")
        .replace(&format!("{folder}/program"), "/usr/bin/eni-bootstrap")
}

/// Returns the content type and the body of each part.
fn parts(user_data: &str) -> Vec<(String, String)> {
    let mail = mailparse::parse_mail(user_data.as_bytes()).unwrap();
    let part =
        |part: &mailparse::ParsedMail<'_>| (part.ctype.mimetype.clone(), part.get_body().unwrap());
    mail.subparts.iter().map(part).collect()
}

#[test]
fn every_example_has_its_parts_and_is_small_enough() {
    let node_config = "application/node.eks.aws";
    for (name, kinds) in [
        ("al2.txt", &[SHELL][..]),
        ("al2023.txt", &[node_config, SHELL]),
        ("al2023-own-image.txt", &[node_config, SHELL]),
        ("al2023-node-config.txt", &[node_config]),
    ] {
        let text = example(name);
        let parts = parts(&text);
        let of_parts: Vec<_> = parts.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(of_parts, kinds, "{name}");
        // The user can add 5 KiB.
        assert!(text.len() < LIMIT - 5 * 1024, "{name} has {} bytes", text.len());
    }
}

#[test]
fn nodeadm_reads_the_cluster_from_the_examples() {
    for name in ["al2023.txt", "al2023-own-image.txt", "al2023-node-config.txt"] {
        let Some(nodeadm) = nodeadm("c5.large", 2, &example(name)) else { return };
        let node = Node::al2023();
        let config = run_output(nodeadm.config_service(node.root()));
        assert_eq!(config.status, Some(0), "{name}: {}", config.stderr);
        let kubeconfig = node.root().join("var/lib/kubelet/kubeconfig");
        let kubeconfig = fs::read_to_string(kubeconfig).unwrap();
        let server = "server: https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com\n";
        assert!(kubeconfig.contains(server), "{kubeconfig}");
    }
}

#[test]
fn shellcheck_accepts_the_scripts() {
    let Some(shellcheck) = program("shellcheck", "shellcheck") else { return };
    let mut scripts = vec![script(&example("al2023-own-image.txt"))];
    for name in FETCHING {
        scripts.push(fetch_script(name));
        scripts.push(script(&example(name)));
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
        let output = check.wait_with_output().unwrap().stdout;
        assert_eq!(String::from_utf8(output).unwrap(), "");
    }
}

#[test]
fn the_values_to_set_are_at_the_top_of_the_scripts() {
    let zeros = "0".repeat(64);
    let top = format!(
        "#!/bin/sh
# Set these values. Take the version and both checksums from the same release.
version={}
url=https://downloads.example.com/eni-bootstrap/$version/eni-bootstrap-$(uname -m)
sha256_x86_64={zeros}
sha256_aarch64={zeros}
download_timeout=300 ",
        env!("CARGO_PKG_VERSION")
    );
    for name in FETCHING {
        assert!(script(&example(name)).starts_with(&top), "{name}");
    }
}

#[test]
fn the_scripts_fetch_this_version_in_the_same_way() {
    let [al2, al2023] = FETCHING.map(fetch_script);
    let version = format!("\nversion='{}'\n", env!("CARGO_PKG_VERSION"));
    assert!(al2023.contains(&version), "{al2023}");
    let al2 = al2
        .replace("systemctl start kubelet", "systemctl start nodeadm-run")
        .replace("sync # Amazon Linux 2 cannot flush one file", "sync \"$download\"")
        .replace("\nsync\n", "\nsync \"${target%/*}\"\n");
    assert_eq!(al2, al2023);
}

/// Each line that the comment tells the user to delete or change is in the script once.
#[test]
fn the_comment_about_failing_open_names_lines_of_the_script() {
    for (name, changes) in [("al2.txt", 2), ("al2023.txt", 3)] {
        let script = script(&example(name));
        let commented = |word: &str| -> Vec<String> {
            let prefix = format!("#   {word} ");
            let lines = script.lines().filter_map(|line| line.strip_prefix(&prefix));
            lines.map(|line| line.trim_start().to_owned()).collect()
        };
        let changed = commented("change");
        let with_dash: Vec<_> = changed.iter().map(|line| line.replacen('=', "=-", 1)).collect();
        assert_eq!(commented("to"), with_dash, "{name}");
        let all = [commented("delete"), changed].concat();
        assert_eq!(all.len(), changes, "{name}");
        for line in all {
            assert_eq!(script.lines().filter(|it| *it == line).count(), 1, "{name}: {line}");
        }
    }
}
