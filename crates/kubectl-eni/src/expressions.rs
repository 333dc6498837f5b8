//! `kubectl eni expressions`: the configuration of Karpenter, nodeadm and Bottlerocket with which they plan with the
//! max-pods and the reserves of the nodes.
//!
//! ```text
//! report              prints the configuration as text
//! karpenter nodeadm bottlerocket  the configuration of each tool
//! comparison          compares a plan with the nodes
//! formula             max-pods as an expression
//! instance_types      max-pods of the nodes
//! selection           selects instance types
//! text                prints expressions
//! number              expressions
//! type_set            sets of instance types
//! ```

mod bottlerocket;
mod comparison;
mod expressions_error;
mod formula;
mod instance_types;
mod karpenter;
mod nodeadm;
mod number;
mod report;
mod selection;
mod text;
mod type_set;

pub use expressions_error::ExpressionsError;

use crate::cluster::{Cluster, ClusterOptions};
use crate::error::Error;
use crate::output::print;
use bottlerocket::{Bottlerocket, bottlerocket};
use clap::{Args, ValueEnum};
use eni_bootstrap::adapter::kubernetes::ApiServer;
use eni_core::diagnostic::Diagnostic;
use eni_core::domain::capacity::{
    CapacityOptions, Ceiling, MaxPodsOverride, NodeNetwork, PrimarySubnet,
};
use eni_core::domain::cni::Cni;
use eni_core::failure::ExitCode;
use eni_core::plan::{EffectiveCni, effective_cni};
use eni_core::settings::{CniSource, Settings};
use instance_types::{NodeConfiguration, rows};
use karpenter::Karpenter;
use nodeadm::Nodeadm;
use selection::Selection;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Flags of `expressions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  kubectl eni expressions --for karpenter
  kubectl eni expressions --for bottlerocket --instance-type m7g.large --instance-type 'c7g.*'
  kubectl eni expressions --settings 90-karpenter.toml --output json")]
pub struct ExpressionsArgs {
    /// Tools to print the configuration for [default: all]
    #[arg(long = "for", value_name = "TOOL", value_delimiter = ',')]
    tools: Vec<Tool>,
    /// Instance type, or a pattern such as 'm7g.*', that the configuration must fit; can be repeated [default: all]
    #[arg(long, value_name = "TYPE")]
    instance_type: Vec<String>,
    /// Settings file of eni-bootstrap on the nodes; with `cni.source = "settings"` no cluster is read
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// A tool that plans or sets max-pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::doc_markdown, reason = "the help prints these comments")]
enum Tool {
    /// EC2NodeClass: spec.kubelet
    Karpenter,
    /// NodeConfig: spec.kubelet
    Nodeadm,
    /// User data: settings.kubernetes
    Bottlerocket,
}

/// Output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// YAML and TOML with comments
    Text,
    /// JSON, with every instance type on which a tool differs from the nodes
    Json,
}

/// What `expressions` prints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    /// Where the configuration of the CNI comes from.
    source: CniSource,
    cni: Cni,
    /// `pods.ceiling` of the settings.
    ceiling: Ceiling,
    /// `pods.max` of the settings, which replaces the computed value.
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_max_pods: Option<u32>,
    /// The number of instance types that the configuration is compared for.
    instance_types: usize,
    /// Whether these are all types in the embedded table.
    all_instance_types: bool,
    /// Instance types on which no network interface is left for pods.
    without_capacity: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    karpenter: Option<Karpenter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodeadm: Option<Nodeadm>,
    /// Absent without `--instance-type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    bottlerocket: Option<Vec<Bottlerocket>>,
    diagnostics: Vec<Diagnostic>,
}

/// Prints the configuration of the tools.
pub(crate) async fn run(
    args: ExpressionsArgs,
    options: &ClusterOptions,
) -> Result<ExitCode, Error> {
    let settings = match &args.settings {
        Some(path) => read_settings(path)?,
        None => Settings::default(),
    };
    let selection = Selection::of(&args.instance_type)?;
    if args.tools.contains(&Tool::Bottlerocket) && selection.is_complete {
        return Err(ExpressionsError::NoInstanceType.into());
    }
    let aws_node = match settings.cni.source() {
        CniSource::Settings => None,
        CniSource::Cluster => {
            let cluster = Cluster::connect(options).await?;
            let api = ApiServer::with_client(cluster.client);
            Some(api.cluster_cni(&[]).await.map_err(ExpressionsError::AwsNode)?.aws_node)
        }
    };
    let (cni, overrides) = effective_cni(&settings.cni, aws_node.as_ref());
    let mut diagnostics = aws_node.map(|it| it.diagnostics).unwrap_or_default();
    diagnostics.extend(overrides);
    let report = report(&args, &settings, cni, &selection, diagnostics)?;
    print(&match args.output {
        Output::Text => report::text(&report),
        Output::Json => serde_json::to_string_pretty(&report).map_err(Error::Json)? + "\n",
    })?;
    Ok(ExitCode::Success)
}

fn read_settings(path: &Path) -> Result<Settings, ExpressionsError> {
    let text = fs::read_to_string(path).map_err(|source| {
        let path = path.to_owned();
        ExpressionsError::ReadSettings { path, source }
    })?;
    Ok(Settings::from_toml(path, &text)?)
}

fn report(
    args: &ExpressionsArgs,
    settings: &Settings,
    EffectiveCni { source, config: cni }: EffectiveCni,
    selection: &Selection,
    diagnostics: Vec<Diagnostic>,
) -> Result<Report, ExpressionsError> {
    if cni.uses_attached_only() && settings.pods.max.is_none_or(|it| it == 0) {
        return Err(ExpressionsError::AttachedInterfacesOnly);
    }
    let node = NodeConfiguration { cni, options: capacity_options(settings) };
    let rows = rows(selection, &node);
    if rows.iter().all(|row| row.max_pods.is_err())
        && let Some(Err(error)) = rows.first().map(|row| row.max_pods)
    {
        return Err(ExpressionsError::NoCapacity(error));
    }
    let is_for = |tool| args.tools.is_empty() || args.tools.contains(&tool);
    let overrides = settings.reserve.overrides();
    let without_capacity = rows.iter().filter(|row| row.max_pods.is_err());
    Ok(Report {
        source,
        cni,
        ceiling: node.options.ceiling,
        fixed_max_pods: node.options.max_pods_override.as_ref().map(MaxPodsOverride::value),
        instance_types: rows.len(),
        all_instance_types: selection.is_complete,
        without_capacity: without_capacity.map(|row| row.name.clone()).collect(),
        karpenter: is_for(Tool::Karpenter).then(|| Karpenter::of(&node, &overrides, &rows)),
        nodeadm: is_for(Tool::Nodeadm).then(|| Nodeadm::of(&node, &rows)),
        bottlerocket: (is_for(Tool::Bottlerocket) && !selection.is_complete)
            .then(|| bottlerocket(&rows)),
        diagnostics,
    })
}

/// Returns the options of the calculation. Whether a tag excludes the subnet of a node is only known if the
/// settings contain it.
fn capacity_options(settings: &Settings) -> CapacityOptions {
    let is_excluded = settings.cni.primary_subnet_excluded.unwrap_or(false);
    let primary_subnet =
        if is_excluded { PrimarySubnet::Excluded } else { PrimarySubnet::default() };
    let network = NodeNetwork { primary_subnet, ..NodeNetwork::default() };
    CapacityOptions { network, ..settings.pods.capacity_options() }
}
