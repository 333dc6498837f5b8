//! Name resolution for all clients: /etc/hosts, then the DNS servers in /etc/resolv.conf. Both files may
//! change during a wait, so every lookup reads them.
//!
//! getaddrinfo is not used: in a static glibc binary it loads the host's NSS modules and crashes
//! with SIGFPE if they were built for another glibc version.

#[cfg(test)]
mod tests;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use hickory_resolver::config::{ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{self, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::{Hosts, Resolver, TokioResolver, system_conf};
use hyper_util::client::legacy::connect::dns::Name;
use std::fs::File;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// The longest time for which a name counts as unknown. A name server may allow a day, but the record may
/// be created during a wait.
const NEGATIVE_TTL: Duration = Duration::from_secs(2);
/// The longest time for which an address is reused.
const POSITIVE_TTL: Duration = Duration::from_mins(1);
/// The port of a name server in `/etc/resolv.conf`.
const PORT: u16 = 53;

/// The resolver's text for a connection that was closed during a query. UDP has no connections.
const CANCELED: &str = "receiver was canceled";

/// A failure to resolve a name.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DnsError {
    /// DNS queries need random numbers, and the kernel provides none.
    #[error("failed to get random numbers for a DNS query")]
    NoRandomNumbers(#[source] Arc<getrandom::Error>),
    /// `/etc/hosts` exists but cannot be read.
    #[error("failed to read /etc/hosts")]
    Hosts(#[source] Arc<io::Error>),
    /// `/etc/resolv.conf` exists but cannot be read.
    #[error("failed to read /etc/resolv.conf")]
    ResolvConf(#[source] Arc<io::Error>),
    /// There is no name server, because the network is not configured yet.
    #[error("no DNS server is configured: /etc/resolv.conf {0}")]
    NoNameServer(&'static str),
    /// `/etc/resolv.conf` is invalid.
    #[error("failed to configure DNS from /etc/resolv.conf")]
    Settings(#[source] Arc<NetError>),
    /// The name does not exist or has no address. Omits the message of the resolver, which contains the
    /// full query.
    #[error("no such host: {name:?}")]
    NoSuchHost { name: String },
    /// A DNS server returned an error code.
    #[error("the DNS server failed to resolve {name:?}: {code}")]
    Failed {
        name: String,
        /// The code, such as `Server Failure`.
        code: ResponseCode,
    },
    /// No DNS server is reachable.
    #[error("no DNS server answered the query for {name:?}")]
    NoAnswer { name: String, source: Arc<NetError> },
    /// The response over UDP is truncated, and the query over TCP failed.
    #[error(
        "the DNS server truncated the response for {name:?} over UDP, and the query over TCP failed"
    )]
    NoTcp { name: String },
    /// The resolver failed in another way.
    #[error("failed to resolve {name:?}")]
    Other { name: String, source: Arc<NetError> },
}

impl DnsError {
    fn lookup(name: &str, error: NetError) -> Self {
        let name = name.to_owned();
        let code = match &error {
            NetError::Dns(net::DnsError::NoRecordsFound(missing)) => Some(missing.response_code),
            NetError::Dns(net::DnsError::ResponseCode(code)) => Some(*code),
            _ => None,
        };
        match (code, error) {
            (Some(ResponseCode::NXDomain | ResponseCode::NoError), _) => Self::NoSuchHost { name },
            (Some(code), _) => Self::Failed { name, code },
            (None, error @ (NetError::NoConnections | NetError::Timeout | NetError::Io(_))) => {
                Self::NoAnswer { name, source: Arc::new(error) }
            }
            // The resolver reports a closed TCP connection in one of these ways.
            (None, NetError::Truncated | NetError::Message(CANCELED)) => Self::NoTcp { name },
            (None, error) => Self::Other { name, source: Arc::new(error) },
        }
    }
}

/// The files that configure name resolution.
#[derive(Debug)]
struct Files {
    hosts: PathBuf,
    resolv_conf: PathBuf,
    /// The port of the name servers.
    port: u16,
}

impl Default for Files {
    fn default() -> Self {
        let (hosts, resolv_conf) = ("/etc/hosts".into(), "/etc/resolv.conf".into());
        Self { hosts, resolv_conf, port: PORT }
    }
}

/// A DNS client, and the contents of `/etc/resolv.conf` for which it was created.
#[derive(Clone, Debug)]
struct Configured {
    resolv_conf: Vec<u8>,
    resolver: TokioResolver,
}

/// Resolves names to addresses. Clones share one DNS client and its cache.
#[derive(Clone, Debug, Default)]
pub struct DnsResolver {
    files: Arc<Files>,
    configured: Arc<Mutex<Option<Configured>>>,
}

impl DnsResolver {
    /// Returns the addresses of `name`, which may itself be an address.
    pub(crate) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, DnsError> {
        if let Ok(address) = name.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        // The resolver would query DNS for the address family that is missing in the file, but a name
        // in /etc/hosts must not need a DNS server.
        let addresses = hosts_file_addresses(&self.files.hosts, name)?;
        if !addresses.is_empty() {
            return Ok(addresses);
        }
        let lookup = self.resolver()?.lookup_ip(name).await;
        Ok(lookup.map_err(|error| DnsError::lookup(name, error))?.iter().collect())
    }

    /// Returns the DNS client for the current contents of `/etc/resolv.conf`. A new client starts with an
    /// empty cache.
    fn resolver(&self) -> Result<TokioResolver, DnsError> {
        let resolv_conf = match std::fs::read(&self.files.resolv_conf) {
            Ok(contents) => contents,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DnsError::NoNameServer("does not exist"));
            }
            Err(error) => return Err(DnsError::ResolvConf(Arc::new(error))),
        };
        let mut configured = self.configured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &*configured
            && current.resolv_conf == resolv_conf
        {
            return Ok(current.resolver.clone());
        }
        *configured = None;
        let resolver = dns_client(&resolv_conf, self.files.port)?;
        *configured = Some(Configured { resolv_conf, resolver: resolver.clone() });
        Ok(resolver)
    }
}

/// Returns a DNS client for the name servers in `resolv_conf`, the contents of `/etc/resolv.conf`.
fn dns_client(resolv_conf: &[u8], port: u16) -> Result<TokioResolver, DnsError> {
    // The client panics without random numbers.
    getrandom::fill(&mut [0; 8]).map_err(|error| DnsError::NoRandomNumbers(Arc::new(error)))?;
    let text = String::from_utf8_lossy(resolv_conf);
    if !text.lines().any(|line| line.split_whitespace().next() == Some("nameserver")) {
        return Err(DnsError::NoNameServer("has no nameserver line"));
    }
    let settings = |error| DnsError::Settings(Arc::new(error));
    let (config, mut options) = system_conf::parse_resolv_conf(resolv_conf).map_err(settings)?;
    let mut servers = config.name_servers().to_vec();
    servers.iter_mut().flat_map(|it| &mut it.connections).for_each(|it| it.port = port);
    let config =
        ResolverConfig::from_parts(config.domain().cloned(), config.search().to_vec(), servers);
    options.use_hosts_file = ResolveHosts::Never;
    options.negative_max_ttl = Some(NEGATIVE_TTL);
    options.positive_max_ttl = Some(POSITIVE_TTL);
    Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
        .map_err(settings)
}

/// Returns the addresses of `name` in the hosts file `path`.
fn hosts_file_addresses(path: &Path, name: &str) -> Result<Vec<IpAddr>, DnsError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(DnsError::Hosts(Arc::new(error))),
    };
    let mut hosts = Hosts::default();
    hosts.read_hosts_conf(file).map_err(|error| DnsError::Hosts(Arc::new(error)))?;
    let Ok(name) = hickory_resolver::proto::rr::Name::from_ascii(name) else {
        return Ok(Vec::new());
    };
    let families = [RecordType::A, RecordType::AAAA];
    let answers = families
        .into_iter()
        .filter_map(|family| hosts.lookup_static_host(&Query::query(name.clone(), family)));
    let records = answers.flat_map(|answer| answer.answers().to_vec());
    Ok(records.filter_map(|record| record.data.ip_addr()).collect())
}

type Resolving<T> = Pin<Box<dyn Future<Output = Result<T, DnsError>> + Send>>;

/// Used by reqwest for IMDS.
impl reqwest::dns::Resolve for DnsResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?;
            Ok(Box::new(with_port(addresses)) as reqwest::dns::Addrs)
        })
    }
}

/// Used by the AWS SDK.
impl ResolveDns for DnsResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.resolve(name).await.map_err(ResolveDnsError::new) })
    }
}

/// Used by hyper for the Kubernetes API.
impl tower::Service<Name> for DnsResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = DnsError;
    type Future = Resolving<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?;
            Ok(with_port(addresses).collect::<Vec<_>>().into_iter())
        })
    }
}

/// Adds port 0, which the connector replaces with the port of the URL.
fn with_port(addresses: Vec<IpAddr>) -> impl Iterator<Item = SocketAddr> + Send {
    addresses.into_iter().map(|address| SocketAddr::new(address, 0))
}
