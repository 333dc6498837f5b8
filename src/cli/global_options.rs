//! Flags that every command accepts: endpoints, the root directory and the log level.

use crate::adapter::https_proxy::Proxy;
use crate::adapter::{Context, imds};
use crate::error::UsageError;
use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};
use std::convert::Infallible;
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// Flags that every command accepts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalOptions {
    /// Prefix for every path that eni-bootstrap reads or writes
    #[arg(
        long,
        global = true,
        env = "ENI_BOOTSTRAP_ROOT",
        value_name = "DIRECTORY",
        default_value = "/"
    )]
    root: PathBuf,
    /// Additional settings file; its keys override the other settings files
    #[arg(long, global = true, env = "ENI_BOOTSTRAP_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// URL of the instance metadata service [default: http://169.254.169.254]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        value_name = "URL"
    )]
    imds_endpoint: Option<String>,
    /// Address family of the instance metadata service, if --imds-endpoint is not set
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        value_name = "MODE",
        default_value = "IPv4",
        ignore_case = true
    )]
    imds_endpoint_mode: ImdsMode,
    /// URL of the EC2 API [default: the endpoint of the region]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "AWS_ENDPOINT_URL_EC2",
        value_name = "URL"
    )]
    ec2_endpoint: Option<String>,
    /// URL of the EKS API [default: the endpoint of the region]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "AWS_ENDPOINT_URL_EKS",
        value_name = "URL"
    )]
    eks_endpoint: Option<String>,
    /// URL of the HTTP proxy for requests to AWS APIs and the API server; the variable https_proxy also works
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "HTTPS_PROXY",
        hide_env_values = true,
        value_name = "URL",
        // The URL is parsed later, because the errors of clap contain the value.
        value_parser = |url: &str| Ok::<_, Infallible>(SecretString::from(url))
    )]
    https_proxy: Option<SecretString>,
    /// Hosts, domains and networks that bypass the proxy; the variable no_proxy also works
    #[arg(long, global = true, hide_short_help = true, env = "NO_PROXY", value_name = "LIST")]
    no_proxy: Option<String>,
    /// Log every request
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Log only warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

impl GlobalOptions {
    /// Returns the log level.
    pub(super) fn level(&self) -> LevelFilter {
        match self {
            Self { verbose: true, .. } => LevelFilter::DEBUG,
            Self { quiet: true, .. } => LevelFilter::WARN,
            _ => LevelFilter::INFO,
        }
    }

    /// Returns the context of the command: endpoints, proxy and root directory.
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
        let imds_endpoint = imds_endpoint.unwrap_or_else(|| {
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
            is_instance: false,
            proxy: proxy(https_proxy, no_proxy)?,
            ..Context::default()
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

/// Returns the proxy of the flags, or else of the variables `https_proxy` and `no_proxy`.
#[expect(clippy::disallowed_methods, reason = "clap supports one variable for each flag")]
fn proxy(url: Option<SecretString>, no_proxy: Option<String>) -> Result<Option<Proxy>, UsageError> {
    let url = url.or_else(|| std::env::var("https_proxy").ok().map(SecretString::from));
    let Some(url) = url.filter(|url| !url.expose_secret().is_empty()) else { return Ok(None) };
    let url = url.expose_secret().parse().map_err(UsageError::Proxy)?;
    let no_proxy = no_proxy.or_else(|| std::env::var("no_proxy").ok()).unwrap_or_default();
    let no_proxy = no_proxy.split(',').map(|word| word.trim().to_owned()).collect();
    Ok(Some(Proxy { url, no_proxy }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_debug_output_omits_the_password_of_the_proxy() {
        #[derive(Parser)]
        struct Flags {
            #[command(flatten)]
            global: GlobalOptions,
        }
        let Flags { global } =
            Flags::parse_from(["it", "--https-proxy=http://me:hush@proxy", "--no-proxy=a"]);
        assert_eq!(
            format!("{global:?}"),
            r#"GlobalOptions { root: "/", config: None, imds_endpoint: None, imds_endpoint_mode: Ipv4, ec2_endpoint: None, eks_endpoint: None, https_proxy: Some(SecretBox<str>([REDACTED])), no_proxy: Some("a"), verbose: false, quiet: false }"#
        );
    }
}
