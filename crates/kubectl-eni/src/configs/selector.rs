//! The flags that select the subnets for pods.

use clap::Args;
use eni_core::domain::identifier::SubnetId;
use eni_core::facts::Subnet;
use ipnet::Ipv4Net;
use std::fmt;
use std::str::FromStr;

/// The subnets for pods: those that match `--subnet-tag` and `--cidr`, or those in `--subnet-ids`.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct SubnetSelector {
    /// Select the subnets of the cluster's VPC with this tag; repeat it to require several tags
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub subnet_tag: Vec<TagSelector>,
    /// Select the subnets of the cluster's VPC inside of these CIDR ranges
    #[arg(long, value_name = "CIDR,…", value_delimiter = ',')]
    pub cidr: Vec<Ipv4Net>,
    /// Use these subnets, at most one for each zone
    #[arg(long, value_name = "ID,…", value_delimiter = ',', conflicts_with_all = ["subnet_tag", "cidr"])]
    pub subnet_ids: Vec<SubnetId>,
}

/// `KEY`, or `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagSelector {
    key: String,
    /// `None` for any value.
    value: Option<String>,
}

impl FromStr for TagSelector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        if key.is_empty() {
            return Err("the key of the tag is empty");
        }
        Ok(Self { key: key.to_owned(), value })
    }
}

impl fmt::Display for TagSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key)?;
        match &self.value {
            Some(value) => write!(formatter, "={value}"),
            None => Ok(()),
        }
    }
}

impl SubnetSelector {
    /// Returns whether the flags list the subnets.
    pub(super) fn lists_ids(&self) -> bool {
        !self.subnet_ids.is_empty()
    }

    /// Returns whether `subnet` is selected. An IPv6-only subnet is not in any CIDR range.
    pub(super) fn selects(&self, subnet: &Subnet) -> bool {
        let has_tag = |tag: &TagSelector| {
            let value = subnet.tags.get(&tag.key);
            value.is_some_and(|value| tag.value.as_ref().is_none_or(|it| it == value))
        };
        let is_inside = |cidr: Ipv4Net| self.cidr.iter().any(|range| range.trunc().contains(&cidr));
        if self.lists_ids() {
            return self.subnet_ids.iter().any(|id| id.as_str() == subnet.id);
        }
        self.subnet_tag.iter().all(has_tag)
            && (self.cidr.is_empty() || subnet.cidr.is_some_and(is_inside))
    }
}

/// Formats the flags, such as `--subnet-tag pods=true --cidr 100.64.0.0/10`.
impl fmt::Display for SubnetSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |values: Vec<String>| values.join(",");
        let mut flags: Vec<String> =
            self.subnet_tag.iter().map(|tag| format!("--subnet-tag {tag}")).collect();
        if !self.cidr.is_empty() {
            let ranges = self.cidr.iter().map(ToString::to_string).collect();
            flags.push(format!("--cidr {}", joined(ranges)));
        }
        if self.lists_ids() {
            let ids = self.subnet_ids.iter().map(ToString::to_string).collect();
            flags.push(format!("--subnet-ids {}", joined(ids)));
        }
        formatter.write_str(&flags.join(" "))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Returns a subnet with these tags.
    pub(in super::super) fn subnet(
        (id, zone): (&str, &str),
        cidr: &str,
        free_addresses: u32,
        tags: &[(&str, &str)],
    ) -> Subnet {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Subnet {
            id: id.to_owned(),
            zone: zone.to_owned(),
            zone_id: format!("id-{zone}"),
            vpc: "vpc-1".to_owned(),
            cidr: cidr.parse().ok(),
            free_addresses,
            tags: tags.collect::<BTreeMap<_, _>>(),
        }
    }

    /// Returns the selector of these flags.
    pub(in super::super) fn selector(flags: &[&str]) -> SubnetSelector {
        #[derive(clap::Parser)]
        struct Flags {
            #[command(flatten)]
            selector: SubnetSelector,
        }
        let arguments = ["test"].iter().chain(flags);
        <Flags as clap::Parser>::try_parse_from(arguments).unwrap().selector
    }

    #[test]
    fn tags_and_ranges_must_all_match() {
        let subnet = subnet(
            ("subnet-1", "us-west-2a"),
            "100.64.32.0/19",
            8187,
            &[("tier", "pods"), ("kubernetes.io/role/cni", "1")],
        );
        for (flags, expected) in [
            (&["--subnet-tag", "tier"][..], true),
            (&["--subnet-tag", "tier=pods"], true),
            (&["--subnet-tag", "tier=nodes"], false),
            (&["--subnet-tag", "tier="], false),
            (&["--subnet-tag", "Tier"], false),
            (&["--subnet-tag", "tier", "--subnet-tag", "kubernetes.io/role/cni=1"], true),
            (&["--subnet-tag", "tier", "--subnet-tag", "kubernetes.io/role/cni=0"], false),
            (&["--cidr", "100.64.0.0/10"], true),
            (&["--cidr", "100.64.1.1/10"], true),
            (&["--cidr", "10.0.0.0/8"], false),
            (&["--cidr", "10.0.0.0/8,100.64.0.0/16"], true),
            (&["--cidr", "100.64.32.0/20"], false),
            (&["--cidr", "100.64.0.0/10", "--subnet-tag", "tier=nodes"], false),
            (&["--subnet-ids", "subnet-0,subnet-1"], true),
            (&["--subnet-ids", "subnet-0"], false),
        ] {
            let selector = selector(flags);
            assert_eq!(selector.selects(&subnet), expected, "{flags:?}");
        }
    }

    #[test]
    fn a_subnet_without_an_ipv4_block_is_in_no_range() {
        let subnet = subnet(("subnet-1", "us-west-2a"), "", 0, &[("tier", "pods")]);
        assert!(!selector(&["--cidr", "0.0.0.0/0"]).selects(&subnet));
        assert!(selector(&["--subnet-tag", "tier"]).selects(&subnet));
    }

    #[test]
    fn a_selector_prints_as_its_flags() {
        for flags in [
            &["--subnet-tag", "a=b=c", "--subnet-tag", "d", "--cidr", "100.64.0.0/10"][..],
            &["--subnet-ids", "subnet-0,subnet-1"],
        ] {
            assert_eq!(selector(flags).to_string(), flags.join(" "));
        }
        assert_eq!("=a".parse::<TagSelector>(), Err("the key of the tag is empty"));
    }
}
