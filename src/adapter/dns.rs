//! Names → addresses, for every client: /etc/hosts, then the name servers of /etc/resolv.conf.
//!
//! Never getaddrinfo: in a static glibc binary it loads the host's NSS modules, and dies with
//! SIGFPE where they were built against another glibc.

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use hickory_resolver::config::{ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
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

/// A name that has no address for us.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DnsError {
    /// The system gives no random numbers, which every DNS query needs.
    #[error("no random numbers for a DNS query: is there no /dev/urandom?")]
    NoRandomNumbers(#[source] Arc<getrandom::Error>),
    /// The hosts file cannot be read.
    #[error("/etc/hosts cannot be read")]
    Hosts(#[source] Arc<io::Error>),
    /// The system's resolver settings make no resolver.
    #[error("/etc/resolv.conf cannot be used")]
    Settings(#[source] Arc<NetError>),
    /// Nobody knows the name.
    #[error("the name {name:?} has no address")]
    Unknown {
        /// The name.
        name: String,
        /// What the resolver said.
        source: Arc<NetError>,
    },
}

/// The one resolver of a run; clones share it and its cache.
#[derive(Clone, Debug, Default)]
pub struct Names {
    resolver: Arc<OnceLock<TokioResolver>>,
}

impl Names {
    /// The addresses of `name`.
    pub async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, DnsError> {
        if let Ok(address) = name.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        // Before the resolver, which would ask DNS for the family that the file does not name: a
        // name in the file must not need a name server.
        let listed = listed(name)?;
        if !listed.is_empty() {
            return Ok(listed);
        }
        let resolver = self.resolver()?;
        let found = resolver.lookup_ip(name).await.map_err(|source| DnsError::Unknown {
            name: name.to_owned(),
            source: Arc::new(source),
        })?;
        Ok(found.iter().collect())
    }

    /// Made at the first name: on most nodes every address is a number.
    fn resolver(&self) -> Result<TokioResolver, DnsError> {
        if let Some(resolver) = self.resolver.get() {
            return Ok(resolver.clone());
        }
        // Asked first, because the resolver itself panics where there are none.
        getrandom::fill(&mut [0; 8]).map_err(|error| DnsError::NoRandomNumbers(Arc::new(error)))?;
        let settings = |error| DnsError::Settings(Arc::new(error));
        // Without the file there is nobody to ask, which the look-up then says.
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

/// What /etc/hosts says of `name`; read anew each time, because a wait is long.
fn listed(name: &str) -> Result<Vec<IpAddr>, DnsError> {
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

/// For reqwest, which serves IMDS.
impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let names = self.clone();
        Box::pin(async move {
            let found = names.resolve(name.as_str()).await?;
            Ok(Box::new(with_port(found)) as reqwest::dns::Addrs)
        })
    }
}

/// For the AWS SDK.
impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.resolve(name).await.map_err(ResolveDnsError::new) })
    }
}

/// For hyper's connector, which serves the Kubernetes client.
impl tower::Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = DnsError;
    type Future = Resolving<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let names = self.clone();
        Box::pin(async move {
            let found = names.resolve(name.as_str()).await?;
            Ok(with_port(found).collect::<Vec<_>>().into_iter())
        })
    }
}

/// Port 0: the connector puts the URL's in.
fn with_port(addresses: Vec<IpAddr>) -> impl Iterator<Item = SocketAddr> + Send {
    addresses.into_iter().map(|address| SocketAddr::new(address, 0))
}
