//! `kubectl eni max-pods`: computes max-pods for instance types.

mod args;
mod calculation;
mod cluster_cni;
mod max_pods_error;
mod output;

pub(crate) use args::MaxPodsArgs;
pub use max_pods_error::MaxPodsError;

use crate::aws::AwsOptions;
use crate::cluster::ClusterOptions;
use crate::error::Error;
use crate::instance_types;
use crate::output::print_styled;
use args::Os;
use calculation::{Calculation, CniSource};
use eni_bootstrap::adapter::Deadline;
use eni_bootstrap::adapter::ec2::Ec2;
use eni_core::domain::capacity::{Capacity, NoCapacity};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::{InstanceLimits, LimitsTable};
use eni_core::domain::zone::Region;
use eni_core::failure::ExitCode;
use std::io::stdin;
use std::time::Duration;

/// The end of `max-pods --help`.
pub(crate) const EXAMPLES: &str = "Examples:
  kubectl eni max-pods m5.large --cni-custom-networking-enabled --explain
  kubectl eni max-pods 'c7g.*' --cni-from-cluster --sort pods";

/// Timeout for all instance types that the table does not contain.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Prints max-pods of the selected instance types.
pub(crate) async fn run(
    args: &MaxPodsArgs,
    cluster: &ClusterOptions,
    aws: &AwsOptions,
) -> Result<ExitCode, Error> {
    let table = instance_types::table(args.table.as_deref())?;
    let types = instance_types::select(&args.types(), &table, || stdin().lock())?;
    let source = if args.cni_from_cluster {
        Box::pin(cluster_cni::read(cluster, args)).await?
    } else {
        CniSource { cni: args.cni(), region: cluster.region(None) }
    };
    let limits = Box::pin(all_limits(types, &table, source.region.as_ref(), aws)).await?;
    let calculate = |(instance_type, limits): (InstanceType, InstanceLimits)| {
        let capacity = match args.os {
            Os::Linux => Capacity::compute(&limits, source.cni, args.options()),
            Os::Windows => Err(NoCapacity::Windows),
        };
        Calculation { instance_type, limits, capacity }
    };
    let mut calculations: Vec<Calculation> = limits.into_iter().map(calculate).collect();
    args.sort.apply(&mut calculations);
    print_styled(&output::text(args, &calculations)?)?;
    Ok(ExitCode::Success)
}

/// Returns the limits of each instance type. Calls EC2 for those that `table` does not contain.
async fn all_limits(
    types: Vec<InstanceType>,
    table: &LimitsTable,
    region: Option<&Region>,
    aws: &AwsOptions,
) -> Result<Vec<(InstanceType, InstanceLimits)>, Error> {
    let deadline = Deadline::after(TIMEOUT);
    let mut ec2: Option<Ec2> = None;
    let mut all = Vec::new();
    for instance_type in types {
        let limits = if let Some((limits, _)) = table.find(&instance_type) {
            limits
        } else {
            let nearest = table.nearest(instance_type.as_str());
            let Some(region) = region else {
                return Err(MaxPodsError::NoRegion { instance_type, nearest }.into());
            };
            let failed = |source| MaxPodsError::Ec2 {
                instance_type: instance_type.clone(),
                nearest: nearest.clone(),
                source: Box::new(source),
            };
            let client = match ec2.take() {
                Some(client) => client,
                None => Ec2::new(&aws.context()?, region).await.map_err(failed)?,
            };
            let limits = client.limits(&instance_type, deadline).await.map_err(failed)?;
            ec2 = Some(client);
            limits
        };
        all.push((instance_type, limits));
    }
    Ok(all)
}
