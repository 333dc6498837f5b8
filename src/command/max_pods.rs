//! The calculator: figures for instance types, with the flags of EKS's `max-pods-calculator.sh`.

#![expect(clippy::doc_markdown, reason = "the help prints these comments, backticks and all")]

mod output;
pub(crate) mod types;

pub use output::{Color, Output, Sort};

use crate::adapter::{Context, Deadline};
use crate::command::{print, with_type_overrides};
use crate::error::{Error, UsageError};
use crate::observe::{self, ObserveError};
use crate::report::picture::picture;
use clap::{Args, ValueEnum};
use eni_core::domain::cni::{Addressing, Cni, IpFamily};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::limits::InstanceLimits;
use eni_core::domain::max_pods::{Capacity, Ceiling, NoCapacity, Wishes, capacity};
use eni_core::domain::zone::Region;
use std::time::Duration;
use tracing::warn;

/// As long as the instance and EC2 together may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The flags.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the script this replaces")]
pub struct Wanted {
    /// The instance type; a pattern such as 'm7g.*'; or - for one a line on standard input. May be given several times
    #[arg(long, value_name = "TYPE", required_unless_present = "instance_type_from_imds")]
    pub instance_type: Vec<String>,
    /// Ask the instance metadata service for the type; wins over --instance-type
    #[arg(long)]
    pub instance_type_from_imds: bool,
    /// The VPC CNI's version; prefixes need 1.9 or later [default: a version that has them]
    #[arg(long, value_name = "VERSION")]
    pub cni_version: Option<CniVersion>,
    /// Pods live on an ENIConfig's subnet: the primary interface carries none
    #[arg(long)]
    pub cni_custom_networking_enabled: bool,
    /// Prefixes of 16 addresses
    #[arg(long)]
    pub cni_prefix_delegation_enabled: bool,
    /// The most interfaces that the CNI uses (MAX_ENI); 0 is no limit
    #[arg(long, value_name = "N")]
    pub cni_max_eni: Option<u32>,
    /// Print the figure before the ceiling
    #[arg(long, conflicts_with = "ceiling")]
    pub show_max_allowed: bool,
    /// Security groups for pods: a trunk takes one interface
    #[arg(long)]
    pub cni_pod_eni_enabled: bool,
    /// Interfaces that the CNI leaves alone
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub cni_reserved_enis: u32,
    /// The family of the pods' addresses; ipv6 means prefixes, too
    #[arg(long, value_name = "FAMILY", default_value = "ipv4")]
    pub cni_ip_family: IpFamily,
    /// Interfaces of every network card serve pods
    #[arg(long)]
    pub cni_multi_nic_enabled: bool,
    /// Addresses that the CNI holds at least (MINIMUM_IP_TARGET)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub cni_minimum_ip_target: u32,
    /// Addresses that the CNI holds in reserve (WARM_IP_TARGET)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub cni_warm_ip_target: u32,
    /// recommended (110, or 250 above 30 vCPUs), none, or a number [default: recommended]
    #[arg(long, value_name = "CEILING", value_parser = eni_core::settings::ceiling)]
    pub ceiling: Option<Ceiling>,
    /// The node's operating system
    #[arg(long, value_name = "OS", default_value = "linux")]
    pub os: Os,
    /// Draw the interfaces, their slots and the sum
    #[arg(long, conflicts_with_all = ["output", "lowest"])]
    pub explain: bool,
    /// How to print [default: number for one type, table for several]
    #[arg(long, short, value_name = "FORMAT")]
    pub output: Option<Output>,
    /// Print the lowest figure alone, as EKS takes it for a group of these types
    #[arg(long, conflicts_with = "output")]
    pub lowest: bool,
    /// The order of several types
    #[arg(long, value_name = "BY", default_value = "name")]
    pub sort: Sort,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// The region to ask for a type that the table lacks
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub region: Option<Region>,
}

/// The node's operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Os {
    /// Linux
    Linux,
    /// Windows, which is refused with the reason
    Windows,
}

/// A version of the VPC CNI, such as `1.19.0` or `v1.19`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CniVersion {
    major: u32,
    minor: u32,
}

/// The first version with prefix delegation.
///
/// Source: CHANGELOG of aws/amazon-vpc-cni-k8s, v1.9.0.
const FIRST_WITH_PREFIXES: CniVersion = CniVersion { major: 1, minor: 9 };

impl std::str::FromStr for CniVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut number = || numbers.next().and_then(|digits| digits.parse().ok());
        match (number(), number()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(format!("{text:?} is not a version such as 1.19.0")),
        }
    }
}

/// What was found for one type.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub instance_type: InstanceType,
    pub limits: InstanceLimits,
    pub capacity: Result<Capacity, NoCapacity>,
}

