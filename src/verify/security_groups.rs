//! The check of the security groups that an ENIConfig lists.

use super::SubnetRequirements;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::facts::SecurityGroup;

/// The default quota of security groups for a network interface, which can be raised to
/// [`MAX_SECURITY_GROUPS`].
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
const DEFAULT_QUOTA: usize = 5;
/// The maximum quota. Source: the same page.
const MAX_SECURITY_GROUPS: usize = 16;

/// Returns the first problem of the security groups `ids` of an ENIConfig, or a passed check.
///
/// `existing` contains the groups that EC2 returned. `vpc` is the VPC of the subnet, if it is known.
pub(super) fn check(
    requirements: &SubnetRequirements,
    ids: &[String],
    existing: &[SecurityGroup],
    vpc: Option<&str>,
) -> Diagnostic {
    let edit = format!("`kubectl edit eniconfig {}`", requirements.eni_config);
    let count = ids.len();
    if ids.is_empty() {
        return Diagnostic::ok(
            Code::SecurityGroupsInherited,
            "the ENIConfig lists none; the CNI uses those of the primary network interface",
        );
    }
    if count > MAX_SECURITY_GROUPS {
        return Diagnostic::failed(
            Code::TooManySecurityGroups,
            format!(
                "the ENIConfig lists {count} security groups, but a network interface can have at most {MAX_SECURITY_GROUPS}"
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
    if count > DEFAULT_QUOTA {
        return Diagnostic::warning(
            Code::ManySecurityGroups,
            format!(
                "the ENIConfig lists {count} security groups, but the default quota allows {DEFAULT_QUOTA} for a network interface"
            ),
            format!(
                "check that the quota is at least {count}: `aws ec2 describe-account-attributes --attribute-names vpc-max-security-groups-per-interface --region {}`",
                requirements.location.region
            ),
        );
    }
    Diagnostic::ok(Code::SecurityGroupsOk, ids.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::subnet::tests::requirements;
    use super::*;
    use eni_core::diagnostic::Severity;

    fn group(id: &str, vpc: &str) -> SecurityGroup {
        SecurityGroup { id: id.to_owned(), vpc: vpc.to_owned() }
    }

    fn checked(ids: &[&str], vpc: Option<&str>) -> Diagnostic {
        let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
        let existing = [group("sg-1", "vpc-1"), group("sg-2", "vpc-2")];
        check(&requirements(), &ids, &existing, vpc)
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
    }

    #[test]
    fn more_security_groups_than_the_default_quota_are_a_warning_and_more_than_16_a_failure() {
        assert_eq!(checked(&["sg-1"; 5], None).severity, Severity::Ok);
        let many = |count: usize| {
            Diagnostic::warning(
                Code::ManySecurityGroups,
                format!(
                    "the ENIConfig lists {count} security groups, but the default quota allows 5 for a network interface"
                ),
                format!(
                    "check that the quota is at least {count}: `aws ec2 describe-account-attributes --attribute-names vpc-max-security-groups-per-interface --region us-west-2`"
                ),
            )
        };
        assert_eq!(checked(&["sg-1"; 6], Some("vpc-1")), many(6));
        assert_eq!(checked(&["sg-1"; 16], Some("vpc-1")), many(16));
        assert_eq!(
            checked(&["sg-1"; 17], Some("vpc-1")),
            Diagnostic::failed(
                Code::TooManySecurityGroups,
                "the ENIConfig lists 17 security groups, but a network interface can have at most 16",
                "set spec.securityGroups to at most 16 security groups: `kubectl edit eniconfig us-west-2a`"
            )
        );
        let unknown = ["sg-1", "sg-1", "sg-1", "sg-1", "sg-1", "sg-3"];
        assert_eq!(
            checked(&unknown, None).code,
            Code::SecurityGroupNotFound,
            "a failure takes precedence over the quota"
        );
    }
}
