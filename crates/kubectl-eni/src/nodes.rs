//! `kubectl eni nodes`: compares each node of the running cluster with what eni-bootstrap computes for it.

mod audit;
mod capacity;
mod eni_config;
mod error;
mod json;
mod list;
mod node;
mod observe;
mod prometheus;
mod subnets;
mod text;
mod verdict;
mod zones;

pub use error::NodesError;

use crate::aws::AwsOptions;
use crate::cluster::{Cluster, ClusterOptions};
use crate::error::Error;
use crate::output;
use clap::ValueEnum;
use eni_core::failure::ExitCode;

/// The examples at the end of `--help`.
const EXAMPLES: &str = "\
Exit codes: 0 no node is wrong, 1 at least one node is wrong, 2 no node is wrong, but something was skipped

Examples:
  kubectl eni nodes
  kubectl eni nodes --all --selector topology.kubernetes.io/zone=us-west-2a
  kubectl eni nodes --output json | jq -r '.nodes[] | [.name, .verdict] | @tsv'
  kubectl eni nodes --output prometheus > /var/lib/node_exporter/eni_bootstrap.prom";

/// Arguments of `kubectl eni nodes`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// List every node, not only those that are wrong or could not be checked
    #[arg(long)]
    all: bool,
    /// Format of the result
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// Check only nodes with these labels, such as `a=b,c!=d`
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    selector: Option<String>,
    /// Do not count the pods on each node
    #[arg(long)]
    no_pods: bool,
    /// Compare the zone of the subnet of each ENIConfig with the zone of the nodes (`ec2:DescribeSubnets`)
    #[arg(long)]
    verify_subnets: bool,
    /// Setting `pods.extra` of the nodes: host-network pods in addition to aws-node and kube-proxy
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pods_extra: u32,
    /// Setting `cni.reserved-enis` of the nodes: network interfaces that the CNI does not manage
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    cni_reserved_enis: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Summary, table and fixes
    #[default]
    Text,
    /// JSON with stable keys
    Json,
    /// Metrics in the text format of Prometheus
    Prometheus,
}

/// Checks the nodes and prints the result.
///
/// # Errors
/// Returns an error if the nodes or the configuration of the CNI cannot be read.
pub(crate) async fn run(
    args: &Args,
    cluster: &ClusterOptions,
    aws: &AwsOptions,
) -> Result<ExitCode, Error> {
    let cluster = Cluster::connect(cluster).await?;
    let audit = audit::audit(observe::observe(args, &cluster, aws).await?);
    let text = match args.output {
        Format::Text => text::text(&audit, args.all),
        Format::Json => json::json(&audit, args.all).map_err(|it| Error::Output(it.into()))?,
        Format::Prometheus => prometheus::prometheus(&audit),
    };
    output::print(&text)?;
    Ok(audit.exit_code())
}
