//! The check of the subnets from which the CNI assigns pod addresses without custom networking.
//!
//! The CNI also starts without a free address, so the check never blocks kubelet startup.

use super::free_addresses::{
    AddressDemand, check_addresses, estimate_prefixes, free_prefixes, ids,
};
use crate::adapter::Deadline;
use crate::adapter::ec2::Ec2;
use eni_core::diagnostic::{Code, Diagnostic, Severity};
use eni_core::domain::subnet_tags;
use eni_core::facts::Subnet;

/// The subnets from which the CNI assigns pod addresses, and what the node needs of them.
#[derive(Debug)]
pub(crate) struct PodSubnets<'a> {
    pub subnets: Vec<&'a Subnet>,
    /// The addresses in addition to those of the attached network interfaces.
    pub demand: AddressDemand,
    /// Whether the CNI assigns the addresses as `/28` prefixes.
    pub prefixes: bool,
    /// `ENABLE_SUBNET_DISCOVERY`: a tag makes the CNI use another subnet.
    pub subnet_discovery: bool,
}

/// Checks the free addresses of the subnets and, with prefix delegation, their free `/28` prefixes.
///
/// `ec2` returns the client that counts the prefixes until `deadline`, or the reason for the skipped check.
/// Without `ec2`, only the number of free addresses is used.
pub(crate) async fn check_pod_subnets(
    pods: &PodSubnets<'_>,
    ec2: Option<impl AsyncFnOnce() -> Result<Ec2, String>>,
    deadline: Deadline,
) -> Vec<Diagnostic> {
    let PodSubnets { subnets, demand, prefixes, .. } = pods;
    if subnets.is_empty() {
        return Vec::new();
    }
    let mut diagnostics = vec![check_addresses(subnets, *demand, release(pods))];
    let is_full = diagnostics.iter().any(Diagnostic::is_failure);
    if *prefixes && !is_full && demand.addresses > 0 {
        diagnostics.extend(match ec2 {
            Some(ec2) => match ec2().await {
                Ok(ec2) => free_prefixes(subnets, *demand, &ec2, deadline).await,
                Err(reason) => {
                    Some(Diagnostic::skipped(Code::FreePrefixesNotChecked, reason, None))
                }
            },
            None => estimate_prefixes(subnets, *demand),
        });
    }
    for diagnostic in diagnostics.iter_mut().filter(|it| it.is_failure()) {
        diagnostic.severity = Severity::Warning;
    }
    diagnostics
}

/// Returns the help for subnets without free addresses.
fn release(pods: &PodSubnets<'_>) -> String {
    let ids = ids(&pods.subnets);
    if pods.subnet_discovery {
        let role = subnet_tags::ROLE;
        format!("release addresses in {ids}, or set the tag {role}=1 on another subnet in the zone")
    } else {
        format!("release addresses in {ids}, or start nodes in a larger subnet")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::free_addresses::tests::subnet;

    fn pods(subnets: Vec<&Subnet>, prefixes: bool, subnet_discovery: bool) -> PodSubnets<'_> {
        let demand = AddressDemand { addresses: 27, is_additional: false };
        PodSubnets { subnets, demand, prefixes, subnet_discovery }
    }

    async fn checked(pods: PodSubnets<'_>) -> Vec<Diagnostic> {
        let no_client = async || Err("no TLS certificates found".to_owned());
        check_pod_subnets(&pods, Some(no_client), Deadline::after(std::time::Duration::ZERO)).await
    }

    #[tokio::test]
    async fn a_full_subnet_is_a_warning() {
        let (full, also_full) = (subnet("subnet-1", 1), subnet("subnet-2", 0));
        let full_warning =
            |text: &str, help: &str| Diagnostic::warning(Code::SubnetFull, text, help);
        assert_eq!(
            checked(pods(vec![&full], true, false)).await,
            [full_warning(
                "subnet-1 has 1 free address, but a new node needs at least 2",
                "release addresses in subnet-1, or start nodes in a larger subnet"
            )]
        );
        assert_eq!(
            checked(pods(vec![&full, &also_full], true, true)).await,
            [full_warning(
                "subnet-1 and subnet-2 have 1 free address, but a new node needs at least 2",
                "release addresses in subnet-1 and subnet-2, or set the tag kubernetes.io/role/cni=1 on another subnet in the zone"
            )]
        );
        assert_eq!(checked(pods(Vec::new(), true, true)).await, []);
    }

    #[tokio::test]
    async fn a_client_is_needed_only_for_prefixes() {
        let large = subnet("subnet-1", 200);
        let text = "subnet-1 is in us-west-2a and has 200 free addresses";
        let ok = || Diagnostic::ok(Code::SubnetOk, text);
        assert_eq!(checked(pods(vec![&large], false, true)).await, [ok()]);
        let skipped =
            Diagnostic::skipped(Code::FreePrefixesNotChecked, "no TLS certificates found", None);
        assert_eq!(checked(pods(vec![&large], true, true)).await, [ok(), skipped]);
    }
}
