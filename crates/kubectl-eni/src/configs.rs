//! `configs`: the ENIConfigs of a cluster, one for each zone with a subnet for pods.
//!
//! ```text
//! report         prints the checks and the summary
//! apply          applies the ENIConfigs with server-side apply
//! manifest       renders the ENIConfigs as YAML, Helm values and JSON
//! verification   checks the ENIConfigs against EC2 and the configuration of the CNI
//! naming         names the ENIConfigs
//! candidates     selects one subnet for each zone
//! network        reads the zones, the VPC and the subnets of the cluster
//! selector       the flags that select subnets
//! error          the error type
//! ```

mod apply;
mod candidates;
mod error;
mod manifest;
mod naming;
mod network;
mod report;
mod selector;
mod verification;

pub use error::ConfigsError;

use crate::aws::AwsOptions;
use crate::cluster::{Cluster, ClusterOptions};
use crate::error::Error;
use crate::output::print;
use apply::{Application, DryRun, Outcome};
use candidates::one_per_zone;
use clap::{Args, ValueEnum};
use eni_bootstrap::adapter::Context;
use eni_bootstrap::adapter::ec2::Ec2;
use eni_bootstrap::adapter::kubernetes::ApiServer;
use eni_core::domain::eni_config::NameTemplate;
use eni_core::domain::identifier::SecurityGroupId;
use eni_core::failure::ExitCode;
use naming::{PlannedConfig, name_template};
use network::Network;
use report::Report;
use selector::SubnetSelector;
use verification::verify;

/// The usage for the help. That of clap has more than 100 columns.
pub(crate) const USAGE: &str =
    "kubectl eni configs [OPTIONS] <--subnet-tag TAG|--cidr CIDR,…|--subnet-ids ID,…>";
/// Examples for the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  # Print the ENIConfigs for the subnets with a tag, and apply them
  kubectl eni configs --subnet-tag kubernetes.io/role/cni=1 > eniconfigs.yaml
  kubectl apply -f eniconfigs.yaml

  # Show what would change in the cluster, then change it
  kubectl eni configs --cidr 100.64.0.0/10 --dry-run=server
  kubectl eni configs --cidr 100.64.0.0/10 --apply

  # Write values for the Helm chart of the VPC CNI
  kubectl eni configs --subnet-ids subnet-0a1b,subnet-0c2d --output helm-values > values.yaml";

/// The flags of `configs`.
#[derive(Clone, Debug, Args)]
pub struct ConfigsArgs {
    #[command(flatten)]
    selector: SubnetSelector,
    /// Security groups of the pods [default: the cluster security group]
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    security_groups: Vec<SecurityGroupId>,
    /// Name of each ENIConfig, with the fields {zone}, {zone-id}, {region} and {vpc-id}
    ///
    /// The names must be those that the nodes use: `eni-config.name` of eni-bootstrap, or the value of the node
    /// label in `ENI_CONFIG_LABEL_DEF` of aws-node.
    #[arg(
        long,
        alias = "name-template",
        value_name = "TEMPLATE",
        default_value = "{zone}",
        value_parser = name_template
    )]
    eni_config_name: NameTemplate,
    /// Output format [default: yaml; with --apply or --dry-run: text]
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<Output>,
    /// Send the ENIConfigs to the API server, which validates them and changes nothing
    #[arg(long, value_name = "server", conflicts_with = "apply")]
    dry_run: Option<DryRun>,
    /// Create or change the ENIConfigs with server-side apply; never deletes an ENIConfig
    #[arg(long)]
    apply: bool,
    /// Fail with exit code 1 if a check is skipped or a zone has no subnet for pods
    #[arg(long)]
    strict: bool,
}

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// ENIConfigs for `kubectl apply`
    Yaml,
    /// Values for the Helm chart aws-vpc-cni, or for the Helm chart of eni-bootstrap
    HelmValues,
    /// ENIConfigs, subnets and checks as JSON
    Json,
    /// One line for each ENIConfig; only with --apply or --dry-run
    Text,
}

