//! The tags with which the VPC CNI selects subnets for pods.
//!
//! Source: `IsSubnetExcluded` and `isSubnetValidForENICreation`, `pkg/awsutils/awsutils.go`,
//! aws/amazon-vpc-cni-k8s v1.23.2.

use std::collections::BTreeMap;

/// With the value `0`, this tag excludes a subnet from pods. Another value includes a subnet that is
/// not the one of the primary network interface.
pub const ROLE: &str = "kubernetes.io/role/cni";
/// The prefix of the tags that reserve a subnet for clusters; the cluster name follows.
const CLUSTER: &str = "cni.networking.k8s.aws/cluster/";

/// The tags of a subnet.
pub type Tags = BTreeMap<String, String>;

/// Returns the tag that excludes a subnet from pods; `None` if the subnet is not excluded.
///
/// `cluster` is the variable `CLUSTER_NAME` of aws-node. Without it, no tag reserves a subnet for
/// another cluster.
#[must_use]
pub fn excluding_tag(tags: &Tags, cluster: Option<&str>) -> Option<String> {
    match tags.get(ROLE).map_or("", String::as_str) {
        "" => None,
        "0" => Some(format!("{ROLE}=0")),
        _ => reserving_tag(tags, cluster?),
    }
}

/// Returns whether the CNI creates network interfaces in a subnet with these tags, which is not the
/// subnet of the primary network interface.
#[must_use]
pub fn is_discovered(tags: &Tags, cluster: Option<&str>) -> bool {
    let has_role = tags.get(ROLE).is_some_and(|value| !value.is_empty());
    has_role && excluding_tag(tags, cluster).is_none()
}

/// Returns a tag that reserves the subnet for another cluster than `cluster`, unless another tag
/// reserves it for `cluster`, too.
fn reserving_tag(tags: &Tags, cluster: &str) -> Option<String> {
    let mut clusters = tags.keys().filter_map(|key| key.strip_prefix(CLUSTER)).peekable();
    let first = *clusters.peek()?;
    let is_ours = clusters.any(|name| name == cluster);
    (!is_ours).then(|| format!("{CLUSTER}{first} (CLUSTER_NAME of aws-node is {cluster})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    const OTHER: (&str, &str) = ("cni.networking.k8s.aws/cluster/other", "shared");
    const OURS: (&str, &str) = ("cni.networking.k8s.aws/cluster/prod", "owned");

    #[test]
    fn a_subnet_is_excluded_only_with_a_role_tag() {
        let excluded = |pairs: &[(&str, &str)], cluster| excluding_tag(&tags(pairs), cluster);
        let prod = Some("prod");
        assert_eq!(excluded(&[], prod), None);
        assert_eq!(excluded(&[OTHER], prod), None, "a cluster tag alone");
        assert_eq!(excluded(&[(ROLE, ""), OTHER], prod), None, "an empty role tag");
        assert_eq!(excluded(&[(ROLE, "1")], prod), None);
        assert_eq!(excluded(&[(ROLE, "1"), OTHER], None), None, "no CLUSTER_NAME");
        assert_eq!(excluded(&[(ROLE, "1"), OTHER, OURS], prod), None);
        assert_eq!(
            excluded(&[(ROLE, "0"), OURS], prod).as_deref(),
            Some("kubernetes.io/role/cni=0")
        );
        assert_eq!(
            excluded(&[(ROLE, "1"), OTHER], prod).as_deref(),
            Some("cni.networking.k8s.aws/cluster/other (CLUSTER_NAME of aws-node is prod)")
        );
    }

    #[test]
    fn a_subnet_is_discovered_only_with_a_role_tag() {
        let discovered = |pairs: &[(&str, &str)]| is_discovered(&tags(pairs), Some("prod"));
        assert!(!discovered(&[]));
        assert!(!discovered(&[OURS]));
        assert!(!discovered(&[(ROLE, "")]));
        assert!(!discovered(&[(ROLE, "0")]));
        assert!(!discovered(&[(ROLE, "1"), OTHER]));
        assert!(discovered(&[(ROLE, "1")]));
        assert!(discovered(&[(ROLE, "yes"), OURS]));
    }
}
