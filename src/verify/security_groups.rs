//! The check of the security groups that an ENIConfig lists.

use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::facts::SecurityGroup;

/// The maximum number of security groups of a network interface, by the default quota.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
const MAX_SECURITY_GROUPS: usize = 5;

/// Returns the first problem of the security groups `ids` of an ENIConfig, or a passed check.
///
/// `existing` contains the groups that EC2 returned. `vpc` is the VPC of the subnet, if it is known.
pub(super) fn check(
    eni_config: &str,
    ids: &[String],
    existing: &[SecurityGroup],
    vpc: Option<&str>,
) -> Diagnostic {
    let edit = format!("`kubectl edit eniconfig {eni_config}`");
    if ids.is_empty() {
        return Diagnostic::ok(
            Code::SecurityGroupsInherited,
            "the ENIConfig lists none; the CNI uses those of the primary network interface",
        );
    }
    if ids.len() > MAX_SECURITY_GROUPS {
        return Diagnostic::failed(
            Code::TooManySecurityGroups,
            format!(
                "the ENIConfig lists {} security groups, but a network interface can have only {MAX_SECURITY_GROUPS}",
                ids.len()
            ),
            format!(
                "set spec.securityGroups to at most {MAX_SECURITY_GROUPS} security groups: {edit}"
            ),
        );
    }
    for id in ids {
        let Some(group) = existing.iter().find(|group| group.id == *id) else {
            return Diagnostic::failed(
                Code::SecurityGroupNotFound,
                format!("security group {id} not found"),
                format!("set spec.securityGroups to existing security groups: {edit}"),
            );
        };
        if let Some(vpc) = vpc.filter(|vpc| *vpc != group.vpc) {
            return Diagnostic::failed(
                Code::SecurityGroupWrongVpc,
                format!("security group {id} is in {}, but the subnet is in {vpc}", group.vpc),
                format!("set spec.securityGroups to security groups in {vpc}: {edit}"),
            );
        }
    }
    Diagnostic::ok(Code::SecurityGroupsOk, ids.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str, vpc: &str) -> SecurityGroup {
        SecurityGroup { id: id.to_owned(), vpc: vpc.to_owned() }
    }

    fn checked(ids: &[&str], vpc: Option<&str>) -> Diagnostic {
        let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
        let existing = [group("sg-1", "vpc-1"), group("sg-2", "vpc-2")];
        check("us-west-2a", &ids, &existing, vpc)
    }

    #[test]
    fn existing_groups_in_the_vpc_of_the_subnet_pass() {
        let ok = |text: &str| Diagnostic::ok(Code::SecurityGroupsOk, text);
        assert_eq!(checked(&["sg-1"], Some("vpc-1")), ok("sg-1"));
        assert_eq!(checked(&["sg-1", "sg-2"], None), ok("sg-1, sg-2"));
        assert_eq!(
            checked(&[], Some("vpc-1")),
            Diagnostic::ok(
                Code::SecurityGroupsInherited,
                "the ENIConfig lists none; the CNI uses those of the primary network interface"
            )
        );
    }

    #[test]
    fn each_problem_has_its_own_code_and_help() {
        let edit = "`kubectl edit eniconfig us-west-2a`";
        assert_eq!(
            checked(&["sg-1", "sg-3"], Some("vpc-1")),
            Diagnostic::failed(
                Code::SecurityGroupNotFound,
                "security group sg-3 not found",
                format!("set spec.securityGroups to existing security groups: {edit}")
            )
        );
        assert_eq!(
            checked(&["sg-2"], Some("vpc-1")),
            Diagnostic::failed(
                Code::SecurityGroupWrongVpc,
                "security group sg-2 is in vpc-2, but the subnet is in vpc-1",
                format!("set spec.securityGroups to security groups in vpc-1: {edit}")
            )
        );
        assert_eq!(
            checked(&["sg-1"; 6], Some("vpc-1")),
            Diagnostic::failed(
                Code::TooManySecurityGroups,
                "the ENIConfig lists 6 security groups, but a network interface can have only 5",
                format!("set spec.securityGroups to at most 5 security groups: {edit}")
            )
        );
    }
}
