use super::*;
use eni_bootstrap::adapter::ec2;

/// Returns a /24 with two addresses in use, and the number of free addresses that EC2 counts.
fn subnet(free_addresses: u32) -> (Subnet, AddressMap) {
    let cidr: Ipv4Net = "10.0.0.0/24".parse().unwrap();
    let used = ["10.0.0.9/32", "10.0.0.130/32"].map(|it| it.parse().unwrap()).to_vec();
    let reserved = "10.0.0.128/25".parse().unwrap();
    let reservations = vec![ec2::Reservation { cidr: reserved, is_explicit: false }];
    let map = filled(AddressMap::new(cidr).unwrap(), &SubnetUsage { used, reservations });
    let subnet = Subnet {
        id: "subnet-1".into(),
        zone: "us-west-2a".into(),
        zone_id: "usw2-az1".into(),
        vpc: "vpc-1".into(),
        cidr: Some(cidr),
        free_addresses,
        tags: BTreeMap::new(),
    };
    (subnet, map)
}

#[test]
fn fewer_free_addresses_than_expected_are_reported() {
    let note = |free| {
        let (subnet, map) = subnet(free);
        hidden_addresses(&subnet, &map)
    };
    // 123 addresses are free outside of the reservation, and two addresses in it are in use or reserved by AWS.
    assert_eq!([249, 123, 121].map(note), [None, None, None], "with and without the reservation");
    let expected = "subnet-1: 1 address in use by network interfaces that this account cannot list; fewer nodes fit";
    assert_eq!(note(120).as_deref(), Some(expected));
}

#[test]
fn the_settings_state_the_target_in_force() {
    let text = |variables: &[(&str, &str)]| {
        let environment: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let aws_node = AwsNode::read(&environment, "");
        settings(&aws_node, WarmTargets::of(&aws_node, &environment))
    };
    assert_eq!(text(&[]), "CNI defaults, WARM_ENI_TARGET 1");
    let prefixes = ("ENABLE_PREFIX_DELEGATION", "true");
    let warm = ("WARM_PREFIX_TARGET", "2");
    assert_eq!(text(&[prefixes, warm]), "prefix delegation, WARM_PREFIX_TARGET 2");
    let address = ("WARM_IP_TARGET", "5");
    assert_eq!(text(&[prefixes, warm, address]), "prefix delegation, WARM_IP_TARGET 5");
}
