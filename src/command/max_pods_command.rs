//! `max-pods`: computes max-pods for instance types, like EKS's `max-pods-calculator.sh`.

mod calculator_output;
mod max_pods_args;
pub(crate) mod type_selection;

pub(crate) use max_pods_args::MaxPodsArgs;

use crate::adapter::{Context, Deadline};
use crate::command::{print_colored, with_type_overrides};
use crate::error::{Error, UsageError};
use crate::observe::{self, ObserveError};
use crate::report::picture::picture;
use calculator_output::Output;
use eni_core::domain::capacity::{Capacity, NoCapacity};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::InstanceLimits;
use max_pods_args::Os;
use std::time::Duration;
use tracing::warn;

/// Timeout for instance metadata and EC2 together.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The result for one instance type.
#[derive(Clone, Debug)]
pub(crate) struct Calculation {
    pub instance_type: InstanceType,
    pub limits: InstanceLimits,
    pub capacity: Result<Capacity, NoCapacity>,
}

impl MaxPodsArgs {
    fn calculate(&self, instance_type: InstanceType, limits: InstanceLimits) -> Calculation {
        let capacity = match self.os {
            Os::Linux => Capacity::compute(&limits, self.cni(), self.options()),
            Os::Windows => Err(NoCapacity::Windows),
        };
        Calculation { instance_type, limits, capacity }
    }
}

/// Prints max-pods for every selected instance type.
pub(crate) async fn show(context: Context, args: MaxPodsArgs) -> Result<(), Error> {
    let is_instance = args.instance_type_from_imds;
    let context = Context { is_instance, ..with_type_overrides(context)? };
    let deadline = Deadline::after(TIMEOUT);
    let (types, region) = if is_instance {
        let instance = observe::instance_type(&context, deadline).await;
        let (instance_type, region) = instance.map_err(ObserveError::from)?;
        (vec![instance_type], Some(region))
    } else {
        let types = type_selection::select(&args.instance_type, &context.table)?;
        (types, args.region.clone())
    };
    let mut calculations = Vec::new();
    for instance_type in types {
        let limits = if let Some((limits, _)) = context.table.find(&instance_type) {
            limits
        } else {
            let no_region = || {
                let nearest = context.table.nearest(instance_type.as_str());
                let instance_type = instance_type.clone();
                Error::Usage(UsageError::NoRegion { instance_type, nearest })
            };
            let region = region.as_ref().ok_or_else(no_region)?;
            // Boxed: the future of the EC2 request is large, and the request is rare.
            let call = observe::limits_from_ec2(&context, &instance_type, region, deadline);
            match Box::pin(call).await {
                // Instance metadata has no misspelled instance types.
                Err(error) if !is_instance => {
                    return Err(error.with_nearest(&context.table).into());
                }
                limits => limits?,
            }
        };
        calculations.push(args.calculate(instance_type, limits));
    }
    args.sort.apply(&mut calculations);
    print_colored(&text(&args, &calculations)?)
}

fn text(args: &MaxPodsArgs, calculations: &[Calculation]) -> Result<String, Error> {
    if args.explain {
        let pictures: Result<Vec<_>, _> = calculations.iter().map(explained).collect();
        return Ok(pictures?.join("\n"));
    }
    if args.lowest {
        let counts: Result<Vec<_>, _> = calculations.iter().map(max_pods).collect();
        let lowest = counts?.into_iter().min();
        return Ok(lowest.map_or_else(String::new, |lowest| format!("{lowest}\n")));
    }
    match (args.output, calculations) {
        (None | Some(Output::Number), [calculation]) => {
            let capacity = capacity_of(calculation)?;
            for diagnostic in &capacity.diagnostics {
                warn!("{}: {}", diagnostic.code.subject(), diagnostic.text);
            }
            Ok(format!("{}\n", capacity.max_pods))
        }
        (Some(Output::Number), many) => {
            many.iter().map(|calculation| Ok(format!("{}\n", max_pods(calculation)?))).collect()
        }
        (output, many) => {
            calculator_output::text(output.unwrap_or(Output::Table), many, args.color)
        }
    }
}

fn max_pods(calculation: &Calculation) -> Result<u32, Error> {
    capacity_of(calculation).map(|capacity| capacity.max_pods)
}

fn explained(calculation: &Calculation) -> Result<String, Error> {
    Ok(picture(&calculation.instance_type, &calculation.limits, capacity_of(calculation)?))
}

fn capacity_of(calculation: &Calculation) -> Result<&Capacity, Error> {
    calculation.capacity.as_ref().map_err(|source| Error::NoCapacity {
        instance_type: calculation.instance_type.to_string(),
        source: *source,
    })
}
