//! Responses of EC2, EKS and STS, as the agent parses them with the AWS SDK.

use super::cluster::status;
use crate::client::{block_on, one_attempt, respond};
use eni_bootstrap::adapter::replay;
use eni_core::domain::zone::Region;
use serde_json::Value;

/// Returns whether `text` contains the number as a word.
fn contains_number(text: &str, number: u32) -> bool {
    let words = text.split(|it: char| !it.is_ascii_digit());
    words.filter_map(|it| it.parse::<u32>().ok()).any(|it| it == number)
}

/// A byte that selects the status, followed by the XML of EC2.
pub(super) fn ec2(data: &[u8]) {
    let (status, body) = status(data);
    let text = String::from_utf8_lossy(body);
    let client = || respond(status, vec![body.to_vec()]).ec2();
    let m5 = "m5.large".parse().expect("an instance type");
    if let Ok(limits) = block_on(replay::limits(&client(), &m5, one_attempt())) {
        assert!((200..300).contains(&status), "{status}");
        for number in [limits.interfaces, limits.ipv4_per_interface, limits.vcpus] {
            assert!(contains_number(&text, number), "{number} is not in the response");
        }
    }
    if let Ok(subnets) = block_on(replay::subnets(&client(), one_attempt())) {
        assert!((200..300).contains(&status), "{status}");
        for subnet in subnets {
            assert!(contains_number(&text, subnet.free_addresses), "{subnet:?}");
            assert!(!subnet.id.is_empty() && !subnet.zone.is_empty(), "{subnet:?}");
        }
    }
}

/// A byte that selects the status, followed by the JSON of EKS.
pub(super) fn eks(data: &[u8]) {
    let (status, body) = status(data);
    let region: Region = "us-west-2".parse().expect("a region");
    let responses = respond(status, vec![body.to_vec()]);
    let described = block_on(responses.eks_cluster("prod", &region, one_attempt()));
    if let Ok((cluster, subnets)) = described {
        assert!((200..300).contains(&status), "{status}");
        // The SDK also accepts text after a number, for example.
        let Ok(object) = serde_json::from_slice::<Value>(body) else { return };
        let object = &object["cluster"];
        assert_eq!(object["endpoint"], *cluster.endpoint);
        assert_eq!(object["certificateAuthority"]["data"], *cluster.certificate_authority);
        let expected = object["resourcesVpcConfig"]["subnetIds"].as_array();
        assert!(subnets.len() <= expected.map_or(0, Vec::len), "{subnets:?}");
    }
}

/// A byte that selects the status, followed by the XML of STS.
pub(super) fn sts(data: &[u8]) {
    let (status, body) = status(data);
    let responses = respond(status, vec![body.to_vec()]);
    if let Ok(credentials) = block_on(responses.role_credentials()) {
        assert!((200..300).contains(&status), "{status}");
        // The SDK replaces a missing field with an empty text. AWS then rejects the signature of each request.
        let text = String::from_utf8_lossy(body);
        let is_plain = |it: &&String| it.chars().all(|it| it.is_ascii_alphanumeric());
        for value in credentials.iter().filter(is_plain) {
            assert!(text.contains(value.as_str()), "{value:?} is not in the response");
        }
    }
}