impl ConfigsArgs {
    /// Returns whether the command sends the ENIConfigs to the API server, and whether that only simulates.
    fn application(&self) -> Option<Application> {
        match (self.apply, self.dry_run) {
            (true, _) => Some(Application::Apply),
            (false, Some(DryRun::Server)) => Some(Application::Simulate),
            (false, None) => None,
        }
    }

    /// Returns the output format.
    fn format(&self) -> Result<Output, ConfigsError> {
        let sends = self.application().is_some();
        match (self.output, sends) {
            (None, false) => Ok(Output::Yaml),
            (None, true) => Ok(Output::Text),
            (Some(Output::Yaml | Output::HelmValues), true) | (Some(Output::Text), false) => {
                Err(ConfigsError::OutputWithApply { sends })
            }
            (Some(output), _) => Ok(output),
        }
    }
}

/// Prints or applies the ENIConfigs. Prints failed and skipped checks on stderr.
pub async fn run(
    arguments: ConfigsArgs,
    cluster: &ClusterOptions,
    aws: &AwsOptions,
) -> Result<ExitCode, Error> {
    let format = arguments.format()?;
    let cluster = Cluster::connect(cluster).await?;
    let region = cluster.region()?;
    let context = aws.context()?;
    let ec2 = Ec2::new(&context, region).await.map_err(ConfigsError::Ec2)?;
    let (network, planned) = plan(&arguments, &context, &ec2, &cluster).await?;
    let api = ApiServer::with_client(cluster.client.clone());
    let findings = verify(&planned, network.as_ref(), region, &ec2, &api).await;
    let network = network.ok();
    let report = Report::new(findings, network.as_ref(), &planned, arguments.strict);
    report.print_problems();
    let application = arguments.application();
    let outcome = match application {
        Some(application) if !report.blocks() => {
            apply::apply(&cluster.client, &planned, application).await
        }
        _ => Outcome::default(),
    };
    outcome.print_conflicts();
    let printed = print(&match format {
        Output::Json => {
            let vpc = network.as_ref().map(|network| network.vpc.as_str());
            let sent = application.map(|application| (application, &outcome));
            report.json(&cluster.identity, vpc, &planned, sent)
        }
        Output::Text => outcome.text(),
        // `kubectl apply` must not receive ENIConfigs that do not work.
        Output::Yaml | Output::HelmValues if report.blocks() => String::new(),
        Output::Yaml => manifest::yaml(&planned)?,
        Output::HelmValues => manifest::helm_values(&planned, region)?,
    });
    report.print_summary(application);
    let code = report.exit_code(outcome.has_conflicts());
    // The changes before an error are printed first.
    match outcome.into_error() {
        Some(error) => Err(error.into()),
        None => printed.map(|()| code),
    }
}

/// Returns the network of the cluster and the ENIConfigs to create: one for each zone with a selected subnet.
///
/// With `--subnet-ids` and `--security-groups`, the network is only needed for checks, so it may be an error.
async fn plan(
    arguments: &ConfigsArgs,
    context: &Context,
    ec2: &Ec2,
    cluster: &Cluster,
) -> Result<(Result<Network, ConfigsError>, Vec<PlannedConfig>), ConfigsError> {
    let (selector, region) = (&arguments.selector, cluster.region()?);
    let network = network::read(context, ec2, cluster).await;
    let (network, candidates) = if selector.lists_ids() {
        (network, network::by_ids(ec2, &selector.subnet_ids, region).await?)
    } else {
        let network = network?;
        let candidates = network::in_vpc(ec2, &network, selector).await?;
        (Ok(network), candidates)
    };
    let subnets = one_per_zone(candidates, selector)?;
    let given = arguments.security_groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (network, groups) = if given.is_empty() {
        let network = network?;
        let group = network.security_group.clone().ok_or(ConfigsError::NoSecurityGroup)?;
        (Ok(network), vec![group])
    } else {
        (network, given)
    };
    let planned = naming::named(&arguments.eni_config_name, region, subnets, &groups)?;
    Ok((network, planned))
}
