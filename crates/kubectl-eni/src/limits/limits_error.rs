//! The error of `limits refresh`.

use eni_bootstrap::adapter::disk::DiskError;
use eni_bootstrap::adapter::ec2::Ec2Error;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// A failure to build the table of instance types.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// EC2 did not return the limits of the instance types.
    #[error("failed to get the instance types of region {region}")]
    Ec2 { region: String, source: Box<Ec2Error> },
    /// The table file cannot be read or written.
    #[error("failed to update the table of instance types")]
    File(#[source] DiskError),
    /// The new table would not contain instance types of the existing file.
    #[error(
        "the new table is missing {missing} {} of the current table, such as {example:?}",
        if *missing == 1 { "instance type" } else { "instance types" }
    )]
    Incomplete {
        /// The number of missing instance types, at least 1.
        missing: usize,
        /// One of them.
        example: String,
    },
}

impl Advice for LimitsError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Ec2 { source, .. } => match source.exit_code() {
                ExitCode::PermissionDenied => {
                    "sign in to AWS with a role that allows ec2:DescribeInstanceTypes, and check it: `aws sts get-caller-identity`"
                }
                ExitCode::InvalidData => "use another region: `--region us-east-1`",
                _ => "check the region, and the network path to the EC2 API",
            },
            Self::File(_) => "choose a file that you can read and write: `--output FILE`",
            Self::Incomplete { .. } => {
                "use a region with more instance types, such as `--region us-east-1`, or add `--force` to write the table anyway"
            }
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Ec2 { source, .. } => source.exit_code(),
            Self::File(_) => ExitCode::CannotWrite,
            Self::Incomplete { .. } => ExitCode::InvalidData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::report;

    #[test]
    fn the_error_counts_the_missing_types() {
        let error = LimitsError::Incomplete { missing: 2, example: "z1.large".to_owned() };
        assert_eq!(
            report(&error),
            "error: the new table is missing 2 instance types of the current table, such as \"z1.large\"\n  help: use a region with more instance types, such as `--region us-east-1`, or add `--force` to write the table anyway"
        );
        assert_eq!(error.exit_code(), ExitCode::InvalidData);
    }
}
