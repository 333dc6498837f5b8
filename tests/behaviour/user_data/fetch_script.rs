//! The script that downloads eni-bootstrap.

use super::{FETCHING, Sandbox, fetch_script};
use std::process::Command;

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
