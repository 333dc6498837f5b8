//! The user data in `examples/user-data`: its parts, scripts and units. `tests/boot` boots nodes with it.

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

/// Returns the text of an example.
pub fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/user-data");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Returns the only shell script of an example, as cloud-init runs it.
pub fn script(user_data: &str) -> String {
    let mut scripts = parts(user_data).into_iter().filter(|(kind, _)| kind == SHELL);
    let (_, script) = scripts.next().unwrap();
    assert_eq!(scripts.next(), None);
    script
}

/// Returns the text of the here-document `<<'NAME'` in a script.
fn here_document(script: &str, name: &str) -> String {
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

/// Returns the lines of a unit without comments and empty lines.
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
        ("al2023-node-config.txt", &[node_config]),
    ] {
        let text = example(name);
        let parts = parts(&text);
        let of_parts: Vec<_> = parts.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(of_parts, kinds, "{name}");
        // The user can add 6 KiB.
        assert!(text.len() < LIMIT - 6 * 1024, "{name} has {} bytes", text.len());
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

#[test]
fn the_fetch_script_rejects_an_unsupported_architecture_before_it_downloads_anything() {
    let sandbox = Sandbox::new();
    sandbox.program("bin/uname", "#!/bin/sh\necho riscv64\n");
    sandbox.program("fetch", &fetch_script("al2023.txt"));
    let error =
        fetch_error("architecture \"riscv64\" is not supported", "use x86-64 or arm64 instances");
    assert_eq!(sandbox.run("fetch"), (Some(1), error));
}

/// Returns the error of the fetch script.
fn fetch_error(cause: &str, help: &str) -> String {
    format!(
        "error: failed to install eni-bootstrap {}\n  caused by: {cause}\n  help: {help}\n",
        env!("CARGO_PKG_VERSION")
    )
}

const PROGRAM: &str = concat!("#!/bin/sh\necho eni-bootstrap ", env!("CARGO_PKG_VERSION"), "\n");

/// Returns a sandbox with the fetch script of an example, which expects [`PROGRAM`]. `curl` is a stand-in
/// that downloads it.
fn fetch_sandbox(name: &str, curl: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.program("download", PROGRAM);
    let sum = Command::new("sha256sum").arg(sandbox.path("download")).output().unwrap().stdout;
    let sum = String::from_utf8(sum).unwrap().split(' ').next().unwrap().to_owned();
    let fetch = sandbox.in_folder(&fetch_script(name)).replace(&"0".repeat(64), &sum);
    sandbox.program("fetch", &fetch);
    let output = "while [ $# -gt 0 ]; do [ \"$1\" != --output ] || out=$2; shift; done";
    let download = sandbox.path("download").display().to_string();
    sandbox.stand_in(
        "curl",
        &format!("{curl}\n{output}\n[ -z \"$out\" ] || cat {download} >\"$out\""),
    );
    sandbox.stand_in("mv", "exec /bin/mv \"$@\"");
    sandbox.stand_in(
        "mktemp",
        &format!("touch {0} && echo {0}", sandbox.path("program.tmp").display()),
    );
    sandbox
}

/// `--retry-all-errors` exists since curl 7.71. An older one exits with status 2.
#[test]
fn the_fetch_script_uses_https_only_and_retries_all_errors_where_curl_can() {
    let old_curl = "case \"$*\" in *--retry-all-errors*) echo \"curl: option --retry-all-errors: is unknown\" >&2; exit 2 ;; esac";
    for name in FETCHING {
        for (curl, retry_all_errors) in [("", "--retry-all-errors "), (old_curl, "")] {
            let sandbox = fetch_sandbox(name, curl);
            assert_eq!(sandbox.run("fetch"), (Some(0), String::new()), "{name}");
            let calls = sandbox.calls();
            let curl: Vec<_> = calls.iter().filter(|call| call.starts_with("curl ")).collect();
            let url = format!(
                "https://downloads.example.com/eni-bootstrap/{}/eni-bootstrap-{}",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::ARCH
            );
            assert_eq!(
                curl,
                [
                    "curl --retry-all-errors --version",
                    &format!(
                        "curl --fail --silent --show-error --location --output program.tmp --proto =https --proto-redir =https {retry_all_errors}--connect-timeout 10 --speed-time 30 --speed-limit 1024 --max-time 300 --retry 10 --retry-connrefused --retry-max-time 300 {url}"
                    )
                ]
            );
            assert_eq!(sandbox.read("program"), PROGRAM);
        }
    }
}

#[test]
fn the_fetch_script_flushes_the_program_before_and_after_it_is_renamed() {
    for (name, flushed) in [
        ("al2.txt", ["sync ", "mv program.tmp program", "sync "]),
        ("al2023.txt", ["sync program.tmp", "mv program.tmp program", "sync "]),
    ] {
        let sandbox = fetch_sandbox(name, "");
        assert_eq!(sandbox.run("fetch"), (Some(0), String::new()), "{name}");
        let folder = sandbox.0.path().display().to_string();
        let mut calls = sandbox.calls();
        calls.retain(|call| call.starts_with("sync") || call.starts_with("mv"));
        let calls = calls.iter().map(|call| call.replace(&folder, ""));
        let expected: Vec<_> = flushed.map(|call| call.trim_end().to_owned()).into();
        assert_eq!(calls.map(|call| call.trim_end().to_owned()).collect::<Vec<_>>(), expected);
    }
}

/// curl explains a certificate error in several lines.
#[test]
fn the_fetch_script_reports_the_error_line_of_curl() {
    for (output, cause) in [
        (
            "curl: (60) SSL certificate problem: certificate has expired\nMore details here\n\nTo learn more, visit the web page.",
            "curl: (60) SSL certificate problem: certificate has expired",
        ),
        ("fatal error: of another program", "fatal error: of another program"),
    ] {
        let fail = format!("case $1 in --fail) printf '%s\\n' '{output}' >&2; exit 60 ;; esac");
        let sandbox = fetch_sandbox("al2023.txt", &fail);
        let (status, error) = sandbox.run("fetch");
        assert_eq!(status, Some(1));
        assert!(error.contains(&format!("-{}: {cause}\n", std::env::consts::ARCH)), "{error}");
        assert!(!sandbox.path("program.tmp").exists());
    }
}

#[test]
fn the_fetch_script_rejects_a_url_without_tls_at_once() {
    let sandbox = fetch_sandbox("al2023.txt", "");
    let fetch = sandbox.read("fetch").replace("https://downloads", "http://downloads");
    sandbox.program("fetch", &fetch);
    let error = fetch_error(
        &format!(
            "the URL \"http://downloads.example.com/eni-bootstrap/{}/eni-bootstrap-{}\" does not begin with https://",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH
        ),
        "set an https:// URL in user data",
    );
    assert_eq!(sandbox.run("fetch"), (Some(1), error));
    assert_eq!(sandbox.calls(), Vec::<String>::new());
}

const UNIT: &str = "units/eni-bootstrap.service";
const RETRY: &str = "units/eni-bootstrap-retry.service";
const FETCH: &str = "sbin/eni-bootstrap-fetch";
const COPY: &str = "scripts/per-boot/eni-bootstrap";

#[test]
fn the_scripts_flush_each_file_before_and_after_it_is_renamed() {
    for name in FETCHING {
        let sandbox = Sandbox::new();
        sandbox.stand_in("mv", "exec /bin/mv \"$@\"");
        assert_eq!(sandbox.first_boot(name), (Some(0), String::new()), "{name}");
        let mut calls = sandbox.calls();
        calls.retain(|call| call.starts_with("sync") || call.starts_with("mv"));
        let expected = [COPY, FETCH, UNIT, RETRY].map(|file| {
            let (directory, _) = file.rsplit_once('/').unwrap();
            let renamed = format!("mv -T {file}.new {file}");
            match name {
                "al2.txt" => ["sync".to_owned(), renamed, "sync".to_owned()],
                _ => [format!("sync {file}.new"), renamed, format!("sync {directory}")],
            }
        });
        assert_eq!(calls, expected.concat(), "{name}");
    }
}

/// cloud-init runs the copy on every boot after the first one.
#[test]
fn files_that_a_power_failure_left_empty_are_repaired_on_the_next_boot() {
    for (name, after_repair, interrupted) in [
        (
            "al2.txt",
            "systemctl restart --no-block kubelet.service",
            "systemctl is-enabled --quiet kubelet.service",
        ),
        (
            "al2023.txt",
            "systemctl start --no-block nodeadm-run.service",
            "systemctl start --no-block nodeadm-run.service",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.stand_in("sync", "");
        assert_eq!(sandbox.first_boot(name), (Some(0), String::new()), "{name}");
        let files = || [UNIT, RETRY, FETCH].map(|file| sandbox.read(file));
        let installed = files();
        sandbox.calls();
        let next_boot = || {
            assert_eq!(sandbox.run(COPY), (Some(0), String::new()), "{name}");
            let mut calls = sandbox.calls();
            calls.retain(|call| !call.starts_with("sync"));
            calls
        };
        assert_eq!(next_boot(), Vec::<String>::new(), "{name}: nothing to repair");

        for empty in [UNIT, RETRY, FETCH] {
            fs::File::create(sandbox.path(empty)).unwrap();
            let calls = next_boot();
            assert!(calls[0].starts_with("systemctl enable eni-bootstrap.service"), "{calls:?}");
            assert_eq!(calls.last().unwrap(), after_repair, "{name}: {empty}");
            assert_eq!(files(), installed, "{name}: {empty}");
            let mode = fs::metadata(sandbox.path(FETCH)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o755);
        }

        // An operator who removed or changed a file did so on purpose.
        fs::remove_file(sandbox.path(FETCH)).unwrap();
        sandbox.program(UNIT, "[Service]\n");
        assert_eq!(next_boot(), Vec::<String>::new(), "{name}");
        assert_eq!(files(), ["[Service]\n", &installed[1], ""], "{name}");

        // The first boot was interrupted before the unit was enabled.
        fs::remove_file(sandbox.path(&format!("{COPY}.done"))).unwrap();
        let calls = next_boot();
        assert!(calls.contains(&interrupted.to_owned()), "{calls:?}");
        assert_eq!(files(), installed, "{name}");
    }
}

/// The script ends with an error, and the kubelet does not start on this boot or on a later one.
#[test]
fn a_script_that_fails_disables_the_unit_that_starts_the_kubelet() {
    const ENABLE: &str = "systemctl enable eni-bootstrap.service nodeadm-run.service";
    const START: &str = "systemctl start --no-block eni-bootstrap.service";
    const DISABLE: &str = "systemctl disable --now nodeadm-run.service";
    for name in ["al2023-own-image.txt", "al2023.txt"] {
        for (failing, expected) in [
            ("enable", (Some(3), &[ENABLE, DISABLE][..])),
            ("start", (Some(3), &[ENABLE, START, DISABLE])),
            ("no command", (Some(0), &[ENABLE, START])),
        ] {
            let sandbox = Sandbox::new();
            sandbox.stand_in("systemctl", &format!("[ \"$1\" != '{failing}' ] || exit 3"));
            let (status, errors) = sandbox.first_boot(name);
            let mut calls = sandbox.calls();
            calls.retain(|call| call.starts_with("systemctl "));
            let calls: Vec<_> = calls.iter().map(String::as_str).collect();
            assert_eq!((status, &calls[..]), expected, "{name}, {failing}: {errors}");
        }
    }
}

/// Documentation= is missing: the file that it names is not installed.
#[test]
fn on_al2023_the_unit_is_the_packaged_unit_with_the_fetch_script_before_it() {
    let written = here_document(&script(&example("al2023.txt")), "UNIT");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/eni-bootstrap.service");
    let shipped = fs::read_to_string(shipped).unwrap();
    let mut expected = lines(&shipped);
    expected.retain(|line| !line.starts_with("Documentation="));
    let run = expected.iter().position(|line| line.starts_with("ExecStart=")).unwrap();
    expected.insert(run, "ExecStartPre=+/usr/local/sbin/eni-bootstrap-fetch");
    assert_eq!(lines(&written), expected);
}

/// systemd 219 ignores most options that it does not support, and misinterprets some.
#[test]
fn on_al2_the_unit_has_only_options_that_systemd_219_supports() {
    let written = here_document(&script(&example("al2.txt")), "UNIT");
    let used: Vec<_> =
        lines(&written).into_iter().map(|it| it.split('=').next().unwrap()).collect();
    let supported = [
        "[Unit]",
        "Description",
        "Wants",
        "After",
        "Before",
        "OnFailure",
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
    assert_eq!(used, supported);
    // It supports the command prefixes `-` and `@` only.
    assert!(written.contains("\nExecStartPre=/usr/local/sbin/eni-bootstrap-fetch\n"), "{written}");
}
