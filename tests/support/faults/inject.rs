//! Begins and ends the faults of a case.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eni_bootstrap_sandbox::{DnsFault, Fault, Faults};

use super::case::Case;
use super::injection::Injection;
use super::stack::{Addresses, Stack};
use super::toxiproxy::TcpProxy;

/// The stand-ins of a case with the TCP proxies in front of them.
pub struct Site {
    pub stack: Stack,
    pub at: Addresses,
    tcp: BTreeMap<String, TcpProxy>,
    /// The items of instance metadata before the fault.
    items: Vec<(String, Option<Vec<u8>>)>,
}

impl Site {
    /// Starts a TCP proxy for each server that has a TCP fault.
    pub fn new(case: &Case, mut stack: Stack) -> Self {
        static CALL: AtomicUsize = AtomicUsize::new(0);
        let mut at = stack.upstream();
        let mut tcp = BTreeMap::new();
        for injection in case.inject.iter().filter(|it| it.tcp.is_some()) {
            let address = address_of(&mut at, &injection.on);
            let name = format!("{}-{}", injection.on, CALL.fetch_add(1, Ordering::Relaxed));
            let proxy =
                tcp.entry(injection.on.clone()).or_insert_with(|| TcpProxy::start(&name, *address));
            *address = proxy.addr;
        }
        stack.publish(case, at);
        Self { stack, at, tcp, items: Vec::new() }
    }

    /// Begins a fault.
    pub fn begin(&mut self, case: &Case, injection: &Injection) {
        if let Some(tcp) = &injection.tcp {
            let proxy = self.tcp.get_mut(&injection.on).unwrap();
            if tcp == "plain-http" {
                proxy.redirect(self.stack.imds.addr());
            } else {
                proxy.begin(tcp, injection.bytes);
            }
        }
        if injection.latency > 0 {
            self.faults(&injection.on).latency(Duration::from_millis(injection.latency));
        }
        if let Some(fault) = http_fault(injection) {
            let (faults, matching) = (self.faults(&injection.on), &injection.matching);
            match injection.times {
                Some(times) => faults.fail_next_matching(matching, times, fault),
                None => faults.fail_always_matching(matching, fault),
            }
        }
        if let Some(dns) = &injection.dns {
            let server = self.stack.dns.as_ref().expect("dns = true");
            server.set_fault(Some(dns_fault(dns)));
        }
        if let Some(fault) = &injection.bottlerocket {
            self.stack.begin_bottlerocket_fault(fault);
        }
        for (path, text) in &injection.items {
            self.items.push((path.clone(), self.stack.imds.get(path)));
            if text.is_empty() {
                self.stack.imds.remove(path);
            } else {
                self.stack.imds.set(path, text.as_bytes());
            }
        }
        if let Some(command) = &injection.shell {
            self.shell(case, command);
        }
    }

    /// Ends all faults.
    pub fn end(&mut self, case: &Case) {
        self.tcp.values_mut().for_each(TcpProxy::end);
        for on in ["imds", "api", "ec2", "aws", "proxy"] {
            self.faults(on).clear();
        }
        if let Some(dns) = &self.stack.dns {
            dns.set_fault(None);
        }
        self.stack.end_bottlerocket_faults(case);
        for (path, item) in std::mem::take(&mut self.items).into_iter().rev() {
            match item {
                Some(item) => self.stack.imds.set(&path, item),
                None => self.stack.imds.remove(&path),
            }
        }
        if self.stack.renew_certificates(case) {
            self.at = self.stack.upstream();
            self.stack.publish(case, self.at);
        }
        for command in case.inject.iter().filter_map(|it| it.undo.as_ref()) {
            self.shell(case, command);
        }
    }

    /// Returns whether the server `on` has received a request that contains `text`.
    pub fn has_received(&self, on: &str, text: &str) -> bool {
        self.requests(on).iter().any(|request| request.contains(text))
    }

    /// Returns the requests that the server `on` has received.
    pub fn requests(&self, on: &str) -> Vec<String> {
        match &self.stack.dns {
            Some(dns) if on == "dns" => dns.queries(),
            _ => self.faults(on).seen(),
        }
    }

    fn faults(&self, on: &str) -> &Faults {
        match on {
            "imds" => self.stack.imds.faults(),
            "api" => self.stack.api.faults(),
            "ec2" => self.stack.ec2.faults(),
            "aws" => self.stack.aws.faults(),
            "proxy" => self.stack.proxy.faults(),
            "bottlerocket" => self.stack.bottlerocket.as_ref().expect("a host").faults(),
            other => panic!("unknown server {other:?}"),
        }
    }

    /// Runs a command of a case, with the variables of the agent, and the port of each server, such as
    /// `API_PORT`.
    fn shell(&self, case: &Case, command: &str) {
        let mut shell = Command::new("sh");
        let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/functions.sh");
        let command_line = format!(". {functions}; {command}");
        shell.args(["-ec", &command_line]).envs(self.stack.variables(case, self.at));
        shell.env("ROOT", self.stack.root()).env("HOME_DIR", self.stack.home());
        shell.current_dir(self.stack.home());
        let Addresses { imds, api, ec2, aws, proxy } = self.at;
        let ports = [("IMDS", imds), ("API", api), ("EC2", ec2), ("AWS", aws), ("PROXY", proxy)];
        for (name, address) in ports {
            shell.env(format!("{name}_PORT"), address.port().to_string());
        }
        let output = shell.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {command}: {text}", case.id());
    }
}

fn address_of<'a>(at: &'a mut Addresses, on: &str) -> &'a mut SocketAddr {
    match on {
        "imds" => &mut at.imds,
        "api" => &mut at.api,
        "ec2" => &mut at.ec2,
        "aws" => &mut at.aws,
        "proxy" => &mut at.proxy,
        other => panic!("unknown server {other:?}"),
    }
}

/// Returns the HTTP fault of an injection.
fn http_fault(injection: &Injection) -> Option<Fault> {
    let body = injection.body.repeat(injection.repeat.unwrap_or(1)).into_bytes();
    if let Some(status) = injection.http {
        let headers = injection.headers.clone().into_iter().collect();
        return Some(Fault::Response(status, headers, body));
    }
    Some(match injection.response.as_deref()? {
        "drop" => Fault::Drop,
        "hang" => Fault::Hang,
        "lost" => Fault::Lost,
        "cut" => Fault::Cut(body),
        "endless" => Fault::Endless(200, body),
        "raw" => Fault::Body(body),
        other => panic!("unknown response {other:?}"),
    })
}

fn dns_fault(name: &str) -> DnsFault {
    match name {
        "silent" => DnsFault::Silent,
        "server-failure" => DnsFault::ServerFailure,
        "refused" => DnsFault::Refused,
        "no-such-name" => DnsFault::NoSuchName,
        "truncated" => DnsFault::Truncated,
        "other-type" => DnsFault::OtherType,
        "garbage" => DnsFault::Garbage,
        "tcp-reset" => DnsFault::TcpReset,
        "tcp-cut" => DnsFault::TcpCut,
        "tcp-silent" => DnsFault::TcpSilent,
        "huge" => DnsFault::Huge,
        other => panic!("unknown DNS fault {other:?}"),
    }
}
