//! Name resolution for all clients: /etc/hosts, then the DNS servers in /etc/resolv.conf.
//!
//! getaddrinfo is not used: in a static glibc binary it loads the host's NSS modules and crashes
//! with SIGFPE if they were built for another glibc version.

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use hickory_resolver::config::{ResolveHosts, ResolverConfig, ResolverOpts};
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
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// A failure to resolve a name.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DnsError {
    /// DNS queries need random numbers, and the kernel provides none.
    #[error("failed to get random numbers for a DNS query")]
    NoRandomNumbers(#[source] Arc<getrandom::Error>),
    /// `/etc/hosts` exists but cannot be read.
    #[error("failed to read /etc/hosts")]
    Hosts(#[source] Arc<io::Error>),
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
    /// No DNS server is configured or reachable.
    #[error("no DNS server answered the query for {name:?}")]
    NoAnswer { name: String, source: Arc<NetError> },
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
            (None, error) => Self::Other { name, source: Arc::new(error) },
        }
    }
}

/// Resolves names to addresses. Clones share one resolver and its cache.
#[derive(Clone, Debug, Default)]
pub struct DnsResolver {
    resolver: Arc<OnceLock<TokioResolver>>,
}

impl DnsResolver {
    /// Returns the addresses of `name`, which may itself be an address.
    pub(crate) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, DnsError> {
        if let Ok(address) = name.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        // The resolver would query DNS for the address family that is missing in the file, but a name
        // in /etc/hosts must not need a DNS server.
        let addresses = hosts_file_addresses(name)?;
        if !addresses.is_empty() {
            return Ok(addresses);
        }
        let lookup = self.resolver()?.lookup_ip(name).await;
        Ok(lookup.map_err(|error| DnsError::lookup(name, error))?.iter().collect())
    }

    /// Returns the DNS client. It is created at first use, because most nodes need no DNS.
    fn resolver(&self) -> Result<TokioResolver, DnsError> {
        if let Some(resolver) = self.resolver.get() {
            return Ok(resolver.clone());
        }
        // The resolver panics without random numbers.
        getrandom::fill(&mut [0; 8]).map_err(|error| DnsError::NoRandomNumbers(Arc::new(error)))?;
        let settings = |error| DnsError::Settings(Arc::new(error));
        // Without the file there is no DNS server, and the query fails with `NoAnswer`.
        let (config, mut options) = if std::path::Path::new("/etc/resolv.conf").exists() {
            system_conf::read_system_conf().map_err(settings)?
        } else {
            (ResolverConfig::from_parts(None, vec![], vec![]), ResolverOpts::default())
        };
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .map_err(settings)?;
        Ok(self.resolver.get_or_init(|| resolver).clone())
    }
}

/// Returns the addresses of `name` in /etc/hosts. The file is read each time, because it may change
/// while eni-bootstrap waits.
fn hosts_file_addresses(name: &str) -> Result<Vec<IpAddr>, DnsError> {
    let file = match File::open("/etc/hosts") {
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

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::one_line;
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
    }
}
