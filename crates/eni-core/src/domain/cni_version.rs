//! The version of the VPC CNI, and the versions that changed what max-pods depends on.
//!
//! Source: CHANGELOG of aws/amazon-vpc-cni-k8s.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A version of the VPC CNI, such as `1.20.4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CniVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

/// Text that is not a version of the VPC CNI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version such as 1.19.0")]
pub struct InvalidCniVersion(String);

impl CniVersion {
    /// The first version with prefix delegation.
    pub const PREFIX_DELEGATION: Self = Self::new(1, 9, 0);
    /// The first version that reads the ENIConfig name from the label
    /// `vpc.amazonaws.com/externalEniConfig`.
    pub(crate) const EXTERNAL_LABEL: Self = Self::new(1, 11, 0);
    /// The first version with subnet discovery.
    ///
    /// Source: <https://docs.aws.amazon.com/eks/latest/userguide/cni-subnet-selection.html>
    pub const SUBNET_DISCOVERY: Self = Self::new(1, 18, 0);
    /// The first version with `ENABLE_IMDS_ONLY_MODE`.
    pub(crate) const IMDS_ONLY_MODE: Self = Self::new(1, 19, 6);
    /// The first version that keeps a network interface for the trunk only on instance types that
    /// support one. Earlier versions do so on every type.
    pub const TRUNK_BY_TYPE: Self = Self::new(1, 20, 4);
    /// The first version in which the tags of a subnet exclude its network interfaces from pods.
    pub const SUBNET_EXCLUSION: Self = Self::new(1, 22, 0);
    /// The first version after [`SUBNET_EXCLUSION`](Self::SUBNET_EXCLUSION) that starts without
    /// `ec2:DescribeSecurityGroups`.
    ///
    /// Source: <https://github.com/aws/amazon-vpc-cni-k8s/pull/3720>
    pub const NO_SECURITY_GROUP_DISCOVERY: Self = Self::new(1, 22, 2);
    /// The first version after [`SUBNET_EXCLUSION`](Self::SUBNET_EXCLUSION) that starts without
    /// `ec2:DescribeSubnets` in an IPv4 cluster.
    ///
    /// Source: <https://github.com/aws/amazon-vpc-cni-k8s/pull/3843>
    pub const SUBNET_TAGS_OPTIONAL: Self = Self::new(1, 23, 2);
    /// The version that ipamd is compared with, and that `max-pods` assumes without
    /// `--cni-version`.
    pub const REFERENCE: Self = Self::new(1, 23, 2);

    /// The help of a warning about an unknown version.
    pub(crate) const HELP: &str = "set `cni.version` to the version of the CNI, such as \"1.23.2\"";

    const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Returns the version in the tag of a container image, such as
    /// `example.com/amazon-k8s-cni:v1.20.4-eksbuild.1`; `None` without a tag, or if the tag does not
    /// start with a version 1 of three numbers. The tags of private registries can have any format.
    #[must_use]
    pub fn of_image(image: &str) -> Option<Self> {
        let name = image.split_once('@').map_or(image, |(name, _)| name);
        let (_, tag) = name.rsplit('/').next()?.split_once(':')?;
        let tag = tag.strip_prefix('v').unwrap_or(tag);
        let mut parts = tag.splitn(3, '.');
        let (major, minor) = (parts.next()?, parts.next()?);
        let patch = parts.next()?;
        let end = patch.find(|it: char| !it.is_ascii_digit()).unwrap_or(patch.len());
        let version =
            Self::new(major.parse().ok()?, minor.parse().ok()?, patch[..end].parse().ok()?);
        let separates = patch[end..].chars().next().is_none_or(|it| "-+_.".contains(it));
        (version.major == 1 && separates).then_some(version)
    }
}

impl FromStr for CniVersion {
    type Err = InvalidCniVersion;

    /// Parses a version such as `1.19`, `v1.19.0` or `1.19.0-eksbuild.1`. A missing patch is 0.
    fn from_str(text: &str) -> Result<Self, InvalidCniVersion> {
        let invalid = || InvalidCniVersion(text.to_owned());
        let release = text.strip_prefix('v').unwrap_or(text);
        let release = release.split_once(['-', '+']).map_or(release, |(release, _)| release);
        let numbers: Result<Vec<u32>, _> = release.split('.').map(str::parse).collect();
        match numbers.map_err(|_| invalid())?.as_slice() {
            [major, minor] => Ok(Self::new(*major, *minor, 0)),
            [major, minor, patch] => Ok(Self::new(*major, *minor, *patch)),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for CniVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch } = self;
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

impl Serialize for CniVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CniVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_two_or_three_numbers_and_may_have_a_suffix() {
        let version = |text: &str| text.parse::<CniVersion>();
        assert_eq!(version("1.19.0"), Ok(CniVersion::new(1, 19, 0)));
        assert_eq!(version("v1.18.5-eksbuild.1"), Ok(CniVersion::new(1, 18, 5)));
        assert_eq!(version("1.9"), Ok(CniVersion::PREFIX_DELEGATION));
        assert!(version("1.8.9").unwrap() < CniVersion::PREFIX_DELEGATION);
        assert!(version("1.20.10").unwrap() > CniVersion::TRUNK_BY_TYPE);
        for text in ["latest", "2", "", "v", "1.2.3.4", "1.x", "1.-2", "-1.2"] {
            let error = format!("{text:?} is not a version such as 1.19.0");
            assert_eq!(version(text).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn the_version_of_an_image_is_in_its_tag() {
        let of_image = |image: &str| CniVersion::of_image(image).map(|it| it.to_string());
        let known = [
            (
                "602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.20.4-eksbuild.1",
                "1.20.4",
            ),
            ("public.ecr.aws/eks/amazon-k8s-cni:v1.23.2", "1.23.2"),
            ("registry.example.com:5000/cni:1.22.0", "1.22.0"),
            ("amazon-k8s-cni:v1.19.6@sha256:0123", "1.19.6"),
            ("cni:v1.21.0_fips", "1.21.0"),
        ];
        for (image, version) in known {
            assert_eq!(of_image(image).as_deref(), Some(version), "{image}");
        }
        let unknown = [
            "amazon-k8s-cni",
            "amazon-k8s-cni@sha256:0123",
            "registry.example.com:5000/amazon-k8s-cni",
            "amazon-k8s-cni:latest",
            "amazon-k8s-cni:v1.20",
            "amazon-k8s-cni:v1.20.x",
            "amazon-k8s-cni:v1.20.4rc",
            "cni:v3.1.0",
            "cni:2024.10.1",
            "",
        ];
        for image in unknown {
            assert_eq!(of_image(image), None, "{image}");
        }
    }
}
