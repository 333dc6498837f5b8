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
use tokio::runtime::Runtime;
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

/// Prints max-pods for every selected instance type. Calls `runtime` only if a request is necessary.
pub(crate) fn show(
    context: Context,
    args: &MaxPodsArgs,
    runtime: fn() -> Result<Runtime, Error>,
) -> Result<(), Error> {
    let mut calculations = calculations(context, args, runtime)?;
    args.sort.apply(&mut calculations);
    print_colored(&text(args, &calculations)?)
}

fn calculations(
    context: Context,
    args: &MaxPodsArgs,
    runtime: fn() -> Result<Runtime, Error>,
) -> Result<Vec<Calculation>, Error> {
    let is_instance = args.instance_type_from_imds;
    let context = Context { is_instance, ..with_type_overrides(context)? };
    if is_instance {
        let calculation = runtime()?.block_on(Box::pin(of_this_instance(&context, args)))?;
        return Ok(vec![calculation]);
    }
    let types = type_selection::select(&args.instance_type, &context.table)?;
    let known: Option<Vec<_>> = types.iter().map(|it| context.table.find(it)).collect();
    let Some(known) = known else {
        return runtime()?.block_on(Box::pin(of_types(&context, args, types)));
    };
    let known = types.into_iter().zip(known);
    Ok(known.map(|(it, (limits, _))| args.calculate(it, limits)).collect())
}

/// Returns the calculation for the instance type in instance metadata.
async fn of_this_instance(context: &Context, args: &MaxPodsArgs) -> Result<Calculation, Error> {
    let deadline = Deadline::after(TIMEOUT);
    let instance = observe::instance_type(context, deadline).await;
    let (instance_type, region) = instance.map_err(ObserveError::from)?;
    let limits = match context.table.find(&instance_type) {
        Some((limits, _)) => limits,
        None => observe::limits_from_ec2(context, &instance_type, &region, deadline).await?,
    };
    Ok(args.calculate(instance_type, limits))
}

/// Returns the calculation for each of `types`, of which the table does not contain all.
async fn of_types(
    context: &Context,
    args: &MaxPodsArgs,
    types: Vec<InstanceType>,
) -> Result<Vec<Calculation>, Error> {
    let deadline = Deadline::after(TIMEOUT);
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
            let region = args.region.as_ref().ok_or_else(no_region)?;
            observe::limits_from_ec2(context, &instance_type, region, deadline)
                .await
                .map_err(|error| error.with_nearest(&context.table))?
        };
        calculations.push(args.calculate(instance_type, limits));
    }
    Ok(calculations)
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::io;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        args: MaxPodsArgs,
    }

    /// Returns max-pods of each type, without a runtime.
    fn max_pods_of(words: &[&str]) -> Result<Vec<u32>, Error> {
        let Flags { args } = Flags::parse_from(["max-pods"].iter().chain(words));
        let context = Context { root: "/does-not-exist".into(), ..Context::default() };
        let calculations = calculations(context, &args, || {
            Err(Error::Runtime(io::Error::other("a request is necessary")))
        });
        calculations?.iter().map(max_pods).collect()
    }

    #[test]
    fn known_instance_types_need_no_request() {
        let types = ["--instance-type", "m5.large", "--instance-type", "c5.4xlarge"];
        assert_eq!(max_pods_of(&types).unwrap(), [29, 110]);
        for unknown in [&["--instance-type", "zz9.plural"][..], &["--instance-type-from-imds"]] {
            let error = max_pods_of(unknown).unwrap_err();
            assert!(matches!(error, Error::Runtime(_)), "{error:?}");
        }
        let mixed = ["--instance-type", "m5.large", "--instance-type", "zz9.plural"];
        assert!(matches!(max_pods_of(&mixed), Err(Error::Runtime(_))));
    }
}
