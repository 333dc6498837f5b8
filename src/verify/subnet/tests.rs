use super::*;
use std::collections::BTreeMap;

fn fit() -> Fit {
    Fit {
        place: Place {
            zone: Some("us-west-2a".to_owned()),
            zone_id: Some("usw2-az1".to_owned()),
            vpc: Some("vpc-1".to_owned()),
            region: "us-west-2".to_owned(),
        },
        name: "us-west-2a".to_owned(),
        addresses: 18,
        prefixes: false,
        subnet_discovery: true,
        cluster: Some("prod".to_owned()),
    }
}

fn subnet() -> Subnet {
    Subnet {
        id: "subnet-1".to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: "usw2-az1".to_owned(),
        vpc: "vpc-1".to_owned(),
        cidr: Some("10.0.0.0/24".parse().unwrap()),
        free_addresses: 251,
        tags: BTreeMap::new(),
    }
}

fn tagged(key: &str, value: &str) -> Subnet {
    Subnet { tags: BTreeMap::from([(key.to_owned(), value.to_owned())]), ..subnet() }
}

fn fails(says: &str, help: &str) -> Finding {
    let edit = "`kubectl edit eniconfig us-west-2a`, field spec.subnet";
    Finding::fails(SUBNET, says, help.replace("EDIT", edit))
}

fn ok() -> Finding {
    Finding::ok(SUBNET, "subnet-1 is in us-west-2a, with 251 free addresses")
}

#[test]
fn a_subnet_of_this_zone_and_vpc_is_good() {
    assert_eq!(judge(&fit(), "subnet-1", Some(&subnet())), ok());
}

#[test]
fn zones_are_compared_by_id_where_both_have_one() {
    let judged = |zone: &str, zone_id: &str, known_id: Option<&str>| {
        let mut fit = fit();
        fit.place.zone_id = known_id.map(str::to_owned);
        let found = Subnet { zone: zone.to_owned(), zone_id: zone_id.to_owned(), ..subnet() };
        judge(&fit, "subnet-1", Some(&found))
    };
    let other_name = "subnet-1 is in us-west-2d, with 251 free addresses";
    assert_eq!(judged("us-west-2d", "usw2-az1", Some("usw2-az1")), Finding::ok(SUBNET, other_name));
    assert_eq!(
        judged("us-west-2a", "usw2-az3", Some("usw2-az1")),
        fails(
            "its subnet subnet-1 is in us-west-2a (usw2-az3), and this node is in us-west-2a (usw2-az1)",
            "name a subnet of the node's own zone: EDIT"
        ),
        "one name, two zones"
    );
    assert_eq!(
        judged("us-west-2b", "", None),
        fails(
            "its subnet subnet-1 is in us-west-2b, and this node is in us-west-2a",
            "name a subnet of the node's own zone: EDIT"
        )
    );
    assert_eq!(judged("us-west-2a", "usw2-az1", None), ok());
}

#[test]
fn what_is_wrong_with_a_subnet_is_told_apart() {
    assert_eq!(
        judge(&fit(), "subnet-9", None),
        fails(
            "there is no subnet subnet-9 in us-west-2 for this account",
            "name one that there is: EDIT"
        )
    );
    assert_eq!(
        judge(&fit(), "subnet-1", Some(&Subnet { vpc: "vpc-2".to_owned(), ..subnet() })),
        fails(
            "its subnet subnet-1 is in vpc-2, and this node is in vpc-1",
            "name a subnet of vpc-1: EDIT; where interfaces of two VPCs are meant, set eni-config.verify = false"
        )
    );
    assert_eq!(
        judge(&fit(), "subnet-1", Some(&Subnet { free_addresses: 1, ..subnet() })),
        fails(
            "its subnet subnet-1 has 1 free addresses, and a node needs 2 at least",
            "free addresses in it, or name another subnet: EDIT"
        )
    );
    assert_eq!(
        judge(&fit(), "subnet-1", Some(&Subnet { free_addresses: 17, ..subnet() })),
        Finding::warning(
            SUBNET,
            "its subnet subnet-1 has 17 free addresses, and this node's pods take up to 18",
            "add a larger subnet before the node fills up"
        )
    );
}

#[test]
fn tags_exclude_a_subnet_where_the_cni_looks_at_them() {
    let judged = |found: Subnet| judge(&fit(), "subnet-1", Some(&found));
    let excluded = |tag: &str| {
        fails(
            &format!("its subnet subnet-1 is tagged {tag}: the CNI keeps pods off its interfaces"),
            "remove the tag, or name another subnet: EDIT",
        )
    };
    assert_eq!(judged(tagged(ROLE, "0")), excluded("kubernetes.io/role/cni=0"));
    assert_eq!(judged(tagged(ROLE, "1")), ok());
    assert_eq!(judged(tagged("cni.networking.k8s.aws/cluster/prod", "shared")), ok());
    assert_eq!(
        judged(tagged("cni.networking.k8s.aws/cluster/dev", "shared")),
        excluded("cni.networking.k8s.aws/cluster/dev, and not for prod")
    );
    let blind = Fit { subnet_discovery: false, ..fit() };
    assert_eq!(judge(&blind, "subnet-1", Some(&tagged(ROLE, "0"))), ok());
    let nameless = Fit { cluster: None, ..fit() };
    let of_dev = tagged("cni.networking.k8s.aws/cluster/dev", "shared");
    assert_eq!(judge(&nameless, "subnet-1", Some(&of_dev)), ok());
}

#[test]
fn prefixes_need_sixteen_addresses_side_by_side() {
    let fit = Fit { addresses: 108, prefixes: true, ..fit() };
    let found = Subnet { free_addresses: 130, ..subnet() };
    let judged = |free, least| judge_prefixes(&fit, &found, free, least);
    assert_eq!(
        judged(0, 0),
        Finding::fails(
            "free prefixes",
            "its subnet subnet-1 has 130 free addresses, but no 16 of them in one /28",
            "add a subnet for pods alone, or reserve ranges of this one for prefixes (`aws ec2 create-subnet-cidr-reservation --reservation-type prefix`)"
        )
    );
    assert_eq!(
        judged(6, 0),
        Finding::warning(
            "free prefixes",
            "its subnet subnet-1 has 6 free /28, and this node's pods take up to 7",
            "add a larger subnet before the node fills up"
        )
    );
    assert_eq!(judged(7, 0), Finding::ok("free prefixes", "subnet-1 has 7 free /28"));
    assert_eq!(judged(7, 7), Finding::ok("free prefixes", "subnet-1 has at least 7 free /28"));
}
