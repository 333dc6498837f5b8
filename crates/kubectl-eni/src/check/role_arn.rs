//! The ARN of an IAM role.

use std::fmt;
use std::str::FromStr;

/// The ARN of an IAM role, such as `arn:aws:iam::111122223333:role/eks/nodes`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleArn {
    /// Such as `aws` or `aws-cn`.
    pub partition: String,
    /// The ID of the account.
    pub account: String,
    /// The name with its path, such as `eks/nodes`.
    path: String,
}

/// Text that is not the ARN of an IAM role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the ARN of an IAM role, such as arn:aws:iam::111122223333:role/NAME")]
pub(super) struct InvalidRoleArn(String);

impl RoleArn {
    /// Returns the name of the role without its path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl FromStr for RoleArn {
    type Err = InvalidRoleArn;

    fn from_str(text: &str) -> Result<Self, InvalidRoleArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let role = match parts[..] {
            ["arn", partition, "iam", "", account, resource] => {
                resource.strip_prefix("role/").map(|path| Self {
                    partition: partition.to_owned(),
                    account: account.to_owned(),
                    path: path.to_owned(),
                })
            }
            _ => None,
        };
        let is_account =
            |it: &str| it.len() == 12 && it.bytes().all(|digit| digit.is_ascii_digit());
        let is_name = |it: &str| {
            !it.is_empty()
                && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&it))
        };
        let role = role.filter(|it| is_account(&it.account) && is_name(&it.path));
        role.filter(|it| !it.name().is_empty() && !it.partition.is_empty())
            .ok_or_else(|| InvalidRoleArn(text.to_owned()))
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account, path } = self;
        write!(formatter, "arn:{partition}:iam::{account}:role/{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_contains_the_partition_the_account_and_the_name() {
        for (text, partition, name) in [
            ("arn:aws:iam::111122223333:role/nodes", "aws", "nodes"),
            ("arn:aws-cn:iam::111122223333:role/eks/prod/nodes", "aws-cn", "nodes"),
        ] {
            let role: RoleArn = text.parse().unwrap();
            assert_eq!((role.partition.as_str(), role.name()), (partition, name));
            assert_eq!((role.account.as_str(), role.to_string().as_str()), ("111122223333", text));
        }
        for text in [
            "",
            "nodes",
            "arn:aws:iam::111122223333:user/nodes",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/nodes/",
            "arn:aws:iam::1111:role/nodes",
            "arn:aws:iam::111122223333:role/no des",
            "arn:aws:iam:us-west-2:111122223333:role/nodes",
        ] {
            assert_eq!(text.parse::<RoleArn>(), Err(InvalidRoleArn(text.to_owned())));
        }
    }
}
