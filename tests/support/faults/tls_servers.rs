//! The stand-ins of the AWS APIs, with or without TLS.

use std::path::Path;

use eni_bootstrap_sandbox::{AwsApi, Certificate, Ec2, Subnet};

use super::mounts::trust;

/// The credentials that STS returns.
pub const STS: [&str; 3] =
    ["ASIASTSOFTHEMATRIX12", "sTs/sEcReT+kEy/OfTheMatrix", "sTs+sEsSiOn/ToKeN+of/the/matrix=="];

/// Starts EC2. With a certificate, this mount namespace trusts only its authority.
pub fn ec2(subnets: Vec<Subnet>, certificate: Option<Certificate>, home: &Path) -> Ec2 {
    let Some(kind) = certificate else { return Ec2::start(subnets) };
    let (ec2, authority) = Ec2::start_tls(subnets, kind);
    trust(home, &authority);
    ec2
}

/// Starts EKS and STS, like [`ec2`].
pub fn aws(certificate: Option<Certificate>, home: &Path) -> AwsApi {
    let credentials = STS.map(str::to_owned);
    let Some(kind) = certificate else { return AwsApi::start(credentials) };
    let (aws, authority) = AwsApi::start_tls(credentials, kind);
    trust(home, &authority);
    aws
}
