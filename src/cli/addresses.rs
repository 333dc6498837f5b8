//! Where everything is, and how much is said: the flags that every command takes.

use crate::adapter::dns::DnsResolver;
use crate::adapter::https_proxy::Proxy;
use crate::adapter::{Context, imds};
use crate::error::UsageError;
use clap::{Args, ValueEnum};
use eni_core::domain::limits::Table;
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// Where everything is, and how much is said.
#[derive(Debug, Args)]
#[command(next_help_heading = "Addresses")]
pub(super) struct Addresses {
    /// The machine's files
    #[arg(
        long,
        global = true,
        env = "ENI_BOOTSTRAP_ROOT",
        value_name = "DIRECTORY",
        default_value = "/"
    )]
    root: PathBuf,
    /// A settings file that wins over those under /usr/lib, /etc and /run
    #[arg(long, global = true, env = "ENI_BOOTSTRAP_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The instance metadata service [default: http://169.254.169.254]
    #[arg(long, global = true, env = "AWS_EC2_METADATA_SERVICE_ENDPOINT", value_name = "URL")]
    imds_endpoint: Option<String>,
    /// Which of the service's two addresses, where no endpoint is given
    #[arg(
        long,
        global = true,
        env = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        value_name = "MODE",
        default_value = "IPv4",
        ignore_case = true
    )]
    imds_endpoint_mode: ImdsMode,
    /// EC2's API [default: the region's own]
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL_EC2", value_name = "URL")]
    ec2_endpoint: Option<String>,
    /// EKS's API [default: the region's own]
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL_EKS", value_name = "URL")]
    eks_endpoint: Option<String>,
    /// The proxy through which AWS and the cluster are reached (https_proxy serves, too)
    #[arg(long, global = true, env = "HTTPS_PROXY", hide_env_values = true, value_name = "URL")]
    https_proxy: Option<String>,
    /// Names, domains and networks that are reached without it (no_proxy serves, too)
    #[arg(long, global = true, env = "NO_PROXY", value_name = "LIST")]
    no_proxy: Option<String>,
    /// Say more: each request
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Say nothing but warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

impl Addresses {
    /// How much is said.
    pub(super) fn level(&self) -> LevelFilter {
        match self {
            Self { verbose: true, .. } => LevelFilter::DEBUG,
            Self { quiet: true, .. } => LevelFilter::WARN,
            _ => LevelFilter::INFO,
        }
    }

    /// Returns how to reach everything outside the process.
    pub(super) fn context(self) -> Result<Context, UsageError> {
        let Self {
            root,
            config: _,
            imds_endpoint,
            imds_endpoint_mode,
            ec2_endpoint,
            eks_endpoint,
            https_proxy,
            no_proxy,
            verbose: _,
            quiet: _,
        } = self;
        let imds_endpoint = imds_endpoint.filter(|given| !given.is_empty()).unwrap_or_else(|| {
            match imds_endpoint_mode {
                ImdsMode::Ipv4 => imds::DEFAULT_ENDPOINT,
                ImdsMode::Ipv6 => imds::DEFAULT_ENDPOINT_IPV6,
            }
            .to_owned()
        });
        Ok(Context {
            root,
            imds_endpoint,
            ec2_endpoint,
            eks_endpoint,
            region: None,
            proxy: proxy(https_proxy, no_proxy)?,
            resolver: DnsResolver::default(),
            table: Table::default(),
        })
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ImdsMode {
    #[value(name = "IPv4")]
    Ipv4,
    #[value(name = "IPv6")]
    Ipv6,
}

/// The variables' names in lower case are as old, and some systems set only those.
#[expect(clippy::disallowed_methods, reason = "clap knows one variable for a flag")]
fn proxy(url: Option<String>, no_proxy: Option<String>) -> Result<Option<Proxy>, UsageError> {
    let given = |flag: Option<String>, variable| {
        flag.or_else(|| std::env::var(variable).ok()).filter(|text| !text.is_empty())
    };
    let Some(url) = given(url, "https_proxy") else { return Ok(None) };
    let url = url.parse().map_err(UsageError::Proxy)?;
    let no_proxy = given(no_proxy, "no_proxy").unwrap_or_default();
    let no_proxy = no_proxy.split(',').map(|word| word.trim().to_owned()).collect();
    Ok(Some(Proxy { url, no_proxy }))
}
