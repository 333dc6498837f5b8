//! `ec2:DescribeInstanceTypes`: the limits of one or all instance types.

use super::{Ec2, Ec2Error, next_page};
use crate::adapter::aws::call::{CallError, call};
use crate::adapter::{Deadline, retry};
use aws_sdk_ec2::types::{InstanceTypeHypervisor, InstanceTypeInfo, VCpuInfo};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::{InstanceLimits, Platform, Row};
use std::collections::BTreeMap;
use std::time::Duration;

const ACTION: &str = "ec2:DescribeInstanceTypes";
/// The time limit of the first page, so that a missing permission or credential is reported soon.
const FIRST_PAGE: Duration = Duration::from_mins(1);

impl Ec2 {
    /// Returns the limits of one instance type, retrying until `deadline`.
    pub async fn limits(
        &self,
        instance_type: &InstanceType,
        deadline: Deadline,
    ) -> Result<InstanceLimits, Ec2Error> {
        let response = retry("instance", deadline, async || {
            let request =
                self.client.describe_instance_types().instance_types(instance_type.as_str().into());
            call(ACTION, deadline, request.send()).await
        })
        .await;
        let response = match response {
            Err(CallError::Rejected { source, .. }) if source.has_code("InvalidInstanceType") => {
                return Err(Ec2Error::UnknownType(instance_type.clone()));
            }
            response => response?,
        };
        let info = response.instance_types().iter().find(|info| {
            info.instance_type().is_some_and(|name| name.as_str() == instance_type.as_str())
        });
        let info = info.ok_or_else(|| Ec2Error::UnknownType(instance_type.clone()))?;
        let row = row(instance_type.as_str(), info)?;
        Ok(InstanceLimits::new(instance_type, row))
    }

    /// Returns the limits of every instance type in the region, from all pages. Calls `progress` after
    /// each page with the number of instance types so far.
    pub async fn all_rows(
        &self,
        deadline: Deadline,
        mut progress: impl FnMut(usize),
    ) -> Result<BTreeMap<String, Row>, Ec2Error> {
        let mut types = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let deadline = match next {
                None => Deadline::after(deadline.at_most(FIRST_PAGE)),
                Some(_) => deadline,
            };
            let response = retry("limits", deadline, async || {
                let request = self
                    .client
                    .describe_instance_types()
                    .max_results(100)
                    .set_next_token(next.clone());
                call(ACTION, deadline, request.send()).await
            })
            .await?;
            for info in response.instance_types() {
                let name = info.instance_type().map_or("", |name| name.as_str());
                types.insert(name.to_owned(), row(name, info)?);
            }
            progress(types.len());
            next = next_page(response.next_token());
            if next.is_none() {
                return Ok(types);
            }
        }
    }
}

/// Returns the limits in `info`. Finds the default network card by its index, because the list is not
/// sorted.
fn row(name: &str, info: &InstanceTypeInfo) -> Result<Row, Ec2Error> {
    let missing = |field| Ec2Error::Incomplete { instance_type: name.to_owned(), field };
    let network = info.network_info().ok_or_else(|| missing("NetworkInfo"))?;
    let default = network.default_network_card_index().unwrap_or(0);
    let card = network
        .network_cards()
        .iter()
        .find(|card| card.network_card_index() == Some(default))
        .ok_or_else(|| missing("default network card"))?;
    let count = |value: Option<i32>, field| {
        value.and_then(|value| u32::try_from(value).ok()).ok_or_else(|| missing(field))
    };
    let platform = match info.hypervisor() {
        _ if info.bare_metal() == Some(true) => Platform::BareMetal,
        Some(InstanceTypeHypervisor::Nitro) => Platform::Nitro,
        Some(InstanceTypeHypervisor::Xen) => Platform::Xen,
        _ => return Err(missing("Hypervisor")),
    };
    let interfaces = count(card.maximum_network_interfaces(), "MaximumNetworkInterfaces")?;
    let others = network.network_cards().iter().filter(|other| *other != card);
    let of_others = others.map(|other| {
        let most = count(other.maximum_network_interfaces(), "MaximumNetworkInterfaces")?;
        Ok(most.min(interfaces))
    });
    Ok(Row {
        interfaces,
        interfaces_of_other_cards: of_others.sum::<Result<u32, Ec2Error>>()?,
        ipv4_per_interface: count(
            network.ipv4_addresses_per_interface(),
            "Ipv4AddressesPerInterface",
        )?,
        platform,
        vcpus: count(info.v_cpu_info().and_then(VCpuInfo::default_v_cpus), "DefaultVCpus")?,
    })
}
