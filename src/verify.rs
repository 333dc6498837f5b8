//! Whether an ENIConfig that exists fits this node: its subnet and security groups as EC2 knows them,
//! and what else in the cluster would keep the CNI from using it.
//!
//! What cannot be asked is skipped, with the reason: the answer may be worth a boot's waiting, the
//! question never is.

mod registered_node;
mod security_groups;
mod subnet;

use crate::adapter::Deadline;
use crate::adapter::aws::call::CallError;
use crate::adapter::ec2::Ec2;
use crate::adapter::kubernetes::{ApiServer, EniConfig};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config::FALLBACK;
use eni_core::domain::finding::Finding;
use eni_core::domain::prefixes;
use std::time::Duration;
use tokio::join;

pub use subnet::Place;

/// How long EC2 may take for one question: a cluster without a way to its API must not wait for it.
const ATTEMPT: Duration = Duration::from_secs(10);

const SUBNET: &str = "subnet";
const GROUPS: &str = "security groups";
const DEFAULT: &str = "ENIConfig default";

/// What an ENIConfig is compared with.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Where the node is.
    pub place: Place,
    /// The ENIConfig's name.
    pub name: String,
    /// Addresses that the node's pods take, once it is full.
    pub addresses: u32,
    /// Whether they come as prefixes of 16.
    pub prefixes: bool,
    /// `ENABLE_SUBNET_DISCOVERY`: tags can exclude a subnet.
    pub subnet_discovery: bool,
    /// The cluster's name, where it is known.
    pub cluster: Option<String>,
}

/// Compares an ENIConfig with EC2. `ec2` is why there is no client, where there is none.
pub async fn with_ec2(fit: &Fit, eni_config: &EniConfig, ec2: Result<&Ec2, &str>) -> Vec<Finding> {
    let ec2 = match ec2 {
        Ok(ec2) => ec2,
        Err(why) => {
            return vec![Finding::skipped(SUBNET, why, None), Finding::skipped(GROUPS, why, None)];
        }
    };
    let deadline = Deadline::after(ATTEMPT);
    let ids = [eni_config.subnet.clone()];
    let wanted = &eni_config.security_groups;
    let (subnets, found_groups) = join!(ec2.subnets(&ids, deadline), async {
        if wanted.is_empty() { Ok(Vec::new()) } else { ec2.security_groups(wanted, deadline).await }
    });
    let mut findings = Vec::new();
    let found = match subnets {
        Err(error) => {
            findings.push(skipped(SUBNET, &error));
            None
        }
        Ok(found) => {
            let found = found.into_iter().next();
            findings.push(subnet::judge(fit, &eni_config.subnet, found.as_ref()));
            found
        }
    };
    if let (Some(found), true) = (&found, fit.prefixes)
        && !findings.iter().any(Finding::is_fatal)
        && let Some(cidr) = found.cidr
    {
        let (most, least) = prefixes::bounds(cidr, found.free_addresses);
        // The count of free addresses often tells by itself. EC2 answers for every interface in
        // the subnet otherwise, and a thousand nodes may ask at the same time.
        let free = if most == 0 {
            Ok(0)
        } else if least * prefixes::ADDRESSES >= fit.addresses.max(1) {
            Ok(least)
        } else {
            ec2.free_prefixes(&found.id, cidr, Deadline::after(ATTEMPT)).await
        };
        findings.push(match free {
            Ok(free) => subnet::judge_prefixes(fit, found, free, least),
            Err(error) => skipped("free prefixes", &error),
        });
    }
    match found_groups {
        Ok(found_groups) => {
            let vpc = found.as_ref().map(|found| found.vpc.as_str());
            findings.push(security_groups::judge(&fit.name, wanted, &found_groups, vpc));
        }
        Err(error) => findings.push(skipped(GROUPS, &error)),
    }
    findings
}

/// Looks for what else in the cluster would keep the CNI from this ENIConfig.
pub async fn with_cluster(fit: &Fit, api: &ApiServer, aws_node: Option<&AwsNode>) -> Vec<Finding> {
    let (default, node) = join!(api.eni_config(FALLBACK), api.known_node());
    let mut findings = Vec::new();
    match default {
        Ok(Some(_)) if fit.name != FALLBACK => findings.push(Finding::warning(
            DEFAULT,
            "there is an ENIConfig named default: the CNI would take it for a node whose labels it cannot read in time, whatever its zone",
            "delete it, unless every node may use it: `kubectl delete eniconfig default`",
        )),
        Ok(_) => {}
        Err(error) => findings.push(Finding::skipped(DEFAULT, error.to_string(), None)),
    }
    match node {
        Ok(Some(node)) => findings.extend(registered_node::judge(fit, &node, aws_node)),
        Ok(None) => {}
        Err(error) => findings.push(Finding::skipped("node", error.to_string(), None)),
    }
    findings
}

fn skipped(check: &'static str, error: &CallError) -> Finding {
    let help = match error {
        CallError::NotPermitted { action, .. } => Some(format!(
            "allow {action} to the node's role (/usr/share/eni-bootstrap/iam-policy.json)"
        )),
        _ => None,
    };
    Finding::skipped(check, crate::adapter::chain(error), help)
}
