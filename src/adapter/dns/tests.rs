//! Lookups with configuration files in a temporary folder, against DNS servers on loopback.

use super::*;
use crate::adapter::{Deadline, pauses};
use eni_bootstrap_sandbox::Dns;
use eni_core::failure::one_line;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const NAME: &str = "k8s.example";

/// The configuration files of a resolver, in a temporary folder.
struct Fixture {
    folder: tempfile::TempDir,
    resolver: DnsResolver,
}

impl Fixture {
    fn new(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [hosts, resolv_conf] = ["hosts", "resolv.conf"].map(|it| folder.path().join(it));
        let files = Arc::new(Files { hosts, resolv_conf, port });
        let resolver = DnsResolver { files, configured: Arc::default() };
        Self { folder, resolver }
    }

    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    fn file(&self, name: &str, contents: &str) {
        std::fs::write(self.folder.path().join(name), contents).unwrap();
    }

    async fn resolve(&self) -> Result<Vec<IpAddr>, String> {
        self.resolver.resolve(NAME).await.map_err(|error| one_line(&error))
    }
}

fn server(address: [u8; 4], port: u16, known: &[Ipv4Addr]) -> Dns {
    let records: BTreeMap<_, _> = known.iter().map(|it| (NAME.to_owned(), *it)).collect();
    Dns::start_on((Ipv4Addr::from(address), port).into(), records).unwrap()
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

#[expect(clippy::unnecessary_wraps, reason = "compared with the result of a lookup")]
fn resolved() -> Result<Vec<IpAddr>, String> {
    Ok(vec![ADDRESS.into()])
}

#[tokio::test]
async fn a_resolv_conf_without_name_servers_is_read_again() {
    let dns = server([127, 0, 0, 1], 0, &[ADDRESS]);
    let fixture = Fixture::new(dns.addr().port());
    let none = |why| Err(format!("no DNS server is configured: /etc/resolv.conf {why}"));
    assert_eq!(fixture.resolve().await, none("does not exist"));
    fixture.file("resolv.conf", "");
    assert_eq!(fixture.resolve().await, none("has no nameserver line"));
    fixture.file("resolv.conf", "# nameserver 127.0.0.1\nsearch example\n");
    assert_eq!(fixture.resolve().await, none("has no nameserver line"));
    fixture.file("resolv.conf", "search example\nnameserver 127.0.0.1\n");
    assert_eq!(fixture.resolve().await, resolved());
    fixture.file("resolv.conf", "");
    assert_eq!(fixture.resolve().await, none("has no nameserver line"));
}

#[tokio::test]
async fn a_change_of_resolv_conf_or_hosts_takes_effect_at_the_next_lookup() {
    let first = server([127, 0, 0, 2], 0, &[]);
    let second = server([127, 0, 0, 3], first.addr().port(), &[ADDRESS]);
    let fixture = Fixture::new(first.addr().port());
    fixture.file("resolv.conf", "nameserver 127.0.0.2\n");
    assert_eq!(fixture.resolve().await, Err("no such host: \"k8s.example\"".to_owned()));
    fixture.file("resolv.conf", "nameserver 127.0.0.3\n");
    assert_eq!(fixture.resolve().await, resolved());
    assert_eq!(fixture.resolve().await, resolved());
    let queries = second.queries().into_iter().filter(|query| query == "k8s.example A");
    assert_eq!(queries.count(), 1, "an unchanged file keeps the cache");
    fixture.file("hosts", "192.0.2.7 k8s.example\n");
    let local = IpAddr::from([192, 0, 2, 7]);
    assert_eq!(fixture.resolve().await, Ok(vec![local]));
}

#[tokio::test]
async fn a_cached_nxdomain_does_not_outlast_the_wait() {
    let dns = server([127, 0, 0, 1], 0, &[]);
    let fixture = Fixture::new(dns.addr().port());
    fixture.file("resolv.conf", "nameserver 127.0.0.1\n");
    // The server allows clients to cache this response for a day.
    assert_eq!(fixture.resolve().await, Err("no such host: \"k8s.example\"".to_owned()));
    dns.set(NAME, ADDRESS);
    let deadline = Deadline::after(Duration::from_secs(30));
    let mut result = fixture.resolve().await;
    for pause in pauses(Duration::from_secs(1)) {
        if result.is_ok() || !deadline.allows(pause) {
            break;
        }
        tokio::time::sleep(pause).await;
        result = fixture.resolve().await;
    }
    assert_eq!(result, resolved());
}

#[test]
fn the_cache_keeps_no_response_for_long() {
    let client = dns_client(b"nameserver 127.0.0.1\n", PORT).unwrap();
    let options = client.options();
    assert_eq!(options.negative_max_ttl, Some(Duration::from_secs(2)));
    assert_eq!(options.positive_max_ttl, Some(Duration::from_mins(1)));
}

use hickory_resolver::net::NoRecords;
use hickory_resolver::proto::rr::Name;

fn no_records(code: ResponseCode) -> NetError {
    let query = Query::query(Name::from_ascii("k8s.example.").unwrap(), RecordType::A);
    NetError::Dns(net::DnsError::NoRecordsFound(NoRecords::new(query, code)))
}

#[test]
fn a_failed_lookup_has_a_short_message() {
    let message = |error| one_line(&DnsError::lookup("k8s.example", error));
    let no_such_host = "no such host: \"k8s.example\"";
    assert_eq!(message(no_records(ResponseCode::NXDomain)), no_such_host);
    assert_eq!(message(no_records(ResponseCode::NoError)), no_such_host);
    assert_eq!(
        message(no_records(ResponseCode::ServFail)),
        "the DNS server failed to resolve \"k8s.example\": Server Failure"
    );
    assert_eq!(
        message(NetError::Timeout),
        "no DNS server answered the query for \"k8s.example\": request timed out"
    );
    assert_eq!(
        message(NetError::NoConnections),
        "no DNS server answered the query for \"k8s.example\": no connections available"
    );
    for error in [NetError::Truncated, NetError::Message(CANCELED)] {
        assert_eq!(
            message(error),
            "the DNS server truncated the response for \"k8s.example\" over UDP, and the query over TCP failed"
        );
    }
}
