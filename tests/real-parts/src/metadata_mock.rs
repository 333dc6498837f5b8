//! The instance metadata service of amazon-ec2-metadata-mock, and its configuration.

use std::io::Write as _;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::parts::part;
use super::server::Server;

/// The MAC address of the network interface of an [`instance`].
pub const MAC: &str = "02:00:00:00:00:0a";
/// The subnet of the network interface of an [`instance`].
pub const SUBNET: &str = "subnet-0a0a0a0a0a0a0a0a0";
/// The VPC of an [`instance`].
pub const VPC: &str = "vpc-0b0b0b0b0b0b0b0b0";
/// The id of an [`instance`].
pub const INSTANCE_ID: &str = "i-0c0c0c0c0c0c0c0c0";
/// The private IPv4 address of an [`instance`].
pub const ADDRESS: &str = "10.20.0.10";
/// The IAM role of an [`instance`]. Its credentials expire in 2099.
pub const ROLE: &str = "node-role";

/// A running metadata service that requires IMDSv2. Dropping it stops it.
#[derive(Debug)]
pub struct MetadataMock {
    server: Server,
    _config: NamedTempFile,
}

impl MetadataMock {
    /// Returns the URL of the service, without a path.
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }
}

/// Starts a metadata service with the configuration `config` from [`instance`], which the test may
/// change. An item whose path in `config` is `""` returns 404.
///
/// The mock returns directory listings (`…/macs/`, `tags/instance/`) also without a token. It treats
/// the prefix of a name as a directory, so only whole names return 404.
#[expect(clippy::needless_pass_by_value, reason = "a configuration is made for one mock")]
pub fn metadata_mock(config: Value) -> Option<MetadataMock> {
    let program = part("bin/ec2-metadata-mock", "the metadata mock", "tests/real/install.sh imds")?;
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    let server = Server::start(|at| {
        let mut command = Command::new(&program);
        command.args(["--hostname", &at.ip().to_string(), "--port", &at.port().to_string()]);
        command.args(["--imdsv2", "--config-file"]).arg(file.path());
        // The mock keeps tokens and responses in unsynchronized globals. Two concurrent requests crash
        // it ("concurrent map read and map write") unless only one thread runs at a time.
        command.env("GOMAXPROCS", "1").env("GODEBUG", "asyncpreemptoff=1");
        command
    });
    Some(MetadataMock { server, _config: file })
}

/// Returns the configuration of the metadata mock for an instance of `instance_type` in `zone`, which
/// must be a standard zone such as `eu-west-1a`. Without user data, its path returns 404, as on EC2.
///
/// The other values are the constants of this module, the zone id (`euw1-az1` for `eu-west-1a`), and
/// the tags `Name=node` and `team=blue`. The mock supports two tags, with configurable paths.
pub fn instance(instance_type: &str, zone: &str, user_data: impl AsRef<[u8]>) -> Value {
    let region = zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let domain =
        if region == "us-east-1" { "ec2.internal" } else { &format!("{region}.compute.internal") };
    let hostname = format!("ip-{}.{domain}", ADDRESS.replace('.', "-"));
    let user_data = user_data.as_ref();
    json!({
        "metadata": {
            "paths": {
                "tags-instance-name": "/latest/meta-data/tags/instance/Name",
                "tags-instance-test": "/latest/meta-data/tags/instance/team",
            },
            "values": {
                "hostname": hostname,
                "instance-id": INSTANCE_ID,
                "instance-type": instance_type,
                "local-hostname": hostname,
                "local-ipv4": ADDRESS,
                // The mock inserts it into the paths below `macs/`, and the role into the path of
                // the credentials.
                "mac": MAC,
                "mac-local-hostname": hostname,
                "mac-local-ipv4s": ADDRESS,
                "mac-mac": MAC,
                "mac-subnet-id": SUBNET,
                "mac-subnet-ipv4-cidr-block": "10.20.0.0/24",
                "mac-vpc-id": VPC,
                "mac-vpc-ipv4-cidr-block": "10.20.0.0/16",
                "mac-vpc-ipv4-cidr-blocks": "10.20.0.0/16",
                "placement-availability-zone": zone,
                "placement-availability-zone-id": zone_id(zone),
                "placement-region": region,
                "iam-security-credentials-role": ROLE,
                "iam-security-credentials": {
                    "Code": "Success",
                    "LastUpdated": "2026-01-01T00:00:00Z",
                    "Type": "AWS-HMAC",
                    "AccessKeyId": "ASIAEXAMPLE",
                    "SecretAccessKey": "secret-example",
                    "Token": "token-example",
                    "Expiration": "2099-01-01T00:00:00Z",
                },
                "tags-instance-name": "node",
                "tags-instance-test": "blue",
            },
        },
        "dynamic": {
            "values": {
                "instance-identity-document": {
                    "accountId": "123456789012",
                    "architecture": "x86_64",
                    "availabilityZone": zone,
                    "imageId": "ami-0d0d0d0d0d0d0d0d0",
                    "instanceId": INSTANCE_ID,
                    "instanceType": instance_type,
                    "pendingTime": "2026-01-01T00:00:00Z",
                    "privateIp": ADDRESS,
                    "region": region,
                    "version": "2017-09-30",
                },
            },
        },
        "userdata": {
            "paths": { "userdata": if user_data.is_empty() { "" } else { "/latest/user-data" } },
            "values": { "userdata": BASE64_STANDARD.encode(user_data) },
        },
    })
}

/// Returns a zone id in EC2's format: `apse2-az3` for `ap-southeast-2c`. On EC2 the number depends on
/// the account; here it is the position of the letter.
fn zone_id(zone: &str) -> String {
    let (region, letter) = zone.split_at(zone.len() - 1);
    let short = ["north", "south", "east", "west", "central"]
        .iter()
        .fold(region.to_owned(), |region, word| region.replace(word, &word[..1]));
    let number = letter.bytes().next().unwrap() - b'a' + 1;
    format!("{}-az{number}", short.replace('-', ""))
}
