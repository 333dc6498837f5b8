//! Whether the security groups can be put on the pods' interfaces.

use super::GROUPS;
use eni_core::domain::finding::Finding;
use eni_core::facts::SecurityGroup;

/// Security groups on one interface, unless AWS has raised the account's quota.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
const MOST: usize = 5;

/// The first thing that is wrong with the groups that the ENIConfig `name` names; `found` is what
/// EC2 has of them, and `vpc` the subnet's, where it is known.
pub(super) fn judge(
    name: &str,
    wanted: &[String],
    found: &[SecurityGroup],
    vpc: Option<&str>,
) -> Finding {
    let edit = format!("`kubectl edit eniconfig {name}`, field spec.securityGroups");
    if wanted.is_empty() {
        return Finding::ok(GROUPS, "none is named: the CNI takes those of the primary interface");
    }
    if wanted.len() > MOST {
        return Finding::fails(
            GROUPS,
            format!("it names {} security groups, and an interface takes {MOST}", wanted.len()),
            format!("name fewer: {edit}"),
        );
    }
    for id in wanted {
        let Some(group) = found.iter().find(|group| group.id == *id) else {
            return Finding::fails(
                GROUPS,
                format!("there is no security group {id}"),
                format!("name one that there is: {edit}"),
            );
        };
        if let Some(vpc) = vpc.filter(|vpc| *vpc != group.vpc) {
            return Finding::fails(
                GROUPS,
                format!("security group {id} is in {}, and the subnet is in {vpc}", group.vpc),
                format!("name groups of {vpc}: {edit}"),
            );
        }
    }
    Finding::ok(GROUPS, wanted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str, vpc: &str) -> SecurityGroup {
        SecurityGroup { id: id.to_owned(), vpc: vpc.to_owned() }
    }

    fn judged(wanted: &[&str], vpc: Option<&str>) -> Finding {
        let wanted: Vec<String> = wanted.iter().map(|&id| id.to_owned()).collect();
        let found = [group("sg-1", "vpc-1"), group("sg-2", "vpc-2")];
        judge("us-west-2a", &wanted, &found, vpc)
    }

    #[test]
    fn groups_exist_in_the_subnets_vpc() {
        assert_eq!(judged(&["sg-1"], Some("vpc-1")), Finding::ok(GROUPS, "sg-1"));
        assert_eq!(judged(&["sg-1", "sg-2"], None), Finding::ok(GROUPS, "sg-1, sg-2"));
        assert_eq!(
            judged(&[], Some("vpc-1")),
            Finding::ok(GROUPS, "none is named: the CNI takes those of the primary interface")
        );
    }

    #[test]
    fn what_is_wrong_with_groups_is_told_apart() {
        let fails = |says: &str, help: &str| {
            let edit = "`kubectl edit eniconfig us-west-2a`, field spec.securityGroups";
            Finding::fails(GROUPS, says, format!("{help}: {edit}"))
        };
        assert_eq!(
            judged(&["sg-1", "sg-3"], Some("vpc-1")),
            fails("there is no security group sg-3", "name one that there is")
        );
        assert_eq!(
            judged(&["sg-2"], Some("vpc-1")),
            fails(
                "security group sg-2 is in vpc-2, and the subnet is in vpc-1",
                "name groups of vpc-1"
            )
        );
        assert_eq!(
            judged(&["sg-1"; 6], Some("vpc-1")),
            fails("it names 6 security groups, and an interface takes 5", "name fewer")
        );
    }
}
