use super::*;
use std::collections::BTreeMap;

const NEW: AddressDemand = AddressDemand { addresses: 108, is_additional: false };
const REBOOTED: AddressDemand = AddressDemand { addresses: 20, is_additional: true };

pub(crate) fn subnet(id: &str, free_addresses: u32) -> Subnet {
    Subnet {
        id: id.to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: "usw2-az1".to_owned(),
        vpc: "vpc-1".to_owned(),
        cidr: Some("10.0.0.0/24".parse().unwrap()),
        free_addresses,
        tags: BTreeMap::new(),
    }
}

fn few(code: Code, text: &str) -> Diagnostic {
    Diagnostic::warning(code, text, "add a larger subnet before the node runs out of addresses")
}

#[test]
fn several_subnets_count_together() {
    let checked = |free: &[u32], demand| {
        let named =
            free.iter().zip(1..).map(|(free, number)| subnet(&format!("subnet-{number}"), *free));
        let subnets: Vec<Subnet> = named.collect();
        check_addresses(&subnets.iter().collect::<Vec<_>>(), demand, "HELP".to_owned())
    };
    let full = |text: &str| Diagnostic::failed(Code::SubnetFull, text, "HELP");
    let needs = "but a new node needs at least 2";
    assert_eq!(checked(&[1], NEW), full(&format!("subnet-1 has 1 free address, {needs}")));
    assert_eq!(
        checked(&[0, 1], NEW),
        full(&format!("subnet-1 and subnet-2 have 1 free address, {needs}"))
    );
    let uses = "but the pods of this node can use up to 108";
    assert_eq!(
        checked(&[50, 40, 10], NEW),
        few(
            Code::FewFreeAddresses,
            &format!("subnet-1, subnet-2 and subnet-3 have 100 free addresses, {uses}")
        )
    );
    let ok = |text: &str| Diagnostic::ok(Code::SubnetOk, text);
    assert_eq!(checked(&[108], NEW), ok("subnet-1 is in us-west-2a and has 108 free addresses"));
    assert_eq!(
        checked(&[8, 100], NEW),
        ok("subnet-1 and subnet-2 are in us-west-2a and have 108 free addresses")
    );
}

#[test]
fn a_node_with_attached_addresses_needs_only_the_missing_ones() {
    let checked = |free, addresses| {
        let demand = AddressDemand { addresses, ..REBOOTED };
        check_addresses(&[&subnet("subnet-1", free)], demand, "HELP".to_owned())
    };
    assert_eq!(
        checked(1, 20),
        few(
            Code::FewFreeAddresses,
            "subnet-1 has 1 free address, but the pods of this node can use up to 20 more"
        )
    );
    assert_eq!(
        checked(0, 0),
        Diagnostic::ok(Code::SubnetOk, "subnet-1 is in us-west-2a and has 0 free addresses")
    );
}

#[test]
fn prefix_delegation_needs_free_blocks_of_sixteen_addresses() {
    let subnet = subnet("subnet-1", 130);
    let checked = |demand, free, is_minimum| check_prefixes(&[&subnet], demand, free, is_minimum);
    assert_eq!(
        checked(NEW, 0, false),
        Diagnostic::failed(
            Code::NoFreePrefix,
            "subnet-1 has 130 free addresses, but no free /28 prefix",
            "use a subnet that contains only pods, or reserve a range for prefixes: `aws ec2 create-subnet-cidr-reservation --subnet-id subnet-1 --reservation-type prefix --cidr CIDR`"
        )
    );
    let uses = "but the pods of this node can use up to";
    assert_eq!(
        checked(NEW, 6, false),
        few(Code::FewFreePrefixes, &format!("subnet-1 has 6 free /28 prefixes, {uses} 7"))
    );
    assert_eq!(
        checked(REBOOTED, 1, false),
        few(Code::FewFreePrefixes, &format!("subnet-1 has 1 free /28 prefix, {uses} 2 more"))
    );
    let ok = |text: &str| Diagnostic::ok(Code::FreePrefixesOk, text);
    assert_eq!(checked(NEW, 7, false), ok("subnet-1 has 7 free /28 prefixes"));
    assert_eq!(checked(NEW, 7, true), ok("subnet-1 has at least 7 free /28 prefixes"));
}
