//! `DescribeInstanceTypes`: the limits of one type, or of all of them.

use super::{Ec2, Ec2Error};
use crate::adapter::aws::call::{CallError, call};
use crate::adapter::{Deadline, retry};
use aws_sdk_ec2::types::{InstanceTypeHypervisor, InstanceTypeInfo, VCpuInfo};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::limits::{InstanceLimits, Platform, Row};
use std::collections::BTreeMap;

const ACTION: &str = "ec2:DescribeInstanceTypes";

impl Ec2 {
    /// The limits of one type.
    pub async fn limits(
        &self,
        instance_type: &InstanceType,
        deadline: Deadline,
    ) -> Result<InstanceLimits, Ec2Error> {
        let answer = retry(deadline, async || {
            let request =
                self.client.describe_instance_types().instance_types(instance_type.as_str().into());
            call(ACTION, deadline, request.send()).await
        })
        .await;
        let answer = match answer {
            Err(CallError::Refused { code, .. }) if code == "InvalidInstanceType" => {
                return Err(Ec2Error::UnknownType(instance_type.clone()));
            }
            answer => answer?,
        };
        let found = answer.instance_types().iter().find(|info| {
            info.instance_type().is_some_and(|name| name.as_str() == instance_type.as_str())
        });
        let info = found.ok_or_else(|| Ec2Error::UnknownType(instance_type.clone()))?;
        let row = row(instance_type.as_str(), info)?;
        Ok(InstanceLimits::new(instance_type, row))
    }

    /// What EC2 says of every type in the region, all pages of them. `page` is told how many are there
    /// so far.
    pub async fn all_rows(
        &self,
        deadline: Deadline,
        mut page: impl FnMut(usize),
    ) -> Result<BTreeMap<String, Row>, Ec2Error> {
        let mut types = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let answer = retry(deadline, async || {
                let request = self
                    .client
                    .describe_instance_types()
                    .max_results(100)
                    .set_next_token(next.clone());
                call(ACTION, deadline, request.send()).await
            })
            .await?;
            for info in answer.instance_types() {
                let name = info.instance_type().map_or("", |name| name.as_str());
                types.insert(name.to_owned(), row(name, info)?);
            }
            page(types.len());
            next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(types);
            }
        }
    }
}

/// What the CNI uses of a type's description. The default card is found by its index: the list
/// need not be in that order.
fn row(name: &str, info: &InstanceTypeInfo) -> Result<Row, Ec2Error> {
    let lacks = |what| Ec2Error::Incomplete { instance_type: name.to_owned(), what };
    let network = info.network_info().ok_or_else(|| lacks("NetworkInfo"))?;
    let default = network.default_network_card_index().unwrap_or(0);
    let card = network
        .network_cards()
        .iter()
        .find(|card| card.network_card_index() == Some(default))
        .ok_or_else(|| lacks("its default network card"))?;
    let count = |value: Option<i32>, what| {
        value.and_then(|value| u32::try_from(value).ok()).ok_or_else(|| lacks(what))
    };
    let platform = match info.hypervisor() {
        _ if info.bare_metal() == Some(true) => Platform::BareMetal,
        Some(InstanceTypeHypervisor::Nitro) => Platform::Nitro,
        Some(InstanceTypeHypervisor::Xen) => Platform::Xen,
        _ => return Err(lacks("Hypervisor")),
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
