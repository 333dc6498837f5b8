//! Files of this machine that a case replaces in its mount namespace.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use eni_bootstrap_sandbox::Dns;

/// The names for which the DNS server has records.
pub const API_NAME: &str = "api.cluster.example";
pub const EC2_NAME: &str = "ec2.cluster.example";

/// Makes `authority` the only trusted CA of this mount namespace.
pub fn trust(home: &Path, authority: &str) {
    let path = write(home, "ca.pem", authority);
    sh(&format!(
        "mount -t tmpfs tmpfs /etc/ssl && mkdir /etc/ssl/certs && cp {} /etc/ssl/certs/ca-certificates.crt",
        path.display()
    ));
}

/// Starts the DNS server of this network namespace.
pub fn name_server(home: &Path) -> Dns {
    let names = [API_NAME, EC2_NAME].map(|name| (name.to_owned(), Ipv4Addr::LOCALHOST));
    let dns = Dns::start_on((Ipv4Addr::LOCALHOST, 53).into(), names.into()).unwrap();
    let text = "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n";
    let resolv_conf = write(home, "resolv.conf", text);
    let hosts = write(home, "hosts", "127.0.0.1 localhost\n");
    for (from, to) in [(resolv_conf, "/etc/resolv.conf"), (hosts, "/etc/hosts")] {
        sh(&format!("mount --bind {} {to}", from.display()));
    }
    dns
}

/// Writes a file, and returns its path.
#[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Runs a shell command. Asserts that it succeeds.
pub fn sh(command: &str) {
    assert!(Command::new("sh").args(["-ec", command]).status().unwrap().success(), "{command}");
}
