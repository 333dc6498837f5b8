//! The values of an instance and of its network interfaces, and the paths under which the service returns them.

use serde_json::json;
use std::collections::BTreeMap;

/// The list of the network interfaces.
pub(super) const MACS: &str = "meta-data/network/interfaces/macs/";

/// The values that the service returns for its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The instance type, such as `c5.large`.
    pub instance_type: String,
    /// The availability zone, such as `us-west-2a`.
    pub zone: String,
    /// The availability zone id, such as `usw2-az1`.
    pub zone_id: String,
    /// The region, such as `us-west-2`.
    pub region: String,
    /// The instance id.
    pub instance_id: String,
    /// The IPv4 address of the primary network interface.
    pub local_ipv4: String,
    /// The MAC address of the primary network interface.
    pub mac: String,
    /// The VPC of the primary network interface.
    pub vpc_id: String,
    /// The subnet of the primary network interface.
    pub subnet_id: String,
    /// The user data; `None` returns 404.
    pub user_data: Option<Vec<u8>>,
    /// The tags; `None` if tags in instance metadata are not enabled.
    pub tags: Option<BTreeMap<String, String>>,
    /// The IAM role; `None` if the instance has no instance profile.
    pub role: Option<String>,
}

impl Default for Instance {
    fn default() -> Self {
        Self {
            instance_type: "c5.large".to_owned(),
            zone: "us-west-2a".to_owned(),
            zone_id: "usw2-az1".to_owned(),
            region: "us-west-2".to_owned(),
            instance_id: "i-0123456789abcdef0".to_owned(),
            local_ipv4: "192.0.2.10".to_owned(),
            mac: "02:00:00:00:00:01".to_owned(),
            vpc_id: "vpc-0123456789abcdef0".to_owned(),
            subnet_id: "subnet-0123456789abcdef0".to_owned(),
            user_data: None,
            tags: None,
            role: Some("node".to_owned()),
        }
    }
}

impl Instance {
    /// Returns the paths below `/latest/` with their contents.
    pub(super) fn items(&self) -> BTreeMap<String, Vec<u8>> {
        let interface = format!("meta-data/network/interfaces/macs/{}", self.mac);
        let mut items: BTreeMap<String, Vec<u8>> = [
            ("meta-data/instance-type".to_owned(), &self.instance_type),
            ("meta-data/instance-id".to_owned(), &self.instance_id),
            ("meta-data/placement/availability-zone".to_owned(), &self.zone),
            ("meta-data/placement/availability-zone-id".to_owned(), &self.zone_id),
            ("meta-data/placement/region".to_owned(), &self.region),
            ("meta-data/local-ipv4".to_owned(), &self.local_ipv4),
            ("meta-data/mac".to_owned(), &self.mac),
            (MACS.to_owned(), &format!("{}/", self.mac)),
            (format!("{interface}/interface-id"), &"eni-0000000000000000a".to_owned()),
            (format!("{interface}/vpc-id"), &self.vpc_id),
            (format!("{interface}/subnet-id"), &self.subnet_id),
            (format!("{interface}/local-ipv4s"), &self.local_ipv4),
            (format!("{interface}/device-number"), &"0".to_owned()),
        ]
        .map(|(path, text)| (path, text.as_bytes().to_vec()))
        .into();
        if let Some(user_data) = &self.user_data {
            items.insert("user-data".to_owned(), user_data.clone());
        }
        if let Some(tags) = &self.tags {
            let names: Vec<&str> = tags.keys().map(String::as_str).collect();
            items.insert("meta-data/tags/instance".to_owned(), names.join("\n").into_bytes());
            for (key, value) in tags {
                items.insert(format!("meta-data/tags/instance/{key}"), value.clone().into_bytes());
            }
        }
        if let Some(role) = &self.role {
            let list = "meta-data/iam/security-credentials/".to_owned();
            items.insert(format!("{list}{role}"), credentials());
            items.insert(list, role.clone().into_bytes());
        }
        let document = json!({
            "accountId": "123456789012",
            "architecture": "x86_64",
            "availabilityZone": self.zone,
            "instanceId": self.instance_id,
            "instanceType": self.instance_type,
            "privateIp": self.local_ipv4,
            "region": self.region,
            "version": "2017-09-30",
        });
        items.insert("dynamic/instance-identity/document".to_owned(), document.to_string().into());
        items
    }
}

/// Returns credentials that are valid only in the sandbox.
fn credentials() -> Vec<u8> {
    let credentials = json!({
        "Code": "Success",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIASANDBOXEXAMPLE",
        "SecretAccessKey": "sandbox/secret/EXAMPLEKEY",
        "Token": "sandbox-session-token",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    credentials.to_string().into_bytes()
}

/// A network interface that is attached to the instance in addition to the primary one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The id, such as `eni-0123456789abcdef0`.
    pub id: String,
    /// The MAC address.
    pub mac: String,
    /// The device number on its network card; 0 is the primary network interface.
    pub device_number: u32,
    /// The network card; `None` returns 404, as on instance types with one card.
    pub network_card: Option<u32>,
    /// The subnet.
    pub subnet_id: String,
    /// The private IPv4 addresses, the primary one first; if empty, the path returns 404, as for an
    /// EFA-only network interface.
    pub local_ipv4s: Vec<String>,
    /// The `/28` prefixes; if empty, the path returns 404.
    pub ipv4_prefixes: Vec<String>,
}

/// A network interface of the VPC CNI with three addresses for pods.
impl Default for Interface {
    fn default() -> Self {
        Self {
            id: "eni-0123456789abcdef0".to_owned(),
            mac: "02:00:00:00:00:02".to_owned(),
            device_number: 1,
            network_card: None,
            subnet_id: "subnet-0a".to_owned(),
            local_ipv4s: [20, 21, 22, 23].map(|host| format!("192.0.2.{host}")).into(),
            ipv4_prefixes: Vec::new(),
        }
    }
}

impl Interface {
    /// Returns the paths below `/latest/` with their contents.
    pub(super) fn items(&self) -> Vec<(String, String)> {
        let folder = format!("meta-data/network/interfaces/macs/{}", self.mac);
        let mut items = vec![
            (format!("{folder}/interface-id"), self.id.clone()),
            (format!("{folder}/device-number"), self.device_number.to_string()),
            (format!("{folder}/subnet-id"), self.subnet_id.clone()),
        ];
        if !self.local_ipv4s.is_empty() {
            items.push((format!("{folder}/local-ipv4s"), self.local_ipv4s.join("\n")));
        }
        items
            .extend(self.network_card.map(|it| (format!("{folder}/network-card"), it.to_string())));
        if !self.ipv4_prefixes.is_empty() {
            items.push((format!("{folder}/ipv4-prefix"), self.ipv4_prefixes.join("\n")));
        }
        items
    }
}
