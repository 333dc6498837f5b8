//! `max-pods`: computes max-pods for one instance type, like EKS's `max-pods-calculator.sh`.

mod max_pods_args;

pub use max_pods_args::CalculatorArgs;
pub(crate) use max_pods_args::MaxPodsArgs;

use crate::adapter::{Context, Deadline};
use crate::command::{print, with_type_overrides};
use crate::error::{Error, UsageError};
use crate::observe::{self, ObserveError};
use eni_core::domain::capacity::{Capacity, CapacityOptions, picture};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::{InstanceLimits, LimitsTable};
use std::time::Duration;
use tokio::runtime::Runtime;
use tracing::warn;

/// Timeout for instance metadata and EC2 together.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Prints max-pods of the instance type. Calls `runtime` only if a request is necessary.
pub(crate) fn show(
    context: Context,
    args: &MaxPodsArgs,
    runtime: fn() -> Result<Runtime, Error>,
) -> Result<(), Error> {
    let (instance_type, limits) = limits(context, args, runtime)?;
    let capacity = capacity(args, &instance_type, &limits)?;
    if args.explain {
        return print(&picture(&instance_type, &limits, &capacity));
    }
    for diagnostic in &capacity.diagnostics {
        warn!("{}: {}", diagnostic.code.subject(), diagnostic.text);
    }
    print(&format!("{}\n", capacity.max_pods))
}

fn capacity(
    args: &MaxPodsArgs,
    instance_type: &InstanceType,
    limits: &InstanceLimits,
) -> Result<Capacity, Error> {
    let ceiling = args.calculator.ceiling();
    let options = CapacityOptions { ceiling, ..CapacityOptions::default() };
    Capacity::compute(limits, args.calculator.cni(), options)
        .map_err(|source| Error::NoCapacity { instance_type: instance_type.to_string(), source })
}

/// Returns the instance type and its limits.
fn limits(
    context: Context,
    args: &MaxPodsArgs,
    runtime: fn() -> Result<Runtime, Error>,
) -> Result<(InstanceType, InstanceLimits), Error> {
    let is_instance = args.instance_type_from_imds;
    let context = Context { is_instance, ..with_type_overrides(context)? };
    if is_instance {
        return runtime()?.block_on(Box::pin(of_this_instance(&context)));
    }
    let instance_type = one_type(&args.instance_type, &context.table)?;
    if let Some((limits, _)) = context.table.find(&instance_type) {
        return Ok((instance_type, limits));
    }
    runtime()?.block_on(Box::pin(from_ec2(&context, args, instance_type)))
}

/// Returns the instance type in `words`, which contain no pattern.
fn one_type(words: &[String], table: &LimitsTable) -> Result<InstanceType, UsageError> {
    let [word] = words else { return Err(UsageError::SeveralTypes("several instance types")) };
    match &**word {
        "-" => Err(UsageError::SeveralTypes("instance types on standard input")),
        pattern if pattern.contains(['*', '?', '[']) => {
            Err(UsageError::SeveralTypes("patterns of instance types"))
        }
        name => name.parse().map_err(|error| {
            let nearest = table.nearest(name);
            UsageError::InvalidType { error, nearest }
        }),
    }
}

/// Returns the instance type in instance metadata, and its limits.
async fn of_this_instance(context: &Context) -> Result<(InstanceType, InstanceLimits), Error> {
    let deadline = Deadline::after(TIMEOUT);
    let instance = observe::instance_type(context, deadline).await;
    let (instance_type, region) = instance.map_err(ObserveError::from)?;
    let limits = match context.table.find(&instance_type) {
        Some((limits, _)) => limits,
        None => observe::limits_from_ec2(context, &instance_type, &region, deadline).await?,
    };
    Ok((instance_type, limits))
}

/// Returns `instance_type`, which the table does not contain, and its limits.
async fn from_ec2(
    context: &Context,
    args: &MaxPodsArgs,
    instance_type: InstanceType,
) -> Result<(InstanceType, InstanceLimits), Error> {
    let Some(region) = &args.region else {
        let nearest = context.table.nearest(instance_type.as_str());
        return Err(UsageError::NoRegion { instance_type, nearest }.into());
    };
    let deadline = Deadline::after(TIMEOUT);
    let limits = observe::limits_from_ec2(context, &instance_type, region, deadline)
        .await
        .map_err(|error| error.with_nearest(&context.table))?;
    Ok((instance_type, limits))
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

    /// Returns max-pods of the type, without a runtime.
    fn max_pods_of(words: &[&str]) -> Result<u32, Error> {
        let Flags { args } = Flags::parse_from(["max-pods"].iter().chain(words));
        let context = Context { root: "/does-not-exist".into(), ..Context::default() };
        let (instance_type, limits) = limits(context, &args, || {
            Err(Error::Runtime(io::Error::other("a request is necessary")))
        })?;
        Ok(capacity(&args, &instance_type, &limits)?.max_pods)
    }

    #[test]
    fn known_instance_types_need_no_request() {
        assert_eq!(max_pods_of(&["--instance-type", "m5.large"]).unwrap(), 29);
        assert_eq!(max_pods_of(&["--instance-type", "c5.4xlarge"]).unwrap(), 110);
        for unknown in [&["--instance-type", "zz9.plural"][..], &["--instance-type-from-imds"]] {
            let error = max_pods_of(unknown).unwrap_err();
            assert!(matches!(error, Error::Runtime(_)), "{error:?}");
        }
    }

    #[test]
    fn only_one_instance_type_is_accepted() {
        for (words, what) in [
            (&["--instance-type", "m5.*"][..], "patterns of instance types"),
            (&["--instance-type", "m5.[lx]arge"], "patterns of instance types"),
            (&["--instance-type", "m?.large"], "patterns of instance types"),
            (&["--instance-type", "-"], "instance types on standard input"),
            (
                &["--instance-type", "m5.large", "--instance-type", "c5.large"],
                "several instance types",
            ),
        ] {
            let error = max_pods_of(words).unwrap_err();
            assert!(
                matches!(error, Error::Usage(UsageError::SeveralTypes(rejected)) if rejected == what),
                "{error:?}"
            );
        }
    }
}