impl Wanted {
    fn cni(&self) -> Cni {
        let supported = self.cni_version.is_none_or(|version| version >= FIRST_WITH_PREFIXES);
        let wanted = self.cni_prefix_delegation_enabled || self.cni_ip_family == IpFamily::Ipv6;
        Cni {
            addressing: if wanted && supported {
                Addressing::Prefixes
            } else {
                Addressing::SecondaryAddresses
            },
            custom_networking: self.cni_custom_networking_enabled,
            pod_eni: self.cni_pod_eni_enabled,
            max_eni: self.cni_max_eni,
            reserved_enis: self.cni_reserved_enis,
            ip_family: self.cni_ip_family,
            multi_nic: self.cni_multi_nic_enabled,
            minimum_ip_target: self.cni_minimum_ip_target,
            warm_ip_target: self.cni_warm_ip_target,
        }
    }

    fn wishes(&self) -> Wishes {
        let uncapped = self.show_max_allowed.then_some(Ceiling::Unlimited);
        Wishes { ceiling: self.ceiling.or(uncapped).unwrap_or_default(), ..Wishes::default() }
    }

    fn figure(&self, instance_type: InstanceType, limits: InstanceLimits) -> Figure {
        let capacity = match self.os {
            Os::Linux => capacity(&limits, self.cni(), self.wishes()),
            Os::Windows => Err(NoCapacity::Windows),
        };
        Figure { instance_type, limits, capacity }
    }
}

/// Prints the figures.
pub async fn show(context: Context, wanted: Wanted) -> Result<(), Error> {
    let context = with_type_overrides(context)?;
    let deadline = Deadline::after(PATIENCE);
    let (types, region) = if wanted.instance_type_from_imds {
        let found = observe::instance_type(&context, deadline).await;
        let (instance_type, region) = found.map_err(ObserveError::from)?;
        (vec![instance_type], Some(region))
    } else {
        (types::named(&wanted.instance_type, &context.table)?, wanted.region.clone())
    };
    let mut figures = Vec::new();
    for instance_type in types {
        let limits = if let Some((limits, _)) = context.table.find(&instance_type) {
            limits
        } else {
            let no_region = || Error::Usage(UsageError::NoRegion(instance_type.clone()));
            let region = region.as_ref().ok_or_else(no_region)?;
            // On the heap: rarely asked, and its future is large.
            let ask = observe::limits_from_ec2(&context, &instance_type, region, deadline);
            Box::pin(ask).await?
        };
        figures.push(wanted.figure(instance_type, limits));
    }
    wanted.sort.apply(&mut figures);
    print(&text(&wanted, &figures)?)
}

fn text(wanted: &Wanted, figures: &[Figure]) -> Result<String, Error> {
    if wanted.explain {
        let pictures: Result<Vec<_>, _> = figures.iter().map(explained).collect();
        return Ok(pictures?.join("\n"));
    }
    if wanted.lowest {
        let counts: Result<Vec<_>, _> = figures.iter().map(count).collect();
        return Ok(counts?
            .into_iter()
            .min()
            .map_or_else(String::new, |least| format!("{least}\n")));
    }
    match (wanted.output, figures) {
        (None | Some(Output::Number), [figure]) => {
            let pods = count(figure)?;
            for caveat in figure.capacity.iter().flat_map(|capacity| &capacity.caveats) {
                warn!("{caveat}");
            }
            Ok(format!("{pods}\n"))
        }
        (Some(Output::Number), many) => {
            many.iter().map(|figure| Ok(format!("{}\n", count(figure)?))).collect()
        }
        (output, figures) => output::text(output.unwrap_or(Output::Table), figures, wanted.color),
    }
}

fn count(figure: &Figure) -> Result<u32, Error> {
    capacity_of(figure).map(|capacity| capacity.max_pods)
}

fn explained(figure: &Figure) -> Result<String, Error> {
    Ok(picture(&figure.instance_type, &figure.limits, capacity_of(figure)?))
}

fn capacity_of(figure: &Figure) -> Result<&Capacity, Error> {
    figure.capacity.as_ref().map_err(|source| Error::NoCapacity {
        instance_type: figure.instance_type.to_string(),
        source: *source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_their_letter() {
        let version = |text: &str| text.parse::<CniVersion>();
        assert_eq!(version("1.19.0"), Ok(CniVersion { major: 1, minor: 19 }));
        assert_eq!(version("v1.18.0-eksbuild.1"), Ok(CniVersion { major: 1, minor: 18 }));
        assert_eq!(version("1.9"), Ok(FIRST_WITH_PREFIXES));
        assert!(version("1.8.9").unwrap() < FIRST_WITH_PREFIXES);
        assert!(version("2.0").unwrap() > FIRST_WITH_PREFIXES);
        assert_eq!(version("latest"), Err("\"latest\" is not a version such as 1.19.0".to_owned()));
        assert_eq!(version("2"), Err("\"2\" is not a version such as 1.19.0".to_owned()));
    }
}
